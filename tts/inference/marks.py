"""Defines time marks: when a word or a symbol is heard.

Shapes: ``T_mel`` frames, ``T_text`` symbols.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Mark(NamedTuple):
    """Says when something is heard.

    Attributes:
        text: a written word, or a symbol.
        start: when it begins, seconds.
        end: when it ends, seconds.
    """

    text: str
    start: float
    end: float

    def to_dict(self) -> dict[str, Any]:
        """Return the mark of a word as it is written to files."""
        return {"word": self.text, "start": self.start, "end": self.end}


def marks(
    spans: Iterable[tuple[str, int, int]], edges: Sequence[float], start: float
) -> tuple[Mark, ...]:
    """Return when spans of symbols are heard.

    Args:
        spans: a text, its first and its last symbol.
        edges: the times between symbols, from :func:`seconds_of`.
        start: when the utterance begins.
    """
    return tuple(
        Mark(text, start + edges[first], start + edges[last + 1]) for text, first, last in spans
    )


def seconds_of(
    edges: NDArray[np.int64], n_frames: int, frame_seconds: float, seconds: float
) -> list[float]:
    """Return when frames begin in an utterance of some seconds.

    Args:
        edges: numbers of frames, from 0 to ``n_frames``.
        n_frames: frames of the utterance.
        frame_seconds: time from one frame to the next.
        seconds: length of the utterance.
    """
    # a frame is centred on its time, so it begins half a frame earlier
    times = np.clip((edges - 0.5) * frame_seconds, 0.0, seconds)
    times[edges == n_frames] = seconds
    return [float(time) for time in times]
