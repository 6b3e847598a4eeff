"""Draws mels, alignments and gates, and holds what all pictures of the project share.

The code uses matplotlib's ``Figure`` directly, without pyplot. Thus there is no global state and no
window system, no figure has to be closed, and loggers can use pyplot as they like. Arrays may be
numpy arrays or torch tensors.

Shapes: ``T_mel`` frames, ``T_text`` symbols.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tts.audio.config import MelConfig
from tts.audio.mel_bands import band_edges
from tts.core.errors import InputError
from tts.core.files import atomic_writer
from tts.text.jamo import in_latin
from tts.text.symbols import without_prefix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

INK = "#1f2933"
MUTED = "#66727f"
ACCENT = "#d9480f"
LINE = "#27407a"
_MEL_TICKS = (200, 500, 1000, 2000, 4000, 7000)
# A reader cannot tell more symbols than this apart on the axis of an alignment
_MAX_LABELS = 120


def mel_figure(mels: Mapping[str, Any], config: MelConfig, title: str) -> Figure:
    """Draw mel spectrograms under one another, on one time axis and one colour scale.

    Args:
        mels: for each name a mel ``(n_mels, T_mel)`` in log units; the lengths may differ.
        config: the mel contract, which gives seconds and the colour of silence.
        title: headline of the picture.
    """
    arrays = {name: to_array(mel) for name, mel in mels.items()}
    figure = new_figure(10, 1 + 2.2 * len(arrays), title)
    panels = figure.subplots(len(arrays), 1, sharex=True, squeeze=False)[:, 0]
    # The mel of a diverged network must be drawn too: values that are not finite stay white
    loudest = max(
        float(mel.max(initial=config.silence, where=np.isfinite(mel))) for mel in arrays.values()
    )
    scale = {"vmin": config.silence, "vmax": max(loudest, config.silence + 1)}
    seconds_per_frame = config.hop_length / config.sample_rate
    for axes, (name, mel) in zip(panels, arrays.items(), strict=True):
        image = show_over_time(axes, mel, seconds_per_frame, **scale)
        headline(axes, name, f"{mel.shape[1]} frames")
        label_bands(axes, config)
    panels[-1].set_xlim(0, max(mel.shape[1] for mel in arrays.values()) * seconds_per_frame)
    panels[-1].set_xlabel("time (s)")
    figure.colorbar(image, ax=list(panels), label="log magnitude (ln)", pad=0.01, aspect=40)
    return figure


def alignment_figure(alignment: Any, title: str, symbols: Sequence[str] | None = None) -> Figure:
    """Draw which symbols the decoder attended to in each frame.

    The colours always stand for weights from 0 to 1. On a scale that ends at the largest weight,
    the nearly equal weights of an untrained network would look like structure.

    Args:
        alignment: ``(T_mel, T_text)`` attention weights; those of a frame sum to 1.
        title: headline of the picture.
        symbols: the ``T_text`` symbols, written along the axis where they fit.
    """
    weights = to_array(alignment)
    # Each symbol needs an eighth of an inch, so that a long text gets a taller picture
    figure = new_figure(10, min(max(5.0, 1 + weights.shape[1] / 8), 16.0), title)
    axes = figure.subplots()
    image = axes.imshow(weights.T, origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=1)
    axes.set_xlabel("decoder step (mel frame)")
    axes.set_ylabel("input symbol")
    if symbols is not None and len(symbols) <= _MAX_LABELS:
        axes.set_yticks(range(len(symbols)), symbol_labels(symbols), fontsize=7, parse_math=False)
    figure.colorbar(image, ax=axes, label="attention weight", pad=0.01, aspect=40)
    return figure


def gate_figure(gate: Any, target_frames: int | None, title: str) -> Figure:
    """Draw the stop probability (the gate) of every frame.

    Args:
        gate: ``(T_mel,)`` probabilities.
        target_frames: length of the recording, if there is one; a line marks its last frame.
        title: headline of the picture.
    """
    probability = to_array(gate)
    figure = new_figure(10, 3, title)
    axes = figure.subplots()
    axes.plot(probability, color=LINE, linewidth=1.4, label="stop probability")
    axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle="--", label="threshold 0.5")
    if target_frames is not None:
        last = target_frames - 1
        axes.axvline(last, color=ACCENT, linewidth=1.2, label=f"recording ends, frame {last}")
    axes.set(xlabel="decoder step (mel frame)", ylabel="probability", ylim=(-0.03, 1.03))
    axes.margins(x=0.01)
    axes.legend(loc="upper left", frameon=False)
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a picture as PNG, atomically.

    Raises:
        InputError: the name does not end in .png, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: pictures are written as PNG; end the name in .png")
    encoded = io.BytesIO()
    figure.savefig(encoded, format="png")
    with atomic_writer(path) as file:
        file.write(encoded.getbuffer())


def figure_to_image(figure: Figure) -> NDArray[np.uint8]:
    """Draw a picture into an array ``(height, width, 3)`` of red, green and blue."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[..., :3].copy()


def new_figure(width: float, height: float, title: str, gap: float = 0.05) -> Figure:
    """Return an empty picture with a headline.

    Args:
        width: width of the picture, inches.
        height: height of the picture, inches.
        title: the headline.
        gap: space between panels, inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(h_pad=gap, w_pad=0.05)
    figure = Figure(figsize=(width, height), dpi=110, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(
        drawable(title), x=0.01, ha="left", fontsize=13, weight="bold", color=INK, parse_math=False
    )
    return figure


def headline(axes: Axes, name: str, explanation: str) -> None:
    """Write the name of a panel above it, followed by an explanation in grey."""
    title = axes.set_title(f"{name}  ", loc="left", fontsize=10.5, weight="bold", color=INK)
    title.set_parse_math(False)
    axes.annotate(
        explanation,
        xy=(1, 0),
        xycoords=title,
        va="bottom",
        fontsize=9,
        color=MUTED,
        annotation_clip=False,
        parse_math=False,
    )


def show_over_time(
    axes: Axes,
    values: NDArray[Any],
    seconds_per_frame: float,
    top: float | None = None,
    **style: Any,
) -> AxesImage:
    """Draw values as colours over time.

    Args:
        axes: the panel.
        values: ``(rows, T_mel)``.
        seconds_per_frame: time from one frame to the next.
        top: value of the vertical axis at the upper edge; the default is the number of rows.
        **style: further arguments of ``imshow``.

    Returns:
        The image, for a colour bar.
    """
    rows, frames = values.shape
    # Frame i is centred on i * hop, so that the first frame begins half a hop before zero
    extent = (-0.5 * seconds_per_frame, (frames - 0.5) * seconds_per_frame, 0, top or rows)
    style = {"origin": "lower", "aspect": "auto", "cmap": "magma", "extent": extent, **style}
    return axes.imshow(values, **style)


def label_bands(axes: Axes, config: MelConfig) -> None:
    """Label the rows of a mel spectrogram in Hz."""
    marks = [hertz for hertz in _MEL_TICKS if config.f_min < hertz < config.f_max]
    bands = np.interp(marks, band_edges(config)[1:-1], np.arange(config.n_mels) + 0.5)
    axes.set_yticks(bands, [str(hertz) for hertz in marks])
    axes.set_ylabel("frequency (Hz)")


def symbol_labels(symbols: Sequence[str]) -> list[str]:
    """Return symbols as axis labels: spaces become visible, phones lose their prefix."""
    return ["␣" if symbol == " " else drawable(without_prefix(symbol)) or "∅" for symbol in symbols]


def drawable(text: str) -> str:
    """Return a text that the font of pictures can draw.

    Hangul is written in Latin letters if the font lacks it, and every other character that it lacks
    is an empty box.
    """
    known = _characters_of_font()
    return "".join(c if c == "\n" or ord(c) in known else _substitute(c) for c in text)


def _substitute(char: str) -> str:
    latin = in_latin(char)
    return "□" if latin is None else latin


@cache
def _characters_of_font() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties())).get_charmap())


def to_array(values: Any) -> NDArray[np.float32]:
    """Convert a numpy array or a torch tensor of any device to a float32 array."""
    if hasattr(values, "detach"):
        values = values.detach().float().cpu()
    return np.asarray(values, dtype=np.float32)
