"""Turns samples into the channels of WaveGlow's flows, and back.

:class:`Squeeze` is published (Prenger et al., 2018, section 2). :class:`LappedTransform` is not in
NVIDIA's code; it is meant for small networks. It is a cosine transform, so the channels are
frequencies. The mel nearly determines their variance. Therefore the likelihood starts at a value
that the published network needs thousands of steps to reach.

Shapes: B batch, T_wave samples, T = T_wave / n_group groups.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tts.models.exact import exact_type
from tts.models.waveglow.config import WaveGlowConfig


class Squeeze(nn.Module):
    """Makes one vector of channels of each group of neighbouring samples.

    Args:
        n_group: samples in a group.
    """

    def __init__(self, n_group: int) -> None:
        super().__init__()
        self.n_group = n_group

    def forward(self, wave: Tensor) -> Tensor:
        """Turn samples ``(B, T_wave)`` into channels ``(B, n_group, T)``."""
        return wave.reshape(len(wave), -1, self.n_group).transpose(1, 2)

    def inverse(self, x: Tensor) -> Tensor:
        """Turn channels ``(B, n_group, T)`` into samples ``(B, T_wave)``."""
        return x.transpose(1, 2).flatten(1)


class LappedTransform(nn.Module):
    """Applies a modified discrete cosine transform (MDCT) with a sine window.

    The transform is orthonormal, so its log|det| is 0. A rotation mixes the samples around the
    border between two blocks, then a cosine transform is applied to each block (Princen and
    Bradley, 1986; Malvar, 1990, for this factorisation). The two outer borders have no neighbour
    and stay as they are. So the transform of any number of blocks has an exact inverse.

    Args:
        n_group: samples in a block, even.
    """

    rise: Tensor
    fall: Tensor
    cosines: Tensor

    def __init__(self, n_group: int) -> None:
        super().__init__()
        self.n_group = n_group
        # float64, because float32 would leave an error of 1e-5 in the inverse; on the CPU, because
        # a loader builds networks on the meta device and then fills in weights, and these are not
        # weights
        k = torch.arange(n_group, dtype=torch.float64, device="cpu") + 0.5
        angle = math.pi / 4 * (1 + 2 * k[: n_group // 2] / n_group)
        cosines = math.sqrt(2 / n_group) * torch.cos(math.pi / n_group * k[:, None] * k)
        for name, values in (("rise", angle.sin()), ("fall", angle.cos()), ("cosines", cosines)):
            self.register_buffer(name, values.float(), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        """Turn samples ``(B, T_wave)`` into ``(B, n_group, T)``, the lowest frequency first."""
        blocks = wave.reshape(len(wave), -1, self.n_group)
        return self._transform(self._rotate(blocks, self.fall)).transpose(1, 2)

    def inverse(self, x: Tensor) -> Tensor:
        """Turn channels ``(B, n_group, T)`` into samples ``(B, T_wave)``."""
        # the cosine matrix is its own inverse, and the opposite rotation undoes a rotation
        return self._rotate(self._transform(x.transpose(1, 2)), -self.fall).flatten(1)

    def _transform(self, blocks: Tensor) -> Tensor:
        """Apply the cosine transform to each of ``(B, T, n_group)`` blocks."""
        with torch.autocast(blocks.device.type, enabled=False):
            exact = exact_type(blocks)
            return (blocks.to(exact) @ self.cosines.to(exact)).to(blocks.dtype)

    def _rotate(self, blocks: Tensor, fall: Tensor) -> Tensor:
        """Rotate pairs of samples that mirror each other at the inner borders of blocks.

        Args:
            blocks: ``(B, T, n_group)``.
            fall: ``(n_group / 2,)`` cosines of the rotation's angles; negative undoes it.
        """
        half = self.n_group // 2
        before, after = blocks[:, :-1, half:].flip(2), blocks[:, 1:, :half]
        first = torch.cat((blocks[:, :1, :half], self.rise * after + fall * before), 1)
        mixed = (self.rise * before - fall * after).flip(2)
        return torch.cat((first, torch.cat((mixed, blocks[:, -1:, half:]), 1)), 2)


def make_front(config: WaveGlowConfig) -> Squeeze | LappedTransform:
    """Return the front that ``config.front`` names."""
    return (LappedTransform if config.front == "lapped" else Squeeze)(config.n_group)
