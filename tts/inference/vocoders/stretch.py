"""Makes a spectrogram faster or slower while it is being decoded (``stretch_mels``).

Shapes: ``t`` frames of a piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import torch
from torch import Tensor

from tts.audio.stretching import reach, sources, stretched_length


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
        # before the end is known, a frame waits for all frames that it depends on
        complete = n_frames if piece is None else n_frames - reach(speed)
        if (ready := stretched_length(complete, speed)) > done:
            yield _between(kept, first, done, ready, speed)
            done = ready
            unneeded = max(0, min(int(done * speed) - reach(speed), n_frames - 1) - first)
            kept, first = kept[:, unneeded:], first + unneeded


def _between(kept: Tensor, first: int, begin: int, end: int, speed: float) -> Tensor:
    """Return stretched frames, from the original frames that begin with number ``first``."""
    frames, weights = map(torch.from_numpy, sources(begin, end, speed))
    inside = (frames - first).clamp(0, kept.shape[1] - 1).to(kept.device)
    total = kept.new_zeros(len(kept), 1)
    for frame, weight in zip(inside, weights.to(kept), strict=True):
        total = total + kept[:, frame] * weight
    return total
