"""Increases the contrast across the bands of a log-mel spectrogram (``sharpen``).

A mel band is a mean over neighbouring frequencies, and a network predicts a mean over several
possible utterances. Both are flatter across the bands than the voice was, and sound muffled. The
usual remedy is a post-filter that deepens the valleys between formants and harmonics, in speech
coding (Chen and Gersho, 1995) and in speech synthesis (Ling et al., 2006). This one is the unsharp
mask of photography, applied along the bands.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

#: The blur, in bands: the standard deviation of a Gaussian, and where it is cut off.
_WIDTH, _REACH = 1.5, 5


def sharpen(mel: Tensor, amount: float) -> Tensor:
    """Add to every band a share of its difference from the mean of its neighbours.

    Args:
        mel: ``(..., n_mels, T_mel)`` log-mel spectrogram.
        amount: the share: 0 changes nothing, 0.3 makes recordings clearer, 1 makes them harsh.

    Returns:
        A log-mel spectrogram of the same shape.
    """
    if amount == 0.0:
        return mel
    distance = torch.arange(-_REACH, _REACH + 1, dtype=mel.dtype, device=mel.device)
    kernel = torch.softmax(-(distance**2) / (2 * _WIDTH**2), 0)
    bands = mel.transpose(-1, -2).reshape(-1, 1, mel.shape[-2])
    blurred = F.conv1d(F.pad(bands, (_REACH, _REACH), mode="replicate"), kernel.view(1, 1, -1))
    blurred = blurred.view(*mel.shape[:-2], mel.shape[-1], mel.shape[-2]).transpose(-1, -2)
    return mel + amount * (mel - blurred)
