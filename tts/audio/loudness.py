"""Loudness as ITU-R BS.1770 measures it: how loud people find speech, whatever its peaks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tts.audio.pcm import Waveform
from tts.core.errors import InputError

#: What loudness may raise a peak to.
HIGHEST_PEAK = 0.999
#: Seconds that the standard measures at a time; a shorter recording is measured as a whole.
_BLOCK = 0.4
#: Longer sound is measured by stretches from all over it, which come to this many seconds.
_MOST_SECONDS = 300
_N_STRETCHES = 60


def require_meter() -> None:
    """See that what measures loudness is installed.

    Raises:
        InputError: naming the package that is missing.
    """
    _pyloudnorm()


def measured_loudness(samples: Waveform, sample_rate: int) -> float:
    """Loudness of ``(T_wave,)`` in LUFS, minus infinity for silence.

    Raises:
        InputError: pyloudnorm is not installed.
    """
    samples = _stretches(samples, sample_rate)
    if not len(samples):
        return -math.inf
    block = min(_BLOCK, len(samples) / sample_rate)
    meter = _pyloudnorm().Meter(sample_rate, block_size=block)
    with np.errstate(divide="ignore"):
        measured = float(meter.integrated_loudness(samples.astype(np.float64)))
    return measured if math.isfinite(measured) else -math.inf


def loudness_gain(measured: float, wanted: float, peak: float, ceiling: float) -> float:
    """What to multiply with for a loudness in LUFS, or as near to it as the peak allows.

    Args:
        measured: the loudness that there is; silence stays as it is.
        wanted: the loudness that is needed.
        peak: the largest magnitude of a sample.
        ceiling: what that may become.
    """
    if not peak or not math.isfinite(measured):
        return 1.0
    return min(float(10 ** ((wanted - measured) / 20)), ceiling / peak)


def to_loudness(samples: Waveform, sample_rate: int, loudness: float) -> Waveform:
    """Bring ``(T_wave,)`` to a loudness in LUFS, or as near as its peak allows.

    Raises:
        InputError: pyloudnorm is not installed.
    """
    measured, peak = measured_loudness(samples, sample_rate), float(np.abs(samples).max())
    # a peak that is too high already may stay
    gain = loudness_gain(measured, loudness, peak, max(HIGHEST_PEAK, peak))
    return samples if gain == 1 else (samples * np.float32(gain)).astype(np.float32)


def _stretches(samples: Waveform, sample_rate: int) -> Waveform:
    most = _MOST_SECONDS * sample_rate
    if len(samples) <= most:
        return samples
    length = most // _N_STRETCHES
    starts = np.linspace(0, len(samples) - length, _N_STRETCHES).astype(int)
    return np.concatenate([samples[start : start + length] for start in starts])


def _pyloudnorm() -> Any:
    try:
        import pyloudnorm
    except ImportError:
        raise InputError("loudness needs pyloudnorm: pip install 'tacoglow[loudness]'") from None
    return pyloudnorm
