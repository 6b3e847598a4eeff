"""Defines a loss on the amount of detail in a spectrogram, so that predictions are not too smooth.

A squared error is smallest for the mean of all spectrograms that fit a text, and a mean is smooth.
The main difference between predictions and recordings is that harmonics and onsets are blurred,
which sounds like a buzzing whisper. For this reason statistical speech synthesis corrects the
variance of its predictions (global variance: Toda and Tokuda, 2007, IEICE E90-D; as a part of the
training criterion: Toda and Young, 2009, ICASSP). This loss compares only the variance of the
detail, in time and across bands. It does so in small neighbourhoods, so that the detail returns to
the right places.

Shapes: ``B`` batch, ``T_mel`` frames.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

#: Weights of the mean over neighbours that is subtracted to get the detail: binomial, which is
#: close to a Gaussian with a standard deviation of 1.
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
#: Numbers of bands and frames in a neighbourhood.
_NEIGHBOURHOOD = (5, 9)
#: Added to variances, so that the square root of a variance of 0 has a gradient.
_VARIANCE_FLOOR = 1e-3


def texture_loss(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Compute the squared difference between two standard deviations of detail, summed.

    The sum is over all bands and real frames.

    Args:
        predicted: ``(B, n_mels, T_mel)`` log-mel spectrograms.
        target: ``(B, n_mels, T_mel)`` log-mel spectrograms of recordings.
        mask: ``(B, T_mel)``, True for real frames; the values of other frames have no influence.

    Returns:
        A scalar in squared natural log units. The caller divides it by the number of bands and
        frames.
    """
    with torch.autocast(target.device.type, enabled=False):
        # many small differences are summed: half precision would lose them
        wide = torch.promote_types(target.dtype, torch.float32)
        return _texture(predicted.to(wide), target.to(wide), mask[:, None].to(wide))


def _texture(predicted: Tensor, target: Tensor, real: Tensor) -> Tensor:
    """Compute :func:`texture_loss` with a ``(B, 1, T_mel)`` mask of 0 and 1."""
    total = target.new_zeros(())
    for axis in (1, 2):
        ours, theirs = (
            _deviation(_detail(mel * real, real, axis), real) for mel in (predicted, target)
        )
        total = total + ((ours - theirs).square() * real).sum()
    return total


def _detail(mel: Tensor, real: Tensor, axis: int) -> Tensor:
    """Subtract the mean over neighbours along bands (axis 1) or frames (axis 2)."""
    kernel = _binomial(mel.dtype, mel.device)
    shape, padding = ((-1, 1), (2, 0)) if axis == 1 else ((1, -1), (0, 2))

    def mean(x: Tensor) -> Tensor:
        return F.conv2d(x[:, None], kernel.view(1, 1, *shape), padding=padding)[:, 0]

    # neighbours outside the real frames or outside the bands have no weight
    return mel - mean(mel) / mean(real.expand_as(mel)).clamp(min=1e-3)


@cache
def _binomial(dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the weights of a mean over neighbours; a device gets them once and keeps them."""
    return torch.tensor(_BINOMIAL, dtype=dtype, device=device)


def _deviation(detail: Tensor, real: Tensor) -> Tensor:
    """Return the standard deviation of ``(B, n_mels, T_mel)`` detail in each neighbourhood."""
    bands, frames = _NEIGHBOURHOOD
    padding = (bands // 2, frames // 2)
    energy = F.avg_pool2d((detail.square() * real)[:, None], _NEIGHBOURHOOD, 1, padding)[:, 0]
    return torch.sqrt(energy + _VARIANCE_FLOOR)
