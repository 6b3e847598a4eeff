"""How much detail a spectrogram has, as a loss: what keeps predictions from being smooth.

A squared error is least for the mean of all spectrograms that fit a text, and a mean is smooth:
between what is predicted and what was recorded lies, above all, that harmonics and onsets are
blurred, which is heard as a buzzing whisper. Statistical synthesis corrects the variance of what
it predicts for that reason (global variance: Toda and Tokuda, 2007, IEICE E90-D; as a part of the
training criterion: Toda and Young, 2009, ICASSP). Here it is the variance of the detail alone, in
time and across bands, and within small neighbourhoods, so that it comes back where it belongs.

Shapes: ``B`` batch, ``T_mel`` frames.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

#: What detail is set against: a mean over neighbours, near to a Gaussian of one.
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
#: Bands and frames over which detail is measured.
_NEIGHBOURHOOD = (5, 9)
#: Added to variances, so that the root of none has a gradient.
_LEAST = 1e-3


def texture_loss(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Squared difference of the detail's standard deviation, summed over all bands and real frames.

    Args:
        predicted: ``(B, n_mels, T_mel)`` log-mel spectrograms.
        target: of the same shape.
        mask: ``(B, T_mel)``, True where real; what the others hold elsewhere is of no influence.

    Returns:
        A scalar, in squared log units, to be divided by the number of bands and frames.
    """
    with torch.autocast(target.device.type, enabled=False):
        # small differences, and many of them to be summed
        wide = torch.promote_types(target.dtype, torch.float32)
        return _texture(predicted.to(wide), target.to(wide), mask[:, None].to(wide))


def _texture(predicted: Tensor, target: Tensor, real: Tensor) -> Tensor:
    total = target.new_zeros(())
    for axis in (1, 2):
        ours, theirs = (
            _deviation(_detail(mel * real, real, axis), real) for mel in (predicted, target)
        )
        total = total + ((ours - theirs).square() * real).sum()
    return total


def _detail(mel: Tensor, real: Tensor, axis: int) -> Tensor:
    """What a mean over neighbours along bands (1) or frames (2) takes away."""
    kernel = mel.new_tensor(_BINOMIAL)
    shape, padding = ((-1, 1), (2, 0)) if axis == 1 else ((1, -1), (0, 2))

    def mean(x: Tensor) -> Tensor:
        return F.conv2d(x[:, None], kernel.view(1, 1, *shape), padding=padding)[:, 0]

    # neighbours that are padding, or beyond the first and last band, do not count
    return mel - mean(mel) / mean(real.expand_as(mel)).clamp(min=1e-3)


def _deviation(detail: Tensor, real: Tensor) -> Tensor:
    bands, frames = _NEIGHBOURHOOD
    padding = (bands // 2, frames // 2)
    energy = F.avg_pool2d((detail.square() * real)[:, None], _NEIGHBOURHOOD, 1, padding)[:, 0]
    return torch.sqrt(energy + _LEAST)
