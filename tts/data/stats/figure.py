"""Draws the statistics of a corpus in one picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tts.audio.mel_bands import band_edges
from tts.audio.plots.figures import (
    ACCENT,
    LINE,
    MUTED,
    headline,
    new_figure,
    symbol_labels,
)
from tts.data.stats.advice import pitch_range
from tts.data.stats.statistics import CorpusStatistics, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_N_BINS = 40
# Silence is measured in frames of so many seconds; other bins would have gaps
_FRAME = 0.01
# More symbols than this cannot be read along an axis
_MOST_SYMBOLS = 70


def statistics_figure(statistics: CorpusStatistics) -> Figure:
    """Draw the mel by band, and how often each rate, pitch, level, silence and symbol occurs."""
    panels: list[Callable[[Axes, CorpusStatistics], None]] = [_mel, _level, _silence]
    panels += [_pitch] if len(statistics.pitch) else []
    panels += [_pace] if len(statistics.paces) else []
    n_rows = -(-len(panels) // 2) + bool(statistics.symbols)
    title = (
        f"{statistics.corpus}: {statistics.n_utterances} utterances, {statistics.hours:.2f} hours"
    )
    figure = new_figure(12, 0.6 + 2.6 * n_rows, title)
    grid = figure.add_gridspec(n_rows, 2)
    for number, draw in enumerate(panels):
        is_alone = number % 2 == 0 and number == len(panels) - 1
        column = slice(None) if is_alone else number % 2
        draw(figure.add_subplot(grid[number // 2, column]), statistics)
    if statistics.symbols:
        _symbols(figure.add_subplot(grid[n_rows - 1, :]), statistics)
    return figure


def _mel(axes: Axes, statistics: CorpusStatistics) -> None:
    hertz = band_edges(statistics.mel)[1:-1]
    means, deviations = statistics.band_means, statistics.band_deviations
    axes.fill_between(hertz, means - deviations, means + deviations, color=LINE, alpha=0.2, lw=0)
    axes.plot(hertz, means, color=LINE, linewidth=1.4)
    axes.axhline(statistics.mel_mean, color=ACCENT, linewidth=1)
    axes.set(xlabel="frequency of the band (Hz)", ylabel="log magnitude (ln)")
    about = f"mean {statistics.mel_mean:.2f} (line), deviation {statistics.mel_std:.2f}"
    headline(axes, "Mel", about)


def _level(axes: Axes, statistics: CorpusStatistics) -> None:
    _histogram(axes, statistics.levels, "level of the speech (dB relative to full scale)")
    headline(axes, "Level", f"median {np.median(statistics.levels):.1f} dB")


def _silence(axes: Axes, statistics: CorpusStatistics) -> None:
    longest = max(statistics.leads.max(), statistics.tails.max(), _FRAME)
    step = _FRAME * -(-longest // (_FRAME * _N_BINS))
    bins = np.arange(-step / 2, longest + step, step).tolist()
    for values, name, color in (
        (statistics.leads, "before the speech", LINE),
        (statistics.tails, "after it", ACCENT),
    ):
        axes.hist(values, bins, color=color, histtype="step", linewidth=1.4, label=name)
    axes.set(xlabel="silence (s)", ylabel="recordings")
    axes.legend(frameon=False)
    medians = f"median {np.median(statistics.leads):.2f} s and {np.median(statistics.tails):.2f} s"
    headline(axes, "Silence at the ends", medians)


def _pitch(axes: Axes, statistics: CorpusStatistics) -> None:
    _histogram(axes, statistics.pitch, "pitch (Hz)", "frames")
    pitches = pitch_range(statistics)
    assert pitches is not None
    for edge in pitches:
        axes.axvline(edge, color=ACCENT, linewidth=1)
    about = f"median {np.median(statistics.pitch):.0f} Hz; lines: {pitches[0]} and {pitches[1]} Hz"
    headline(axes, "Pitch", about)


def _pace(axes: Axes, statistics: CorpusStatistics) -> None:
    _histogram(axes, statistics.paces, "symbols in a second of speech")
    words = f"{np.median(statistics.words_per_minute):.0f} words in a minute"
    headline(axes, "Speaking rate", f"median {np.median(statistics.paces):.1f} symbols, {words}")


def _symbols(axes: Axes, statistics: CorpusStatistics) -> None:
    counts = {symbol: count for symbol, count in statistics.symbols.items() if count}
    common = sorted(counts, key=lambda symbol: -counts[symbol])
    # the rare ones matter most, because they may be too few to learn
    shown = common if len(common) <= _MOST_SYMBOLS else common[-_MOST_SYMBOLS:]
    axes.bar(range(len(shown)), [counts[symbol] for symbol in shown], color=LINE, width=0.8)
    axes.set_yscale("log")
    axes.set_xticks(range(len(shown)), symbol_labels(shown), fontsize=7, parse_math=False)
    axes.set(ylabel="times")
    axes.margins(x=0.01)
    rest = "" if len(shown) == len(common) else f"; the {len(shown)} rarest of them"
    headline(axes, "Symbols", f"{len(common)} of {len(statistics.symbols)} are used{rest}")


def _histogram(axes: Axes, values: FloatArray, name: str, counted: str = "recordings") -> None:
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-3 * max(abs(low), abs(high)):  # too little to be cut into bins
        low, high = low - 0.5, high + 0.5
    axes.hist(values, np.linspace(low, high, _N_BINS + 1).tolist(), color=LINE)
    axes.axvline(float(np.median(values)), color=MUTED, linewidth=1, linestyle="--")
    axes.set(xlabel=name, ylabel=counted)
