"""Resamples waveforms from one rate to another, whole or block by block."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

from tts.audio.pcm import Waveform

#: The rate of wideband speech, Hz, which networks for recognition, opinion scores and speaker
#: embeddings expect.
WIDEBAND_RATE = 16000
#: Samples of a block: the Vorbis encoder of libsndfile keeps a whole block on the stack.
_BLOCK = 2**16


def resampled(samples: Waveform, rate: int, wanted: int) -> Waveform:
    """Resample ``(T_wave,)`` from one rate in Hz to another; peaks may then leave [-1, 1]."""
    if rate == wanted:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate, wanted, quality="HQ"), dtype=np.float32)


def resampled_blocks(samples: Waveform, rate: int, wanted: int) -> Iterator[Waveform]:
    """Yield the exact samples of :func:`resampled` block by block.

    Args:
        samples: ``(T_wave,)``, in memory or mapped from the disk.
        rate: present rate, Hz.
        wanted: rate of the result, Hz.

    Yields:
        Blocks ``(n,)``, at least one.
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


def resampled_length(n_samples: int, rate: int, wanted: int) -> int:
    """Return how many samples :func:`resampled` makes of so many."""
    return (2 * n_samples * wanted + rate) // (2 * rate)


def _copied(samples: Waveform, begin: int, end: int) -> Waveform:
    """Copy some of the samples into memory of their own."""
    block = np.array(samples[begin:end], np.float32)
    mapped: Any = getattr(samples, "_mmap", None)
    # Pages of a mapped file count as memory of this process until they are released. In mode "c"
    # they must stay, because releasing them would lose changes that are only in memory
    if hasattr(mapped, "madvise") and getattr(samples, "mode", None) == "r":
        mapped.madvise(mmap.MADV_DONTNEED)
    return block
