"""Computes what ``doctor.html`` draws: histograms, and the outlines of recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts.audio.pcm import Waveform

N_BINS = 40


class Histogram(NamedTuple):
    """Describes a histogram with a square-root scale of counts, which keeps single values visible.

    Attributes:
        title: what is counted.
        unit: unit of the values.
        note: the median and the number of values, as text.
        bars: left edge as a share of the width, height as a share of the highest bar, and label
            of each bar that is not empty.
        count_ticks: labels of the vertical axis, by height as a share of the highest bar.
        value_ticks: labels of the horizontal axis, by place as a share of the width.
    """

    title: str
    unit: str
    note: str
    bars: Sequence[tuple[float, float, str]]
    count_ticks: Mapping[float, int]
    value_ticks: Mapping[float, str]


def histogram(title: str, unit: str, values: Sequence[float], log: bool = False) -> Histogram:
    """Count values in bins.

    Args:
        title: what is counted.
        unit: unit of the values.
        values: finite and not negative; positive if ``log`` is set.
        log: whether the horizontal axis is logarithmic; if not, it begins at 0.
    """
    edges = _edges(np.asarray(values, np.float64), log)
    counts, _ = np.histogram(values, edges)
    labels = [_number(edge) for edge in edges]
    most = int(counts.max())
    return Histogram(
        title,
        unit,
        f"median {_number(float(np.median(values)))}, {len(values)} in all",
        [
            (i / N_BINS, (count / most) ** 0.5, f"{labels[i]} to {labels[i + 1]} {unit}: {count}")
            for i, count in enumerate(counts)
            if count
        ],
        {(tick / most) ** 0.5: tick for tick in sorted({0, max(most // 4, 1), most})},
        {i / N_BINS: labels[i] for i in range(0, N_BINS + 1, N_BINS // 4)},
    )


def outline(samples: Waveform, n_points: int = 300) -> list[tuple[float, float]]:
    """Return the lowest and highest sample of each of at most ``n_points`` pieces."""
    pieces = np.array_split(samples, min(n_points, len(samples)))
    return [(float(piece.min()), float(piece.max())) for piece in pieces]


def _edges(values: NDArray[np.float64], log: bool) -> NDArray[np.float64]:
    low, high = float(values.min()) if log else 0.0, float(values.max())
    if high - low <= 1e-6 * high:
        low, high = (low / 1.1, high * 1.1) if log else (0.0, 1.0)
    between = np.geomspace if log else np.linspace
    edges: NDArray[np.float64] = between(low, high, N_BINS + 1)
    edges[0], edges[-1] = low, high  # geomspace rounds, and a value must not lie outside
    return edges


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
