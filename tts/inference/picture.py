"""One picture of a speech: waveform, mel spectrogram and alignment above one another, in time.

What is longer than the picture is wide is drawn by its extremes, part by part, so that many minutes
need no more memory than the parts themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tts.audio.plots.figures import (
    ACCENT,
    LINE,
    MUTED,
    headline,
    label_bands,
    new_figure,
    show_over_time,
    symbol_labels,
    to_array,
)
from tts.core.errors import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tts.inference.speech import Part, Speech

#: Columns and rows that are drawn; there are not many more pixels.
_COLUMNS = 1800
_ROWS = 1200
#: Height of a labelled symbol, and of the panel of the alignment, inches.
_LABEL = 0.115
_LOWEST, _OF_PARTS, _HIGHEST = 2.8, 4.6, 8.0
#: Parts and words that have room for their text on the axis.
_MOST_LABELS = 40
_MOST_TITLE = 100


def speech_figure(speech: Speech) -> Figure:
    """Draw what was spoken: a failed part is shaded, and its text is on the axis."""
    n_symbols = sum(part.alignments.shape[1] for part in speech.parts)
    highest = _HIGHEST if len(speech.parts) == 1 else _OF_PARTS
    lowest = min(max(_LABEL * n_symbols, _LOWEST), highest)
    heights = (1.3, 2.1, lowest)
    title = shortened(" ".join(speech.text.split()), _MOST_TITLE)
    figure = new_figure(11, sum(heights) + 1.5, title)
    panels: Sequence[Axes] = figure.subplots(3, 1, sharex=True, height_ratios=heights)
    _draw_wave(panels[0], speech)
    _draw_mel(figure, panels[1], speech)
    _draw_alignment(figure, panels[2], speech)
    for axes in panels:
        _mark_parts(axes, speech.parts)
    hop = speech.mel_config.hop_length / speech.mel_config.sample_rate
    panels[-1].set_xlim(0, max(speech.seconds, speech.mel.shape[1] * hop))
    panels[-1].set_xlabel("time (s)")
    return figure


def _draw_wave(axes: Axes, speech: Speech) -> None:
    wave = to_array(speech.wave)
    peak = float(np.abs(wave).max(initial=0))
    low, high = _pooled(wave, _COLUMNS, np.minimum), _pooled(wave, _COLUMNS, np.maximum)
    time = np.linspace(0, speech.seconds, len(low))
    axes.fill_between(time, low, high, color=LINE, linewidth=0.5)
    limit = max(0.01, 1.08 * peak)
    axes.set(ylabel="amplitude", ylim=(-limit, limit))
    axes.spines[["top", "right"]].set_visible(False)
    told = f"{speech.seconds:.2f} s at {speech.sample_rate} Hz, peak {peak:.2f}"
    if peak > 1:
        told += ", above full scale"
        for level in (-1, 1):
            axes.axhline(level, color=ACCENT, linewidth=0.8)
    headline(axes, "Waveform", told)


def _draw_mel(figure: Figure, axes: Axes, speech: Speech) -> None:
    config, mel = speech.mel_config, to_array(speech.mel)
    n_frames, hop = mel.shape[1], config.hop_length / config.sample_rate
    drawn = _pooled(mel, _COLUMNS, np.maximum)
    loudest = max(float(drawn.max(initial=config.silence)), config.silence + 1)
    wider = hop * n_frames / drawn.shape[1]
    image = show_over_time(
        axes, drawn, wider, vmin=config.silence, vmax=loudest, extent=_extent(0, n_frames, hop, mel)
    )
    label_bands(axes, config)
    figure.colorbar(image, ax=axes, label="log magnitude (ln)", pad=0.01, aspect=12)
    told = f"{config.n_mels} bands, {n_frames} frames of {1000 * hop:.1f} ms: what is vocoded"
    headline(axes, "Mel spectrogram", told)


def _draw_alignment(figure: Figure, axes: Axes, speech: Speech) -> None:
    hop = speech.mel_config.hop_length / speech.mel_config.sample_rate
    columns = -(-_COLUMNS // len(speech.parts))
    rows = -(-_ROWS // len(speech.parts))
    first = 0
    for part in speech.parts:
        weights = to_array(part.alignments).T
        drawn = _pooled(_pooled(weights, columns, np.maximum).T, rows, np.maximum).T
        extent = _extent(part.first_frame, weights.shape[1], hop, weights, first)
        image = show_over_time(axes, drawn, hop, vmin=0, vmax=1, extent=extent)
        first += len(weights)
    axes.set_facecolor(image.get_cmap()(0.0))
    axes.set_ylim(0, first)
    _label_symbols(axes, speech.parts, first)
    figure.colorbar(image, ax=axes, label="attention weight", pad=0.01, aspect=20)
    headline(axes, "Alignment", _told(speech))


def _told(speech: Speech) -> str:
    """How it ended, in half a line."""
    failed = sum(part.failed for part in speech.parts)
    told = f"the symbol behind each frame; stopped by {speech.stop_reason}"
    if len(speech.parts) > 1:
        return f"{told}; {failed or 'none'} of {len(speech.parts)} parts failed"
    return f"{told}; {'follows' if speech.health.follows_text else 'does not follow'} the text"


def _label_symbols(axes: Axes, parts: Sequence[Part], n_symbols: int) -> None:
    """Write what fits: the symbols, the words they make, the beginnings of parts, or nothing."""
    symbols = [symbol for part in parts for symbol in part.symbols]
    labels = list(enumerate(symbol_labels(symbols)))
    if len(parts) > 1:
        labels = _beginnings(parts)
    elif n_symbols * _LABEL > _HIGHEST:
        labels = _words(symbols)
    if len(labels) <= _MOST_LABELS or n_symbols * _LABEL <= _HIGHEST:
        places = [place + 0.5 for place, _ in labels]
        texts = [text for _, text in labels]
        axes.set_yticks(places, texts, fontsize=7, parse_math=False)
        axes.tick_params(axis="y", length=2)
    axes.set_ylabel("symbol")


def _words(symbols: Sequence[str]) -> list[tuple[int, str]]:
    """The words of a text, each with the place of its first symbol."""
    words: list[tuple[int, list[str]]] = []
    for place, (symbol, label) in enumerate(zip(symbols, symbol_labels(symbols), strict=True)):
        if symbol != " ":
            if not place or symbols[place - 1] == " ":
                words.append((place, []))
            words[-1][1].append(label)
    phones = any(len(symbol) > 1 for symbol in symbols)
    return [(place, shortened((" " if phones else "").join(word), 18)) for place, word in words]


def _beginnings(parts: Sequence[Part]) -> list[tuple[int, str]]:
    found, first = [], 0
    for number, part in enumerate(parts, start=1):
        found.append((first, f"{number} {shortened(' '.join(part.text.split()), 22)}"))
        first += part.alignments.shape[1]
    return found


def _mark_parts(axes: Axes, parts: Sequence[Part]) -> None:
    """Where parts begin, and which are not what they should be."""
    dark = len(axes.images) > 0
    for part in parts:
        if len(parts) > 1:
            color = "white" if dark else MUTED
            axes.axvline(part.start, color=color, linewidth=0.7, linestyle=":")
        if part.failed and not dark:
            axes.axvspan(part.start, part.start + part.seconds, color=ACCENT, alpha=0.15, lw=0)


def _extent(
    frame: int, n_frames: int, hop: float, values: NDArray[Any], first: int = 0
) -> tuple[float, float, float, float]:
    """Edges of an image of frames in seconds, and of rows; frames are centred on their hop."""
    left, right = (frame - 0.5) * hop, (frame + n_frames - 0.5) * hop
    return left, right, first, first + values.shape[0]


def _pooled(values: NDArray[np.float32], most: int, of: np.ufunc) -> NDArray[np.float32]:
    """At most so many columns (the last axis), each the extreme of those that it stands for."""
    n = values.shape[-1]
    if n <= most:
        return values
    starts = np.arange(most) * n // most
    pooled: NDArray[np.float32] = of.reduceat(values, starts, axis=-1)
    return pooled
