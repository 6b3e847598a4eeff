"""Finds where words begin and end in the sound, given how long the attention stays on each symbol.

Between two words the attention stays on the space for some frames, but nobody hears a space: in
fluent speech these frames already belong to the next word. A pause is heard, and the spectrogram
shows its ends better than the attention does. So a gap between words is a pause where the frames
are quiet for long enough. All other gaps get no time: a word begins where the one before ends.
``python -m bench.marks`` measures the result.

Shapes: ``T_mel`` frames, ``T_text`` symbols.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: Frames this far below the loud ones of their utterance are quiet, dB.
QUIET_DB = 32.0
#: Share of the frames that are not louder than the loud ones.
_LOUD_SHARE = 0.95
#: A shorter silence is no pause, but the closure of a plosive: frames, 93 ms at a hop of 11.6 ms.
SHORTEST_PAUSE = 8

#: First and last symbol of a word.
WordSpan = tuple[int, int]
Edges = NDArray[np.int64]


def frame_levels(mel: Tensor) -> Tensor:
    """Return the level ``(T_mel,)`` in dB of each frame of a log-mel ``(n_mels, T_mel)``."""
    decibels: Tensor = 20 * torch.log10(mel.float().exp().mean(0).clamp(min=1e-12))
    return decibels.cpu()


def heard_edges(
    durations: NDArray[np.int64],
    symbols: Sequence[str],
    words: Sequence[WordSpan],
    levels: Tensor,
) -> Edges:
    """Return the frames at which symbols begin and end in the sound.

    Silence before the first word, and after a last word without punctuation, belongs to no symbol.
    A symbol of a word keeps one frame at least, unless there are fewer frames than symbols. A gap
    that is not heard gets none.

    Args:
        durations: ``(T_text,)`` from :func:`tts.metrics.durations.symbol_durations`.
        symbols: the symbols; those outside words are spaces and punctuation.
        words: the words in their order, which do not overlap.
        levels: ``(T_mel,)`` from :func:`frame_levels`.

    Returns:
        ``(T_text + 1,)`` int64, from 0 or later to ``T_mel`` or earlier, never falling.
    """
    edges: Edges = np.concatenate(([0], np.cumsum(durations)))
    if not words or len(levels) < len(durations):
        return edges
    pauses = _quiet_runs(levels)
    _begin(edges, words[0], pauses)
    for word, following in pairwise(words):
        if following[0] > word[1] + 1:
            _divide(edges, word, following, symbols, pauses)
    _end(edges, words[-1], pauses)
    return edges


def _quiet_runs(levels: Tensor) -> Edges:
    """Return the first frame of each silence, and the first after it, as ``(n, 2)``."""
    quiet = levels < levels.quantile(_LOUD_SHARE) - QUIET_DB
    padded = np.concatenate(([False], quiet.numpy(), [False]))
    return np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2)


def _begin(edges: Edges, word: WordSpan, pauses: Edges) -> None:
    """Let the first word begin after the silence at the beginning, if there is one."""
    if len(pauses) and pauses[0, 0] == 0:
        start = min(int(pauses[0, 1]), _latest_start(edges, word))
        edges[1 : word[0]] = np.minimum(edges[1 : word[0]], start)
        _set_start(edges, word, start)


def _end(edges: Edges, word: WordSpan, pauses: Edges) -> None:
    """Let the last word end before the silence at the end, if there is one."""
    if len(pauses) and pauses[-1, 1] == edges[-1]:
        end = max(int(pauses[-1, 0]), _earliest_end(edges, word))
        edges[word[1] + 2 : -1] = np.maximum(edges[word[1] + 2 : -1], end)
        _set_end(edges, word, end)


def _divide(
    edges: Edges, word: WordSpan, following: WordSpan, symbols: Sequence[str], pauses: Edges
) -> None:
    """Set the end of a word and the start of the following one."""
    gap = slice(word[1] + 1, following[0])
    begin, stop = int(edges[gap.start]), int(edges[gap.stop])
    earliest, latest = _earliest_end(edges, word), _latest_start(edges, following)
    inside = pauses[(pauses[:, 0] < stop) & (pauses[:, 1] > begin)]
    longest = max(inside.tolist(), key=lambda run: run[1] - run[0], default=[0, 0])
    end, start = max(longest[0], earliest), min(longest[1], latest)
    if start - end < SHORTEST_PAUSE:
        # the voice lingers on a word before punctuation, although it makes no pause
        blank = all(not symbol.strip() for symbol in symbols[gap])
        end = start = begin if blank else stop
    edges[gap.start + 1 : gap.stop] = np.clip(edges[gap.start + 1 : gap.stop], end, start)
    _set_end(edges, word, end)
    _set_start(edges, following, start)


def _earliest_end(edges: Edges, word: WordSpan) -> int:
    """Return the first frame at which a word can end with a frame for each of its symbols."""
    return int(edges[word[0]]) + word[1] - word[0] + 1


def _latest_start(edges: Edges, word: WordSpan) -> int:
    """Return the last frame at which a word can begin with a frame for each of its symbols."""
    return int(edges[word[1] + 1]) - (word[1] - word[0] + 1)


def _set_end(edges: Edges, word: WordSpan, end: int) -> None:
    first, last = word
    edges[last + 1] = end
    for symbol in range(last, first, -1):
        edges[symbol] = min(edges[symbol], edges[symbol + 1] - 1)


def _set_start(edges: Edges, word: WordSpan, start: int) -> None:
    first, last = word
    edges[first] = start
    for symbol in range(first + 1, last + 1):
        edges[symbol] = max(edges[symbol], edges[symbol - 1] + 1)
