"""Follows recordings by teacher forcing, with a seed for each utterance: mels and attention.

The acoustic model is in eval mode, but the dropout of its pre-net is always on (Shen et al., 2018,
§2.2), as in training and in speaking. Each utterance draws it from its own generator, so that it
does not depend on the batch. The numbers are those that torch draws: for one utterance the result
equals that of ``Tacotron2.forward`` after ``torch.manual_seed`` with the same seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from tts.models import Tacotron2
from tts.models.tacotron2.config import PitchedOutput, Tacotron2Output


def teacher_forced(
    network: Tacotron2,
    texts: Sequence[Tensor],
    mels: Sequence[Tensor],
    seeds: Sequence[int],
    speakers: Sequence[int],
) -> list[Tensor]:
    """Predict every frame of recordings from the true frames before it.

    Args:
        network: network in eval mode; a batch of several needs ``mask_convolutions``.
        texts: symbol ids ``(T_text,)`` of each utterance.
        mels: ``(n_mels, T_mel)`` of each recording.
        seeds: seed of the dropout of each utterance.
        speakers: number of the speaker of each utterance.

    Returns:
        For each utterance the mel ``(n_mels, T_mel)`` after the post-net, as long as that of the
        recording, float32 on the CPU.
    """
    predicted = _output(network, texts, mels, seeds, speakers).mel_post.float().cpu()
    return [mel[:, : target.shape[1]] for mel, target in zip(predicted, mels, strict=True)]


def forced_alignments(
    network: Tacotron2,
    texts: Sequence[Tensor],
    mels: Sequence[Tensor],
    seeds: Sequence[int],
    speakers: Sequence[int],
) -> list[Tensor]:
    """Return the attention weights of each utterance while the network predicts it.

    The arguments are those of :func:`teacher_forced`.

    Returns:
        For each utterance ``(T_mel, T_text)`` weights, float32 on the CPU. A network with a
        reduction factor repeats the weights of a step for each of its frames.
    """
    weights = _output(network, texts, mels, seeds, speakers).alignments.float().cpu()
    return [
        rows[: mel.shape[1], : len(text)]
        for rows, mel, text in zip(weights, mels, texts, strict=True)
    ]


@torch.inference_mode()
def _output(
    network: Tacotron2,
    texts: Sequence[Tensor],
    mels: Sequence[Tensor],
    seeds: Sequence[int],
    speakers: Sequence[int],
) -> Tacotron2Output | PitchedOutput:
    device = network.embedding.weight.device
    lengths = torch.tensor([mel.shape[1] for mel in mels])
    steps = (lengths // network.config.n_frames_per_step + 1).tolist()
    with _seeded_dropout(network, seeds, steps):
        output: Tacotron2Output | PitchedOutput = network(
            pad_sequence(list(texts), batch_first=True).to(device),
            torch.tensor([len(text) for text in texts], device=device),
            pad_sequence([mel.T for mel in mels], batch_first=True).transpose(1, 2).to(device),
            lengths.to(device),
            torch.tensor(speakers, device=device),
        )
    return output


@contextmanager
def _seeded_dropout(
    network: Tacotron2, seeds: Sequence[int], steps: Sequence[int]
) -> Iterator[None]:
    """Make the pre-net draw the masks of each utterance from its own seed inside the block."""
    prenet = network.decoder.prenet

    def redrawn(_: Any, inputs: tuple[Tensor, ...], __: Tensor) -> Tensor:
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        (frames,) = inputs
        for layer in prenet.layers:
            frames = F.relu(layer(frames))
            frames = frames * _masks(frames, prenet.dropout, generators, steps)
        return frames

    handle = prenet.register_forward_hook(redrawn)
    try:
        yield
    finally:
        handle.remove()


def _masks(
    frames: Tensor, dropout: float, generators: Sequence[torch.Generator], steps: Sequence[int]
) -> Tensor:
    """Return masks ``(S, B, dim)`` of 0 and 1 / (1 - dropout); 0 after an utterance's last step."""
    masks = torch.zeros(frames.shape)
    for row, (generator, n_steps) in enumerate(zip(generators, steps, strict=True)):
        drawn = torch.empty(n_steps, frames.shape[2]).bernoulli_(1 - dropout, generator=generator)
        masks[:n_steps, row] = drawn.div_(1 - dropout)
    return masks.to(frames)
