"""Turns the mel spectrogram into the condition of WaveGlow's flows.

:class:`UpsampledCondition` is published (Prenger et al., 2018, section 2). :class:`FrameCondition`
and :class:`Envelope` are not in NVIDIA's code. They are meant for small networks, because
convolutions at the rate of the mel cost little.

Shapes: B batch, T_mel frames, T = T_wave / n_group groups of samples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.log_mel_statistics import LOG_MEL_MEAN, LOG_MEL_STD
from tts.models.waveglow.config import WaveGlowConfig


class Condition(NamedTuple):
    """Holds what the flows are conditioned on.

    Attributes:
        values: ``(B, channels, T)``, or ``(B, channels, T_mel)`` with ``groups_per_frame``.
        n_groups: ``T``.
        groups_per_frame: rate of the interpolation from frames to groups; None without it.
    """

    values: Tensor
    n_groups: int
    groups_per_frame: int | None = None

    def at_groups(self, x: Tensor) -> Tensor:
        """Interpolate what was computed from ``values`` to the rate of the groups.

        Args:
            x: ``(B, ·, T)``, which is returned as it is, or ``(B, ·, T_mel)``.

        Returns:
            ``(B, ·, T)``.
        """
        if self.groups_per_frame is None:
            return x
        interpolate = interpolate_by_torch if x.device.type == "cpu" else interpolate_frames
        return interpolate(x, self.groups_per_frame)[:, :, : self.n_groups]


def interpolate_by_torch(x: Tensor, rate: int) -> Tensor:
    """Interpolate frames linearly to ``rate`` groups each, by torch's function.

    It is the faster way on a CPU. On a GPU its gradient is not deterministic, and its kernel does
    not run in parallel over the batch and the channels.

    Args:
        x: ``(B, C, T_mel)``; frame t belongs to the middle of group t · rate.
        rate: groups in a frame.

    Returns:
        ``(B, C, T_mel · rate)``; the last frame is held.
    """
    padded = F.pad(x, (1, 1), mode="replicate")
    dense = F.interpolate(padded, scale_factor=float(rate), mode="linear")
    # frame t is centred on sample t · hop_length, but torch lets it start there
    start = rate + rate // 2
    return dense[:, :, start : start + x.size(2) * rate]


def interpolate_frames(x: Tensor, rate: int) -> Tensor:
    """Interpolate frames as :func:`interpolate_by_torch` does, by one weighted sum."""
    place = torch.arange(rate, device=x.device, dtype=x.dtype) + (rate // 2 + 0.5)
    share = place / rate - 0.5
    step = torch.cat((x[:, :, 1:], x[:, :, -1:]), 2) - x
    return (x[..., None] + step[..., None] * share).flatten(2)


#: Maps ``(B, C, T)`` channels and their condition to ``(B, C', T)``.
ConditionedOperation = Callable[[Tensor, Condition], Tensor]


class UpsampledCondition(nn.ConvTranspose1d):
    """Up-samples the mel to the rate of the samples, as published.

    Each group gets the up-sampled mel of all its samples.

    Args:
        config: sizes of the network.
    """

    def __init__(self, config: WaveGlowConfig) -> None:
        super().__init__(config.n_mels, config.n_mels, config.win_length, config.hop_length)
        self.n_group = config.n_group
        self.n_channels = config.n_mels * config.n_group

    def condition(self, mel: Tensor, n_groups: int) -> Condition:
        """Return the condition of the flows.

        Args:
            mel: ``(B, n_mels, T_mel)``.
            n_groups: ``T``.

        Returns:
            A condition with values ``(B, n_mels·n_group, T)``.

        Raises:
            ValueError: the mel is shorter than the wave.
        """
        n_samples = n_groups * self.n_group
        dense = self(mel)
        if dense.size(2) < n_samples:
            raise ValueError(
                f"{mel.size(2)} mel frames cover {dense.size(2)} samples, the wave has {n_samples}"
            )
        grouped = dense[:, :, :n_samples].reshape(*mel.shape[:2], -1, self.n_group)
        return Condition(grouped.transpose(2, 3).flatten(1, 2), n_groups)


class FrameCondition(nn.Module):
    """Applies two convolutions to the frames; the flows interpolate between their outputs.

    Args:
        config: sizes of the network.
    """

    def __init__(self, config: WaveGlowConfig) -> None:
        super().__init__()
        self.n_channels = config.condition_channels
        self.groups_per_frame = config.groups_per_frame
        self.layers = nn.Sequential(
            nn.Conv1d(config.n_mels, self.n_channels, 5, padding=2),
            nn.SiLU(),
            nn.Conv1d(self.n_channels, self.n_channels, 3, padding=1),
        )

    def condition(self, mel: Tensor, n_groups: int) -> Condition:
        """Return the condition of the flows.

        Args:
            mel: ``(B, n_mels, T_mel)``.
            n_groups: ``T``.

        Returns:
            A condition with values ``(B, condition_channels, T_mel)``.

        Raises:
            ValueError: the mel is shorter than the wave.
        """
        if mel.size(2) * self.groups_per_frame < n_groups:
            raise ValueError(
                f"{mel.size(2)} mel frames cover {mel.size(2) * self.groups_per_frame} groups of "
                f"samples, the wave has {n_groups}"
            )
        values = self.layers((mel - LOG_MEL_MEAN) / LOG_MEL_STD)
        return Condition(values, n_groups, self.groups_per_frame)


class Envelope(nn.Module):
    """Computes the scale of every channel from the mel; a new one is the identity.

    Args:
        config: sizes of the network.
        n_condition: channels of the condition.
    """

    def __init__(self, config: WaveGlowConfig, n_condition: int) -> None:
        super().__init__()
        self.layer = nn.Conv1d(n_condition, config.n_group, 1)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)  # type: ignore[arg-type]

    def forward(self, condition: Condition) -> Tensor:
        """Return the logarithm of the scale, ``(B, n_group, T)``."""
        return condition.at_groups(self.layer(condition.values))
