"""Finds how many frames each symbol lasts: the most probable path through an alignment.

An attention is a distribution over symbols in each frame. Speech goes through its symbols once,
from the first to the last. Of all such paths the one with the largest product of weights is found
by dynamic programming (Viterbi; with an attention: Kim et al., 2020, arXiv 2005.11129, section
2.2).

Shapes: ``T_mel`` frames, ``T_text`` symbols.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

#: Smaller weights count as this one, so that a frame without attention cannot forbid a path.
_LEAST_WEIGHT = 1e-8


def symbol_durations(alignment: Tensor) -> NDArray[np.int64]:
    """Return the number of frames of each symbol.

    Each symbol gets one frame at least, unless there are fewer frames than symbols; then the path
    may step over symbols, which get none.

    Args:
        alignment: ``(T_mel, T_text)`` attention weights, at least one of each.

    Returns:
        ``(T_text,)`` int64; the sum is ``T_mel``.
    """
    weights = alignment.detach().float().cpu().numpy()
    path = _best_path(np.log(np.maximum(weights, _LEAST_WEIGHT)))
    return np.bincount(path, minlength=weights.shape[1]).astype(np.int64)


def path_agreement(alignment: Tensor, durations: NDArray[np.int64]) -> float:
    """Return the share of frames whose strongest weight is at the symbol of the path.

    Args:
        alignment: ``(T_mel, T_text)`` attention weights.
        durations: ``(T_text,)`` from :func:`symbol_durations`.
    """
    path = np.repeat(np.arange(len(durations)), durations)
    strongest = alignment.detach().float().cpu().numpy().argmax(1)
    return float((strongest == path).mean())


def path_attention(alignment: Tensor, durations: NDArray[np.int64]) -> float:
    """Return the mean weight on the path.

    Args:
        alignment: ``(T_mel, T_text)`` attention weights.
        durations: ``(T_text,)`` from :func:`symbol_durations`.
    """
    path = np.repeat(np.arange(len(durations)), durations)
    weights = alignment.detach().float().cpu().numpy()
    return float(weights[np.arange(len(path)), path].mean())


def _best_path(score: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the symbol of each frame, for log weights ``(T_mel, T_text)``."""
    n_frames, n_symbols = score.shape
    widest = 1 if n_frames >= n_symbols else -(-(n_symbols - 1) // max(n_frames - 1, 1))
    best = np.full(n_symbols, -np.inf)
    best[0 if n_frames > 1 else -1] = score[0, 0]
    steps = np.zeros((n_frames, n_symbols), np.int64)
    for frame in range(1, n_frames):
        # row s holds the value of the path that comes from s symbols before
        options = np.full((widest + 1, n_symbols), -np.inf)
        options[0] = best
        for step in range(1, widest + 1):
            options[step, step:] = best[:-step]
        steps[frame] = options.argmax(0)
        best = options.max(0) + score[frame]
    path = np.empty(n_frames, np.int64)
    symbol = n_symbols - 1
    for frame in range(n_frames - 1, -1, -1):
        path[frame] = symbol
        symbol -= steps[frame, symbol]
    return path
