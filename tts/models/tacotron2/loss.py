"""Defines the loss of Tacotron 2: squared errors, gate, and the optional parts.

The squared error is computed before and after the post-net (Shen et al., 2018, §2.2). All means are
over real frames, so that the padding of a batch cannot change the loss; ``reduction="nvidia"``
divides by the padded size, as NVIDIA's implementation does. The gate's target is 1 at the last
frame. It is derived from the lengths.

Shapes: ``B`` batch, ``T_text`` symbols, ``T_mel`` frames.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from tts.models.layers import sequence_mask
from tts.models.tacotron2.config import PitchedOutput, Tacotron2Output
from tts.models.tacotron2.texture import texture_loss

REDUCTIONS = ("masked", "nvidia")


def tacotron2_loss(
    output: Tacotron2Output | PitchedOutput,
    mel: Tensor,
    mel_lengths: Tensor,
    *,
    reduction: str = "masked",
    n_frames: Tensor | None = None,
    gate_pos_weight: float = 1.0,
    text_lengths: Tensor | None = None,
    guided_weight: float = 0.0,
    guided_sigma: float = 0.4,
    pitch_weight: float = 1.0,
    texture_weight: float = 0.0,
) -> dict[str, Tensor]:
    """Compute the parts of the loss, and their weighted sum under ``"total"``.

    Args:
        output: result of the teacher-forced pass.
        mel: ``(B, n_mels, T_mel)`` target, padded with 0.
        mel_lengths: ``(B,)`` numbers of frames.
        reduction: ``"masked"`` or ``"nvidia"``.
        n_frames: scalar by which the sums over frames are divided; None means the number of real
            frames in this batch. The ranks of one global batch pass the mean over the ranks.
        gate_pos_weight: weight of the last frame, relative to the others, in the gate's cross
            entropy.
        text_lengths: ``(B,)`` numbers of symbols, needed for guided attention.
        guided_weight: weight of the guided attention loss; 0 switches it off.
        guided_sigma: width of the band in which attention is free, as a share of the text
            (Tachibana et al., 2018, §4.1, use 0.2; a wider band lets attention find its own path).
        pitch_weight: weight of the pitch's cross entropy, in a network with pitch.
        texture_weight: weight of :func:`texture_loss` after the post-net; 0 switches it off.

    Returns:
        Scalars ``"mel"``, ``"mel_post"``, ``"gate"`` and ``"total"``, and those of ``"guided"``,
        ``"pitch"`` and ``"texture"`` that are switched on.

    Raises:
        ValueError: the reduction is unknown, or guided attention lacks ``text_lengths``.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"loss.reduction is one of {', '.join(REDUCTIONS)}, not {reduction!r}")
    mask = sequence_mask(mel_lengths, mel.shape[2])
    count = mask.sum().to(mel.dtype) if n_frames is None else n_frames
    gate = _gate_cross_entropy(output.gate_logits, mel_lengths, gate_pos_weight)
    if reduction == "nvidia":
        parts = _padded_means(output, mel, gate)
    else:
        parts = _masked_means(output, mel, gate, mask, count)
    total = parts["mel"] + parts["mel_post"] + parts["gate"]
    if guided_weight > 0.0:
        guided = _guided_attention(output, mel, mel_lengths, text_lengths, guided_sigma)
        parts["guided"] = guided / count
        total = total + guided_weight * parts["guided"]
    if isinstance(output, PitchedOutput):
        parts["pitch"] = _pitch_cross_entropy(output, mask) / count
        total = total + pitch_weight * parts["pitch"]
    if texture_weight > 0.0:
        parts["texture"] = texture_loss(output.mel_post, mel, mask) / (count * mel.shape[1])
        total = total + texture_weight * parts["texture"]
    return {**parts, "total": total}


def _padded_means(
    output: Tacotron2Output | PitchedOutput, mel: Tensor, gate: Tensor
) -> dict[str, Tensor]:
    """Average squared errors and the gate's ``(B, T_mel)`` loss as NVIDIA's implementation does."""
    return {
        "mel": F.mse_loss(output.mel, mel),
        "mel_post": F.mse_loss(output.mel_post, mel),
        "gate": gate.mean(),
    }


def _masked_means(
    output: Tacotron2Output | PitchedOutput, mel: Tensor, gate: Tensor, mask: Tensor, count: Tensor
) -> dict[str, Tensor]:
    """Average squared errors and the gate's ``(B, T_mel)`` loss over ``count`` real frames."""
    real = mask[:, None].to(mel.dtype) / (count * mel.shape[1])
    return {
        "mel": ((output.mel - mel).square() * real).sum(),
        "mel_post": ((output.mel_post - mel).square() * real).sum(),
        "gate": gate.masked_fill(~mask, 0.0).sum() / count,
    }


def _gate_cross_entropy(logits: Tensor, mel_lengths: Tensor, pos_weight: float) -> Tensor:
    """Return the ``(B, T_mel)`` cross entropy of a gate whose target is 1 at the last frame."""
    position = torch.arange(logits.shape[1], device=logits.device)
    target = position >= mel_lengths[:, None] - 1
    # float32 at least, also where the network computes in half precision
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    # full() fills a number on the device; tensor() would copy one there, and the host would wait
    weight = torch.full((), pos_weight, dtype=logits.dtype, device=logits.device)
    return F.binary_cross_entropy_with_logits(
        logits, target.to(logits.dtype), reduction="none", pos_weight=weight
    )


def _pitch_cross_entropy(output: PitchedOutput, mask: Tensor) -> Tensor:
    """Return the cross entropy of the pitch, summed over the real frames."""
    log_shares = torch.log_softmax(output.pitch_logits.float(), 2)
    return -((output.pitch * log_shares).sum(2) * mask).sum()


def _guided_attention(
    output: Tacotron2Output | PitchedOutput,
    mel: Tensor,
    mel_lengths: Tensor,
    text_lengths: Tensor | None,
    sigma: float,
) -> Tensor:
    """Return the guided attention loss, summed over frames; see :func:`tacotron2_loss`."""
    if text_lengths is None:
        raise ValueError("the guided attention loss needs text_lengths")
    penalty = guided_attention_penalty(mel_lengths, text_lengths, output.alignments.shape, sigma)
    return (output.alignments * penalty.to(mel.dtype)).sum()


def guided_attention_penalty(
    mel_lengths: Tensor, text_lengths: Tensor, shape: tuple[int, ...], sigma: float = 0.4
) -> Tensor:
    """Return the penalty of attention far from the diagonal (Tachibana et al., 2018, §4.1).

    Args:
        mel_lengths: ``(B,)`` numbers of frames.
        text_lengths: ``(B,)`` numbers of symbols.
        shape: ``(B, T_mel, T_text)``, shape of the alignments.
        sigma: width of the band in which attention is free, as a share of the text.

    Returns:
        ``(B, T_mel, T_text)``: ``1 - exp(-(n / N - t / T)^2 / (2 sigma^2))``, 0 on the padding.
    """
    _, n_mel, n_text = shape
    device = mel_lengths.device
    t = torch.arange(n_mel, device=device) / mel_lengths[:, None]
    n = torch.arange(n_text, device=device) / text_lengths[:, None]
    penalty = 1.0 - torch.exp(-((n[:, None] - t[:, :, None]) ** 2) / (2 * sigma**2))
    real = (
        sequence_mask(mel_lengths, n_mel)[:, :, None] & sequence_mask(text_lengths, n_text)[:, None]
    )
    return penalty.masked_fill(~real, 0.0)
