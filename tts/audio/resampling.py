"""Resamples waveforms from one rate to another, whole or block by block."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

from tts.audio.pcm import Waveform

#: Samples of a block: the Vorbis encoder of libsndfile keeps a whole block on the stack.
_BLOCK = 2**16


def resampled(samples: Waveform, rate: int, wanted: int) -> Waveform:
    """Resample ``(T_wave,)`` from one rate in Hz to another; a peak may then exceed [-1, 1]."""
    if rate == wanted:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate, wanted, quality="HQ"), dtype=np.float32)


def resampled_blocks(samples: Waveform, rate: int, wanted: int) -> Iterator[Waveform]:
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


def _copied(samples: Waveform, begin: int, end: int) -> Waveform:
    """Some of the samples, in memory of their own."""
    block = np.array(samples[begin:end], np.float32)
    mapped: Any = getattr(samples, "_mmap", None)
    # pages that were read count as memory of this process until it lets go of them; what was only
    # written in memory (mode "c") would be lost with them
    if hasattr(mapped, "madvise") and getattr(samples, "mode", None) == "r":
        mapped.madvise(mmap.MADV_DONTNEED)
    return block
