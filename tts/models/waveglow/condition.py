"""Turns the mel spectrogram into what WaveGlow's flows are conditioned on.

Shapes: B batch, T_mel frames, T = T_wave / n_group groups of samples.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.log_mel import LOG_MEL_MEAN, LOG_MEL_STD
from tts.models.waveglow.config import WaveGlowConfig


class Condition(NamedTuple):
    """What the flows know of the mel."""

    values: Tensor  # (B, channels, T), or (B, channels, T_mel) if it is still to be interpolated
    n_groups: int
    groups_per_frame: int | None = None

    def at_groups(self, x: Tensor) -> Tensor:
        """What was computed from `values`, ``(B, ·, T or T_mel)``, at each group: ``(B, ·, T)``."""
        rate = self.groups_per_frame
        if rate is None:
            return x
        dense = F.interpolate(
            F.pad(x, (1, 1), mode="replicate"), scale_factor=float(rate), mode="linear"
        )
        # frame t lies around sample t · hop_length, where interpolation takes it to begin
        start = rate + rate // 2
        return dense[:, :, start : start + self.n_groups]


class UpsampledCondition(nn.ConvTranspose1d):
    """The published up-sampler: every group sees the up-sampled mel of each of its samples."""

    def __init__(self, config: WaveGlowConfig) -> None:
        super().__init__(config.n_mels, config.n_mels, config.win_length, config.hop_length)
        self.n_group = config.n_group
        self.n_channels = config.n_mels * config.n_group

    def condition(self, mel: Tensor, n_groups: int) -> Condition:
        """``(B, n_mels, T_mel)`` -> values ``(B, n_mels·n_group, T)``."""
        n_samples = n_groups * self.n_group
        dense = self(mel)
        if dense.size(2) < n_samples:
            raise ValueError(
                f"{mel.size(2)} mel frames cover {dense.size(2)} samples, the wave has {n_samples}"
            )
        grouped = dense[:, :, :n_samples].reshape(*mel.shape[:2], -1, self.n_group)
        return Condition(grouped.transpose(2, 3).flatten(1, 2), n_groups)


class FrameCondition(nn.Module):
    """Two convolutions over the frames, whose output the flows interpolate between frames."""

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
        """``(B, n_mels, T_mel)`` -> values ``(B, condition_channels, T_mel)``."""
        if mel.size(2) * self.groups_per_frame < n_groups:
            raise ValueError(
                f"{mel.size(2)} mel frames cover {mel.size(2) * self.groups_per_frame} groups of "
                f"samples, the wave has {n_groups}"
            )
        values = self.layers((mel - LOG_MEL_MEAN) / LOG_MEL_STD)
        return Condition(values, n_groups, self.groups_per_frame)


class Envelope(nn.Module):
    """Scales every channel by what the mel tells of its level; starts as the identity."""

    def __init__(self, config: WaveGlowConfig, n_condition: int) -> None:
        super().__init__()
        self.layer = nn.Conv1d(n_condition, config.n_group, 1)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)  # type: ignore[arg-type]

    def forward(self, condition: Condition) -> Tensor:
        """Log scale ``(B, n_group, T)``."""
        return condition.at_groups(self.layer(condition.values))
