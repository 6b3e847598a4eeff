"""Defines time marks: when a word or a symbol is heard.

Shapes: ``T_mel`` frames, ``T_text`` symbols.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from tts.metrics.durations import symbol_durations


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
        edges: the times between symbols, from :func:`symbol_edges`.
        start: when the utterance begins.
    """
    return tuple(
        Mark(text, start + edges[first], start + edges[last + 1]) for text, first, last in spans
    )


def symbol_edges(alignment: Tensor, frame_seconds: float, seconds: float) -> Sequence[float]:
    """Return the times between symbols: ``T_text + 1`` numbers from 0 to ``seconds``."""
    frames = np.concatenate(([0], np.cumsum(symbol_durations(alignment))))
    # a frame is centred on its time, so it begins half a frame earlier
    edges = np.clip((frames - 0.5) * frame_seconds, 0.0, seconds)
    edges[0], edges[-1] = 0.0, seconds
    return [float(edge) for edge in edges]
