"""``sharpen``: contrast across the bands of a log-mel spectrogram.

A mel band is a mean over neighbouring frequencies, and what a network predicts is a mean over what
might have been said: both are flatter across the bands than the voice was, and heard as a veil.
Post-filters that deepen the valleys between formants and harmonics are the old remedy, in coders of
speech (Chen and Gersho, 1995) as in its synthesis (Ling et al., 2006). This one is photography's
unsharp mask along the bands.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

#: Width of the veil, in bands: the standard deviation of a Gaussian, and how far it is followed.
_WIDTH, _REACH = 1.5, 5


def sharpen(mel: Tensor, amount: float) -> Tensor:
    """Add to every band by how much it stands out from its neighbours.

    Args:
        mel: ``(..., n_mels, T_mel)`` log-mel spectrogram.
        amount: 0 leaves it as it is; recordings sound clearer by 0.3, and harsh by 1.

    Returns:
        Of the same shape.
    """
    if amount == 0.0:
        return mel
    distance = torch.arange(-_REACH, _REACH + 1, dtype=mel.dtype, device=mel.device)
    kernel = torch.softmax(-(distance**2) / (2 * _WIDTH**2), 0)
    bands = mel.transpose(-1, -2).reshape(-1, 1, mel.shape[-2])
    veil = F.conv1d(F.pad(bands, (_REACH, _REACH), mode="replicate"), kernel.view(1, 1, -1))
    veil = veil.view(*mel.shape[:-2], mel.shape[-1], mel.shape[-2]).transpose(-1, -2)
    return mel + amount * (mel - veil)
