"""Converts waveforms between float32 in [-1, 1] and whole numbers (PCM, pulse-code modulation)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Samples ``(T_wave,)`` of one channel, in [-1, 1].
Waveform = NDArray[np.float32]

#: The 16-bit value of a sample is its float32 value times this.
FULL_SCALE = 32768


def to_pcm(samples: Waveform, bits: int | None) -> NDArray[Any]:
    """What libsndfile is given for [-1, 1] at this many bits: 16, 24, or None for a coder's own."""
    if bits is None:
        return samples
    if bits == 16:
        return to_int16(samples)
    # in the upper bits of 32: libsndfile's own conversion multiplies by one less
    full_scale = 2.0 ** (bits - 1)
    scaled = np.rint(samples.astype(np.float64) * full_scale).clip(-full_scale, full_scale - 1)
    return scaled.astype(np.int32) << (32 - bits)


def to_int16(samples: Waveform) -> NDArray[np.int16]:
    """Round samples in [-1, 1] to 16 bits: those of a 16-bit file are what they were in it."""
    scaled = np.rint(samples * np.float32(FULL_SCALE))
    rounded: NDArray[np.int16] = scaled.clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return rounded


def to_float(samples: NDArray[np.int16]) -> Waveform:
    """Undo ``to_int16``."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)
