"""Draws a speech: waveform, mel spectrogram and alignment above one another, on one time axis.

Where there are more values than columns in the picture, the largest and smallest values of each
column are drawn. This happens part by part, so that the picture of a long speech needs no more
memory than its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tts.audio.config import MelConfig
from tts.audio.plots.figures import (
    ACCENT,
    LINE,
    MUTED,
    drawable,
    headline,
    label_bands,
    new_figure,
    show_over_time,
    symbol_labels,
    to_array,
)
from tts.core.errors import shortened
from tts.inference.part import Part, worst_stop_reason
from tts.text.symbols import is_phone

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Columns and rows that are drawn; the picture has not many more pixels.
_COLUMNS = 1800
_ROWS = 1200
#: Height of a labelled symbol, inches.
_LABEL_HEIGHT = 0.115
#: Height of the alignment panel, inches: the smallest, the largest, and that of a panel whose
#: symbols have no labels because they would not fit.
_MIN_HEIGHT, _MAX_HEIGHT, _UNLABELLED_HEIGHT = 2.8, 8.0, 4.6
#: The largest number of words or parts that have labels on the axis.
_MAX_LABELS = 40
_MAX_TITLE = 100
#: Words are written below the waveform if a text has at most so many; more would not be readable.
_MAX_WORDS = 80
#: Width of the panels, and of a character and of the gap between two words below the waveform,
#: inches.
_PANEL_WIDTH, _CHAR_WIDTH, _WORD_GAP = 9.0, 0.062, 0.04
_WORD_SIZE, _WORD_ROWS = 7.5, 2


def speech_figure(
    text: str,
    wave: Tensor,
    sample_rate: int,
    mel: Tensor,
    config: MelConfig,
    parts: Sequence[Part],
) -> Figure:
    """Draw a speech, with its words below the waveform at their times; a failed part is shaded.

    Args:
        text: the spoken text, which becomes the headline.
        wave: ``(T_wave,)`` samples.
        sample_rate: rate of ``wave``, Hz.
        mel: ``(n_mels, T_mel)`` log-mel spectrogram.
        config: contract of ``mel``.
        parts: parts of the speech, with their alignments.
    """
    heights = (1.3, 2.1, _alignment_height(parts))
    figure = new_figure(11, sum(heights) + 1.5, shortened(" ".join(text.split()), _MAX_TITLE))
    panels: Sequence[Axes] = figure.subplots(3, 1, sharex=True, height_ratios=heights)
    hop = config.hop_length / config.sample_rate
    _draw_wave(panels[0], to_array(wave), sample_rate)
    _draw_words(panels[0], parts, len(wave) / sample_rate)
    _draw_mel(figure, panels[1], to_array(mel), config)
    _draw_alignment(figure, panels[2], parts, hop)
    for axes in panels:
        _mark_parts(axes, parts)
    panels[-1].set_xlim(0, max(len(wave) / sample_rate, mel.shape[1] * hop))
    panels[-1].set_xlabel("time (s)")
    return figure


def _alignment_height(parts: Sequence[Part]) -> float:
    """Return the height of the alignment panel in inches: what the labels of all symbols need."""
    height = _LABEL_HEIGHT * _n_symbols(parts)
    if height > _MAX_HEIGHT:
        return _UNLABELLED_HEIGHT if len(parts) > 1 else _MAX_HEIGHT
    return max(height, _MIN_HEIGHT)


def _n_symbols(parts: Sequence[Part]) -> int:
    return sum(part.alignments.shape[1] for part in parts)


def _draw_wave(axes: Axes, wave: NDArray[np.float32], sample_rate: int) -> None:
    peak, seconds = float(np.abs(wave).max(initial=0)), len(wave) / sample_rate
    low, high = _pooled(wave, _COLUMNS, np.minimum), _pooled(wave, _COLUMNS, np.maximum)
    time = np.linspace(0, seconds, len(low))
    axes.fill_between(time, low, high, color=LINE, linewidth=0.5)
    limit = max(0.01, 1.08 * peak)
    axes.set(ylabel="amplitude", ylim=(-limit, limit))
    axes.spines[["top", "right"]].set_visible(False)
    explanation = f"{seconds:.2f} s at {sample_rate} Hz, peak {peak:.2f}"
    if peak > 1:
        explanation += ", above full scale"
        for level in (-1, 1):
            axes.axhline(level, color=ACCENT, linewidth=0.8)
    headline(axes, "Waveform", explanation)


def _draw_words(axes: Axes, parts: Sequence[Part], seconds: float) -> None:
    """Write each word below the waveform, between lines where it begins and ends.

    A word that would touch the one before it moves to the second row. One that has no room there
    either is left out; its lines are drawn.
    """
    if sum(len(part.text.split()) for part in parts) > _MAX_WORDS:
        return
    words = [word for part in parts for word in part.words]
    if not words:
        return
    low, high = axes.get_ylim()
    row_height = 0.13 * (high - low)
    axes.set_yticks([tick for tick in axes.get_yticks() if low < tick < high])
    axes.set_ylim(low - (_WORD_ROWS + 0.2) * row_height, high)
    edges = {edge for word in words for edge in (word.start, word.end)}
    axes.vlines(sorted(edges), low, high, color=MUTED, linewidth=0.4, alpha=0.6, zorder=0)
    inch = seconds / _PANEL_WIDTH
    free_from = [0.0] * _WORD_ROWS
    for word in words:
        half = 0.5 * _CHAR_WIDTH * len(word.text) * inch
        middle = max(0.5 * (word.start + word.end), half)
        row = next((row for row, free in enumerate(free_from) if middle - half >= free), None)
        if row is None:
            continue
        below = low - row * row_height
        label = drawable(word.text)
        axes.text(middle, below, label, ha="center", va="top", size=_WORD_SIZE, parse_math=False)
        free_from[row] = middle + half + _WORD_GAP * inch


def _draw_mel(figure: Figure, axes: Axes, mel: NDArray[np.float32], config: MelConfig) -> None:
    n_frames, hop = mel.shape[1], config.hop_length / config.sample_rate
    drawn = _pooled(mel, _COLUMNS, np.maximum)
    loudest = max(float(drawn.max(initial=config.silence)), config.silence + 1)
    seconds_per_column = hop * n_frames / drawn.shape[1]
    colors = {"vmin": config.silence, "vmax": loudest}
    extent = _extent(0, n_frames, hop, mel)
    image = show_over_time(axes, drawn, seconds_per_column, extent=extent, **colors)
    label_bands(axes, config)
    figure.colorbar(image, ax=axes, label="log magnitude (ln)", pad=0.01, aspect=12)
    explanation = f"{config.n_mels} bands, {n_frames} frames of {1000 * hop:.1f} ms: vocoder input"
    headline(axes, "Mel spectrogram", explanation)


def _draw_alignment(figure: Figure, axes: Axes, parts: Sequence[Part], hop: float) -> None:
    columns = -(-_COLUMNS // len(parts))
    rows = -(-_ROWS // len(parts))
    first = 0
    for part in parts:
        weights = to_array(part.alignments).T
        drawn = _pooled(_pooled(weights, columns, np.maximum).T, rows, np.maximum).T
        extent = _extent(part.first_frame, weights.shape[1], hop, weights, first, part.speed)
        image = show_over_time(axes, drawn, hop, vmin=0, vmax=1, extent=extent)
        first += len(weights)
    axes.set_facecolor(image.get_cmap()(0.0))
    axes.set_ylim(0, first)
    _label_symbols(axes, parts)
    figure.colorbar(image, ax=axes, label="attention weight", pad=0.01, aspect=20)
    headline(axes, "Alignment", _outcome(parts))


def _outcome(parts: Sequence[Part]) -> str:
    """Return in half a line how decoding ended and whether it failed."""
    reason = worst_stop_reason(part.stop_reason for part in parts)
    ending = f"the symbol of each frame; stopped by {reason}"
    if len(parts) > 1:
        n_failed = sum(part.failed for part in parts)
        return f"{ending}; {n_failed or 'none'} of {len(parts)} parts failed"
    return f"{ending}; {'follows' if parts[0].health.follows_text else 'does not follow'} the text"


def _label_symbols(axes: Axes, parts: Sequence[Part]) -> None:
    """Label the axis with what fits: all symbols, words, the first words of parts, or nothing."""
    symbols = [symbol for part in parts for symbol in part.symbols]
    fits = len(symbols) == _n_symbols(parts) and len(symbols) * _LABEL_HEIGHT <= _MAX_HEIGHT
    if fits:
        labels = list(enumerate(symbol_labels(symbols)))
    else:
        labels = _first_words(parts) if len(parts) > 1 else _words(symbols)
    if fits or len(labels) <= _MAX_LABELS:
        places = [place + 0.5 for place, _ in labels]
        texts = [text for _, text in labels]
        axes.set_yticks(places, texts, fontsize=7, parse_math=False)
        axes.tick_params(axis="y", length=2)
    axes.set_ylabel("symbol")


def _words(symbols: Sequence[str]) -> list[tuple[int, str]]:
    """Return the words of a text, each with the place of its first symbol."""
    words: list[tuple[int, list[str]]] = []
    for place, (symbol, label) in enumerate(zip(symbols, symbol_labels(symbols), strict=True)):
        if symbol != " ":
            if not place or symbols[place - 1] == " ":
                words.append((place, []))
            words[-1][1].append(label)
    phones = any(map(is_phone, symbols))
    return [(place, shortened((" " if phones else "").join(word), 18)) for place, word in words]


def _first_words(parts: Sequence[Part]) -> list[tuple[int, str]]:
    labels, first = [], 0
    for number, part in enumerate(parts, start=1):
        labels.append((first, f"{number} {shortened(' '.join(part.text.split()), 22)}"))
        first += part.alignments.shape[1]
    return labels


def _mark_parts(axes: Axes, parts: Sequence[Part]) -> None:
    """Mark where parts begin, and shade those that failed."""
    dark = len(axes.images) > 0
    for part in parts:
        if len(parts) > 1:
            color = "white" if dark else MUTED
            axes.axvline(part.start, color=color, linewidth=0.7, linestyle=":")
        if part.failed and not dark:
            axes.axvspan(part.start, part.start + part.seconds, color=ACCENT, alpha=0.15, lw=0)


def _extent(
    frame: int,
    n_frames: int,
    hop: float,
    values: NDArray[Any],
    first: int = 0,
    speed: float = 1.0,
) -> tuple[float, float, float, float]:
    """Return the edges of an image: in seconds, and in rows; a frame is centred on its time."""
    start, step = frame * hop, hop / speed
    return start - 0.5 * step, start + (n_frames - 0.5) * step, first, first + values.shape[0]


def _pooled(
    values: NDArray[np.float32], max_columns: int, extreme: np.ufunc
) -> NDArray[np.float32]:
    """Reduce the last axis to at most so many columns, each the extreme of its values."""
    n = values.shape[-1]
    if n <= max_columns:
        return values
    starts = np.arange(max_columns) * n // max_columns
    pooled: NDArray[np.float32] = extreme.reduceat(values, starts, axis=-1)
    return pooled
