"""Draws the ratios of the benchmark, for docs/performance.md."""

from __future__ import annotations

from pathlib import Path

from bench.measure import Result
from bench.rows import Row


def draw(path: Path, rows: dict[str, Row], results: dict[str, Result]) -> None:
    """Draw how many times as fast as the reference each row is, with the goals as marks.

    Args:
        path: PNG file to write.
        rows: rows by their short names.
        results: results by the names of their rows.
    """
    from matplotlib.figure import Figure

    shown = [
        (name, implementation, result.seconds["reference"] / seconds)
        for name, result in results.items()
        if "reference" in result.seconds
        for implementation, seconds in result.seconds.items()
        if implementation != "reference"
    ]
    figure = Figure(figsize=(7, 0.4 * len(shown) + 1), layout="constrained")
    axes = figure.subplots()
    # the numbers stand next to the names, where no bar or mark hides them
    labels = [
        f"{name if how == 'ours' else f'{name} ({how})'}   {ratio:.2f}"
        for name, how, ratio in shown
    ]
    axes.barh(labels, [ratio for *_, ratio in shown], color="#3b6ea5")
    for y, (name, how, _) in enumerate(shown):
        if how == "ours" and (goal := rows[name].goal):
            axes.plot([goal], [y], "k|", markersize=14)
    axes.axvline(1, color="0.5", linewidth=0.8)
    axes.invert_yaxis()
    axes.set_xlabel("times the speed of NVIDIA's code (| goal)")
    figure.savefig(path, dpi=120)
