"""Measures and changes loudness by ITU-R BS.1770: how loud speech is to a listener."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tts.audio.pcm import Waveform
from tts.core.errors import InputError

#: The largest peak that a change of loudness may produce.
HIGHEST_PEAK = 0.999
#: Seconds of a block of the standard; a shorter recording is measured as one block.
_BLOCK = 0.4
#: From longer sound, excerpts spread over all of it are measured: this many seconds in total.
_MAX_SECONDS = 300
_N_EXCERPTS = 60


def require_meter() -> None:
    """Check that the package that measures loudness is installed.

    Raises:
        InputError: pyloudnorm is not installed; the message says how to install it.
    """
    _pyloudnorm()


def measured_loudness(samples: Waveform, sample_rate: int) -> float:
    """Return the loudness of ``(T_wave,)`` in LUFS, minus infinity for silence.

    Raises:
        InputError: pyloudnorm is not installed.
    """
    samples = _excerpts(samples, sample_rate)
    if not len(samples):
        return -math.inf
    block = min(_BLOCK, len(samples) / sample_rate)
    meter = _pyloudnorm().Meter(sample_rate, block_size=block)
    with np.errstate(divide="ignore"):
        measured = float(meter.integrated_loudness(samples.astype(np.float64)))
    return measured if math.isfinite(measured) else -math.inf


def loudness_gain(measured: float, wanted: float, peak: float, ceiling: float) -> float:
    """Return the gain that gives the wanted loudness, or less where the peak would be too high.

    Args:
        measured: present loudness, LUFS; for silence the gain is 1.
        wanted: wanted loudness, LUFS.
        peak: the largest magnitude of a sample.
        ceiling: the largest magnitude that is allowed after the gain.

    Returns:
        The factor to multiply the samples with.
    """
    if not peak or not math.isfinite(measured):
        return 1.0
    return min(float(10 ** ((wanted - measured) / 20)), ceiling / peak)


def to_loudness(samples: Waveform, sample_rate: int, loudness: float) -> Waveform:
    """Bring ``(T_wave,)`` to a loudness in LUFS, or as close to it as its peak allows.

    Raises:
        InputError: pyloudnorm is not installed.
    """
    measured, peak = measured_loudness(samples, sample_rate), float(np.abs(samples).max())
    # a peak that is already too high may stay
    gain = loudness_gain(measured, loudness, peak, max(HIGHEST_PEAK, peak))
    return samples if gain == 1 else (samples * np.float32(gain)).astype(np.float32)


def _excerpts(samples: Waveform, sample_rate: int) -> Waveform:
    max_samples = _MAX_SECONDS * sample_rate
    if len(samples) <= max_samples:
        return samples
    length = max_samples // _N_EXCERPTS
    starts = np.linspace(0, len(samples) - length, _N_EXCERPTS).astype(int)
    return np.concatenate([samples[start : start + length] for start in starts])


def _pyloudnorm() -> Any:
    try:
        import pyloudnorm
    except ImportError:
        raise InputError("loudness needs pyloudnorm: pip install 'tacoglow[loudness]'") from None
    return pyloudnorm
