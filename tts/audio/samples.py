"""Samples: at another rate, and as whole numbers of 16 bits instead of float32 in [-1, 1]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

#: Samples of 16 bits are whole numbers of this many to the unit.
FULL_SCALE = 32768


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """Resample ``(T_wave,)`` from one rate in Hz to another; a peak may then exceed [-1, 1]."""
    if rate == wanted:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate, wanted, quality="HQ"), dtype=np.float32)


def to_int16(samples: Samples) -> NDArray[np.int16]:
    """Round samples in [-1, 1] to 16 bits: those of a 16-bit file are what they were in it."""
    scaled = np.rint(samples * np.float32(FULL_SCALE))
    rounded: NDArray[np.int16] = scaled.clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return rounded


def to_float(samples: NDArray[np.int16]) -> Samples:
    """Undo ``to_int16``."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)
