"""Computes numbers by a formula, so that they are the same on every machine and in every version.

Each element is an integer hash of its index and of a name, mapped to [-1, 1). Weights are then
scaled by their purpose, so that a small network behaves like a trained one: attention moves,
couplings transform, nothing saturates. Names are those of NVIDIA's state dicts.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

# sizes under NVIDIA's names; the up-sampler of NVIDIA's WaveGlow always has 1024 / 256
TACOTRON2 = {
    "n_mel_channels": 6,
    "symbols_embedding_dim": 16,
    "encoder_embedding_dim": 16,
    "attention_rnn_dim": 12,
    "attention_dim": 8,
    "attention_location_n_filters": 4,
    "attention_location_kernel_size": 9,
    "decoder_rnn_dim": 14,
    "prenet_dim": 10,
    "postnet_embedding_dim": 12,
}
WAVEGLOW = {
    "n_mel_channels": 4,
    "n_flows": 4,
    "n_group": 8,
    "n_early_every": 2,
    "n_early_size": 2,
    "WN_config": {"n_layers": 3, "n_channels": 8, "kernel_size": 3},
}
# two utterances of equal length, and two of which the second is padded
LENGTHS = {"equal": ((9, 9), (13, 13)), "ragged": ((9, 6), (13, 8))}
# with these the gate ends the first utterance of `text`, and the limit ends the second
MAX_STEPS = 15
GATE_THRESHOLD = 0.87

# 1 keeps the variance of a layer's input; the decoder needs more to attend and to stop
_GAINS = {
    "embedding": 4.0,
    "lstm": 3.0,
    "_rnn": 3.0,
    "attention_layer.v": 5.0,
    "attention_layer": 3.0,
    "linear_projection": 3.0,
    "gate_layer": 8.0,
}

_MASK = np.uint64(0xFFFFFFFF)


def numbers(name: str, *shape: int) -> Tensor:
    """Return deterministic float32 numbers in [-1, 1) that look random."""
    size = int(np.prod(shape, dtype=np.int64))
    h = np.arange(1, size + 1, dtype=np.uint64) * np.uint64(2654435761)
    h = (h + np.uint64(zlib.crc32(name.encode()))) & _MASK
    for shift, factor in ((16, 2246822519), (13, 3266489917), (16, 1)):
        h = ((h ^ (h >> np.uint64(shift))) * np.uint64(factor)) & _MASK
    return torch.from_numpy((h.astype(np.float64) / 2**31 - 1).astype(np.float32)).reshape(shape)


def weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return a state dict under NVIDIA's names."""
    return {name: _weight(name, tuple(shape)) for name, shape in shapes.items()}


def text(n_utterances: int = 2, n_symbols: int = 9) -> Tensor:
    """Return symbol ids of letters, ``(B, T_text)``."""
    u = numbers("text29", n_utterances, n_symbols)
    return (38 + (u + 1) * 13).long().clamp(max=63)


def log_mel(n_mels: int, n_frames: int) -> Tensor:
    """Return numbers in the range of a log-mel spectrogram, ``(2, n_mels, T_mel)``."""
    return 3 * numbers("mel", 2, n_mels, n_frames) - 3


def wave(n_samples: int, n_waves: int = 2) -> Tensor:
    """Return tones with some noise, ``(B, T_wave)`` in [-1, 1]."""
    time = torch.arange(n_samples, dtype=torch.float64) / 22050
    tones = [0.3 * torch.sin(2 * torch.pi * f * time + f) for f in (110.0, 440.0, 3000.0)]
    return sum(tones).float() + 0.05 * numbers("wave", n_waves, n_samples)


def _weight(name: str, shape: tuple[int, ...]) -> Tensor:
    u = numbers(name, *shape)
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    if name.endswith("running_var") or name.endswith("weight_g"):
        return 1.0 + 0.5 * u
    if name.startswith("convinv."):  # (c, c, 1): so near the identity that the determinant is > 0
        return torch.eye(shape[0])[:, :, None] + 0.25 * u
    if ".end." in name:
        return 0.2 * u
    if len(shape) == 1:
        is_scale = name.endswith(".1.weight")  # of a batch norm
        return 1.0 + 0.3 * u if is_scale else 0.2 * u
    fan_in = int(np.prod(shape[1:], dtype=np.int64))
    gain = next((gain for part, gain in _GAINS.items() if part in name), 1.0)
    return u * gain * (3.0 / fan_in) ** 0.5
