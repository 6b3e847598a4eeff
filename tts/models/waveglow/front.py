"""What stands before WaveGlow's flows: samples to channels, and the mel to their rate.

Published are :class:`Squeeze` and :class:`UpsampledCondition` (Prenger et al., 2018, section 2).
The others are ours, for small networks. A cosine transform turns the channels into frequencies,
whose variance the mel nearly states, so that the likelihood begins where the published network
arrives after thousands of steps; and a mel that is read at its own rate costs little.

Shapes: B batch, T_mel frames, T_wave samples, T = T_wave / n_group groups.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

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
