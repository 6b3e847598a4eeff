"""What stands before WaveGlow's flows: samples to channels, and the mel to their rate.

Published are :class:`Squeeze` and :class:`UpsampledCondition` (Prenger et al., 2018, section 2).
The others are ours, for small networks. A cosine transform turns the channels into frequencies,
whose variance the mel nearly states, so that the likelihood begins where the published network
arrives after thousands of steps; and a mel that is read at its own rate costs little.

Shapes: B batch, T_mel frames, T_wave samples, T = T_wave / n_group groups.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.waveglow.config import WaveGlowConfig


class Squeeze(nn.Module):
    """Each group of neighbouring samples becomes one vector of channels."""

    def __init__(self, n_group: int) -> None:
        super().__init__()
        self.n_group = n_group

    def forward(self, wave: Tensor) -> Tensor:
        """``(B, T_wave)`` -> ``(B, n_group, T)``."""
        return wave.reshape(len(wave), -1, self.n_group).transpose(1, 2)

    def inverse(self, x: Tensor) -> Tensor:
        """``(B, n_group, T)`` -> ``(B, T_wave)``."""
        return x.transpose(1, 2).flatten(1)


class LappedTransform(nn.Module):
    """Modified discrete cosine transform with a sine window: orthonormal, so log|det| is 0.

    Neighbouring blocks are rotated into one another around the border between them, then each
    block is transformed (Princen and Bradley, 1986; Malvar, 1990, for this factorisation). The
    outer borders have no neighbour and are left alone: any number of blocks inverts exactly.
    """

    rise: Tensor
    fall: Tensor
    cosines: Tensor

    def __init__(self, n_group: int) -> None:
        super().__init__()
        self.n_group = n_group
        # in float64: float32 would leave an error of 1e-5 in the inverse; and never on the meta
        # device, where networks are built whose weights are about to be read: these are no weights
        k = torch.arange(n_group, dtype=torch.float64, device="cpu") + 0.5
        angle = math.pi / 4 * (1 + 2 * k[: n_group // 2] / n_group)
        cosines = math.sqrt(2 / n_group) * torch.cos(math.pi / n_group * k[:, None] * k)
        for name, values in (("rise", angle.sin()), ("fall", angle.cos()), ("cosines", cosines)):
            self.register_buffer(name, values.float(), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        """``(B, T_wave)`` -> ``(B, n_group, T)``, from the lowest frequency to the highest."""
        blocks = wave.reshape(len(wave), -1, self.n_group)
        return (self._rotate(blocks, self.fall) @ self.cosines).transpose(1, 2)

    def inverse(self, x: Tensor) -> Tensor:
        """``(B, n_group, T)`` -> ``(B, T_wave)``."""
        # the cosine matrix is its own inverse, and a rotation is undone by the opposite one
        return self._rotate(x.transpose(1, 2) @ self.cosines, -self.fall).flatten(1)

    def _rotate(self, blocks: Tensor, fall: Tensor) -> Tensor:
        """Mix the samples of ``(B, T, n_group)`` that mirror each other at the inner borders."""
        half = self.n_group // 2
        before, after = blocks[:, :-1, half:].flip(2), blocks[:, 1:, :half]
        first = torch.cat((blocks[:, :1, :half], self.rise * after + fall * before), 1)
        mixed = (self.rise * before - fall * after).flip(2)
        return torch.cat((first, torch.cat((mixed, blocks[:, -1:, half:]), 1)), 2)


def make_front(config: WaveGlowConfig) -> Squeeze | LappedTransform:
    """The front that the config names."""
    return (LappedTransform if config.front == "lapped" else Squeeze)(config.n_group)


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

    # of log-mels, roughly: a new network sees numbers around 0
    MEAN, STD = -5.5, 2.1

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
        values = self.layers((mel - self.MEAN) / self.STD)
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
