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
    """Convert samples in [-1, 1] to the values that libsndfile expects.

    Args:
        samples: ``(T_wave,)``.
        bits: bits of a sample, 16 or 24; None leaves the samples as they are, for lossy formats.
    """
    if bits is None:
        return samples
    if bits == 16:
        return to_int16(samples)
    # 24 bits go into the upper bits of 32. libsndfile's own conversion from floating point would
    # multiply by a full scale that is smaller by one
    full_scale = 2.0 ** (bits - 1)
    scaled = np.rint(samples.astype(np.float64) * full_scale).clip(-full_scale, full_scale - 1)
    return scaled.astype(np.int32) << (32 - bits)


def pcm_bytes(samples: Waveform, bits: int) -> bytes:
    """Return samples in [-1, 1] as the bytes of a WAV: 16 or 24 bits, or 32 in floating point."""
    if bits == 32:
        return samples.astype("<f4").tobytes()
    if bits == 16:
        return to_int16(samples).astype("<i2").tobytes()
    # the lowest of four bytes is zero
    return to_pcm(samples, bits).astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()


def to_int16(samples: Waveform) -> NDArray[np.int16]:
    """Round samples in [-1, 1] to 16 bits; samples of a 16-bit file become the same numbers."""
    scaled = np.rint(samples * np.float32(FULL_SCALE))
    rounded: NDArray[np.int16] = scaled.clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return rounded


def to_float(samples: NDArray[np.int16]) -> Waveform:
    """Convert 16-bit samples to float32 in [-1, 1]: the inverse of ``to_int16``."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)
