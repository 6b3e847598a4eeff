"""Makes a spectrogram faster or slower while it is being decoded (``stretch_mels``).

Shapes: ``t`` frames of a piece.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import chain

import torch
from torch import Tensor

from tts.audio.stretching import neighbours, stretched_length


def stretch_mels(mels: Iterable[Tensor], speed: float) -> Iterator[Tensor]:
    """Stretch a spectrogram that arrives in pieces; the pieces do not change the result.

    Args:
        mels: consecutive pieces ``(n_mels, t)`` of a log-mel spectrogram.
        speed: playing speed; 1 gives the pieces as they are.

    Yields:
        Consecutive pieces ``(n_mels, t')`` of the stretched spectrogram, none of them empty.
    """
    if speed == 1:
        yield from mels
        return
    kept: Tensor | None = None
    first = done = 0
    pieces: Iterable[Tensor | None] = chain(mels, [None])
    for piece in pieces:
        if piece is not None:
            kept = piece if kept is None else torch.cat((kept, piece), 1)
        if kept is None:
            return
        n_frames = first + kept.shape[1]
        # before the end is known, a frame waits for both of its neighbours
        is_end = piece is None
        ready = stretched_length(n_frames, speed) if is_end else math.ceil((n_frames - 1) / speed)
        if ready > done:
            yield _between(kept, first, done, ready, speed)
            done = ready
            unneeded = min(int(done * speed), n_frames - 1) - first
            kept, first = kept[:, unneeded:], first + unneeded


def _between(kept: Tensor, first: int, begin: int, end: int, speed: float) -> Tensor:
    """Return stretched frames, from the original frames that begin with number ``first``."""
    before, weight = map(torch.from_numpy, neighbours(begin, end, speed))
    before, weight = (before - first).to(kept.device), weight.to(kept)
    after = (before + 1).clamp(max=kept.shape[1] - 1)
    return kept[:, before] * (1 - weight) + kept[:, after] * weight
