"""Computes the mel bands of a contract: triangles over the frequencies of the transform.

The scale is Slaney's (Auditory Toolbox, Interval technical report 1998-010, ``mfcc``): below 1000
Hz, 3 mel for each 200 Hz; above, 27 mel for each factor of 6.4. Each triangle is divided by its
width in Hz. The numbers equal librosa's, which the published models use. This module computes them
itself, because importing librosa would cost every command more than a second.
"""

from __future__ import annotations

import logging
import math

import numpy as np
from numpy.typing import NDArray

from tts.audio.config import MelConfig

_log = logging.getLogger(__name__)

_HZ_PER_MEL = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27


def mel_filter_bank(config: MelConfig) -> NDArray[np.float32]:
    """Return the triangular mel filters ``(n_mels, n_freqs)``.

    A band so narrow that no frequency of the transform falls into it is always silent; one log line
    says how many such bands there are.
    """
    frequencies = np.arange(config.n_fft // 2 + 1) * (config.sample_rate / config.n_fft)
    edges = band_edges(config)
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - low) / (peak - low)
    falling = (high - frequencies) / (high - peak)
    # rounded before they are scaled, as in librosa: this gives the published models' exact numbers
    triangles = np.minimum(rising, falling).clip(min=0).astype(np.float32)
    basis = (triangles * (2 / (high - low))).astype(np.float32)
    if n_empty := int((basis.sum(1) == 0).sum()):
        _log.warning(
            "%d of %d mel bands are narrower than the frequencies of n_fft=%d and stay silent; "
            "raise n_fft or lower n_mels",
            *(n_empty, config.n_mels, config.n_fft),
        )
    return basis


def band_edges(config: MelConfig) -> NDArray[np.float64]:
    """Return the edges of the bands in Hz, ``(n_mels + 2,)``.

    Band ``i`` begins at edge ``i``, peaks at ``i + 1`` and ends at ``i + 2``.
    """
    mels = np.linspace(_mel(config.f_min), _mel(config.f_max), config.n_mels + 2)
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mels - _BREAK_MEL))
    return np.where(mels >= _BREAK_MEL, above, mels * _HZ_PER_MEL)


def _mel(hz: float) -> float:
    if hz < _BREAK_HZ:
        return hz / _HZ_PER_MEL
    return _BREAK_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP
