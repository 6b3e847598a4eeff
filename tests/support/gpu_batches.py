"""Provides tiny networks, their batches and one training step, for tests on the fake device."""

from __future__ import annotations

from typing import Any

import torch

from tts.models import Tacotron2, tacotron2_loss

#: A Tacotron 2 without dropout: what a device computes can be compared with another.
SIZES: dict[str, Any] = {
    **dict.fromkeys(("symbols_embedding_dim", "encoder_embedding_dim", "attention_rnn_dim"), 16),
    **dict.fromkeys(("decoder_rnn_dim", "postnet_embedding_dim", "n_mels"), 16),
    **{"attention_dim": 8, "prenet_dim": 8},
    **{f"{part}_dropout": 0.0 for part in ("encoder", "prenet", "postnet")},
    **{"p_attention_dropout": 0.0, "p_decoder_dropout": 0.0},
}
WAVEGLOW: dict[str, Any] = {
    **{"n_mels": 8, "hop_length": 64, "win_length": 256},
    **{"n_flows": 4, "n_channels": 8, "n_layers": 2},
}
LAPPED: dict[str, Any] = {
    **{"front": "lapped", "condition_channels": 4, "envelope": True, "n_group": 16},
}


def tacotron2(**options: Any) -> Tacotron2:
    torch.manual_seed(0)
    return Tacotron2(**{**SIZES, **options})


def acoustic_batch() -> tuple[torch.Tensor, ...]:
    """Return text, text lengths, mel and mel lengths of two utterances."""
    text_lengths, mel_lengths = torch.tensor([9, 4]), torch.tensor([12, 7])
    generator = torch.Generator().manual_seed(1)
    mel = torch.randn(2, 16, 12, generator=generator)
    mel[1, :, 7:] = 0
    text = torch.randint(1, 20, (2, 9), generator=generator)
    return text, text_lengths, mel, mel_lengths


def acoustic_step(
    network: Tacotron2, batch: tuple[torch.Tensor, ...], **options: Any
) -> torch.Tensor:
    """Compute the loss of a batch and its gradients."""
    output = network(*batch)
    losses = tacotron2_loss(output, batch[2], batch[3], text_lengths=batch[1], **options)
    loss: torch.Tensor = losses["total"]
    loss.backward()
    return loss
