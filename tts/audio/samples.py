"""Samples: at another rate, and as whole numbers instead of float32 in [-1, 1]."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

#: Samples of 16 bits are whole numbers of this many to the unit.
FULL_SCALE = 32768
#: Samples of a block: libsndfile's Vorbis keeps what it is given at once on the stack.
_BLOCK = 2**16


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """Resample ``(T_wave,)`` from one rate in Hz to another; a peak may then exceed [-1, 1]."""
    if rate == wanted:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate, wanted, quality="HQ"), dtype=np.float32)


def resampled_blocks(samples: Samples, rate: int, wanted: int) -> Iterator[Samples]:
    """``resampled``, to the bit, in blocks; the samples may lie on the disk.

    Args:
        samples: ``(T_wave,)``.
        rate: that they have, Hz.
        wanted: that they shall have, Hz.

    Yields:
        At least one block ``(n,)``.
    """
    starts = range(0, max(len(samples), 1), _BLOCK)
    blocks = (_copied(samples, start, start + _BLOCK) for start in starts)
    if rate == wanted:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ")
    for start, block in zip(starts, blocks, strict=True):
        yield stream.resample_chunk(block, last=start + _BLOCK >= len(samples))


def _copied(samples: Samples, begin: int, end: int) -> Samples:
    """Some of the samples, in memory of their own."""
    block = np.array(samples[begin:end], np.float32)
    mapped: Any = getattr(samples, "_mmap", None)
    # pages that were read count as memory of this process until it lets go of them; what was only
    # written in memory (mode "c") would be lost with them
    if hasattr(mapped, "madvise") and getattr(samples, "mode", None) == "r":
        mapped.madvise(mmap.MADV_DONTNEED)
    return block


def to_pcm(samples: Samples, bits: int | None) -> NDArray[Any]:
    """What libsndfile is given for [-1, 1] at this many bits: 16, 24, or None for a coder's own."""
    if bits is None:
        return samples
    if bits == 16:
        return to_int16(samples)
    # in the upper bits of 32: libsndfile's own conversion multiplies by one less
    full_scale = 2.0 ** (bits - 1)
    scaled = np.rint(samples.astype(np.float64) * full_scale).clip(-full_scale, full_scale - 1)
    return scaled.astype(np.int32) << (32 - bits)


def to_int16(samples: Samples) -> NDArray[np.int16]:
    """Round samples in [-1, 1] to 16 bits: those of a 16-bit file are what they were in it."""
    scaled = np.rint(samples * np.float32(FULL_SCALE))
    rounded: NDArray[np.int16] = scaled.clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return rounded


def to_float(samples: NDArray[np.int16]) -> Samples:
    """Undo ``to_int16``."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)
