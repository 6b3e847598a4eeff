"""Computes mel-frequency cepstral coefficients (``MFCC``): a spectrum's shape in a few numbers.

They are the orthonormal discrete cosine transform (type II) of each log-mel frame (Davis and
Mermelstein, 1980). The frames come from ``LogMel``, as natural logarithms of magnitudes, so that
the coefficients belong to the same mel contract as every other feature here. By default librosa
transforms decibels of a power spectrum, so that its numbers are larger, and not by one factor.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tts.audio.config import MelConfig
from tts.audio.mel import LogMel
from tts.core.errors import InputError


class MFCC(nn.Module):
    """Computes the mel-frequency cepstral coefficients of a wave.

    Args:
        config: the mel contract; by default the published one, 22,050 Hz and 80 bands.
        n_mfcc: number of coefficients, starting with the zeroth (loudness); at most ``n_mels``.

    Raises:
        InputError: ``n_mfcc`` is not between 1 and ``n_mels``.
    """

    basis: Tensor

    def __init__(self, config: MelConfig = MelConfig(), n_mfcc: int = 20) -> None:
        super().__init__()
        if not 1 <= n_mfcc <= config.n_mels:
            raise InputError(f"n_mfcc is {n_mfcc}; it must be 1 to n_mels={config.n_mels}")
        self.log_mel = LogMel(config)
        self.register_buffer("basis", dct_basis(n_mfcc, config.n_mels), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        """Compute the coefficients of every frame.

        Args:
            wave: ``(B, T_wave)`` or ``(T_wave,)``, floating point in [-1, 1].

        Returns:
            ``(B, n_mfcc, T_mel)``.
        """
        mel: Tensor = self.log_mel(wave)
        return self.basis.to(mel.dtype) @ mel


def dct_basis(n_out: int, n_in: int) -> Tensor:
    """Return the first rows of the orthonormal DCT-II matrix: ``(n_out, n_in)``, float32."""
    row = torch.arange(n_out, dtype=torch.float64)[:, None]
    column = torch.arange(n_in, dtype=torch.float64)
    basis = math.sqrt(2 / n_in) * torch.cos(math.pi / n_in * row * (column + 0.5))
    basis[0] /= math.sqrt(2)
    return basis.float()
