"""Two drawings in SVG, to stand in a page: a histogram, and the outline of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT = 440, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 24, 30, 34
_BINS = 40


def histogram(title: str, unit: str, values: Sequence[float], log: bool = False) -> str:
    """Draw how many values lie where; counts on a root scale, so that single ones are seen.

    Args:
        title: what is counted.
        unit: of the values.
        values: finite and not negative, positive if ``log``.
        log: whether the horizontal axis is logarithmic; else it begins at 0.
    """
    edges = _edges(np.asarray(values, np.float64), log)
    counts, _ = np.histogram(values, edges)
    width = (_WIDTH - _LEFT - _RIGHT) / len(counts)
    floor, room = _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _TOP
    heights = room * np.sqrt(counts / counts.max())
    bars = "".join(
        f'<rect x="{_LEFT + i * width:.1f}" y="{floor - height:.1f}" width="{width - 1:.1f}" '
        f'height="{height:.1f}"><title>{_number(edges[i])} to {_number(edges[i + 1])} '
        f"{escape(unit)}: {count}</title></rect>"
        for i, (height, count) in enumerate(zip(heights, counts, strict=True))
        if count
    )
    middle = f"median {_number(float(np.median(values)))}, {len(values)} in all"
    right = _WIDTH - _RIGHT
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<text x="{_LEFT}" y="16" class="title">{escape(title)}</text>'
        f'<text x="{right}" y="16" class="muted" text-anchor="end">{escape(middle)}</text>'
        f'<g class="bars">{bars}</g>'
        f'<path class="axis" d="M{_LEFT} {floor}H{right}"/>'
        f"{_count_labels(int(counts.max()), floor, room)}{_value_labels(edges, unit, floor)}</svg>"
    )


def outline(samples: NDArray[np.float32], n_points: int = 300) -> str:
    """Draw the highest and lowest sample of each piece of a recording ``(T_wave,)``."""
    pieces = np.array_split(samples, min(n_points, len(samples)))
    top = [(i, 40 - 38 * float(piece.max())) for i, piece in enumerate(pieces)]
    bottom = [(i, 40 - 38 * float(piece.min())) for i, piece in enumerate(pieces)]
    points = " ".join(f"{x},{y:.1f}" for x, y in [*top, *reversed(bottom)])
    return (
        f'<svg viewBox="0 0 {len(pieces)} 80" class="outline" preserveAspectRatio="none" '
        f'role="img" aria-label="waveform"><polygon points="{points}"/>'
        f'<path class="axis" d="M0 2H{len(pieces)}M0 78H{len(pieces)}"/></svg>'
    )


def _edges(values: NDArray[np.float64], log: bool) -> NDArray[np.float64]:
    low, high = float(values.min()) if log else 0.0, float(values.max())
    if high - low <= 1e-6 * high:
        low, high = (low / 1.1, high * 1.1) if log else (0.0, 1.0)
    between = np.geomspace if log else np.linspace
    edges: NDArray[np.float64] = between(low, high, _BINS + 1)
    edges[0], edges[-1] = low, high  # powers are rounded
    return edges


def _count_labels(most: int, floor: float, room: float) -> str:
    ticks = sorted({0, max(most // 4, 1), most})
    return "".join(
        f'<text x="{_LEFT - 6}" y="{floor - room * (tick / most) ** 0.5 + 4:.1f}" '
        f'text-anchor="end">{tick}</text>'
        for tick in ticks
    )


def _value_labels(edges: NDArray[np.float64], unit: str, floor: float) -> str:
    places = np.linspace(0, len(edges) - 1, 5).round().astype(int)
    width = (_WIDTH - _LEFT - _RIGHT) / (len(edges) - 1)
    labels = "".join(
        f'<text x="{_LEFT + place * width:.1f}" y="{floor + 14}" text-anchor="middle">'
        f"{_number(edges[place])}</text>"
        for place in places
    )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    label = f'<text x="{middle}" y="{floor + 29}" text-anchor="middle" class="muted">'
    return f"{labels}{label}{escape(unit)}</text>"


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
