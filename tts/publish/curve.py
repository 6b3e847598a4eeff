"""Draws the loss of a training for the card of its voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tts.audio.plots.figures import ACCENT, LINE, MUTED, new_figure
from tts.publish.sources import PublishedNetwork

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = (("train/loss", MUTED, 0.8), ("val/loss", LINE, 1.6))


def curve_figure(network: PublishedNetwork) -> Figure | None:
    """Draw the losses of training and validation over the steps; None if the run has noted none."""
    shown = [line for line in _SHOWN if line[0] in network.curves]
    if not shown:
        return None
    figure = new_figure(9, 3.6, f"{network.network}: loss")
    axes = figure.subplots()
    for name, color, width in shown:
        steps, values = zip(*network.curves[name], strict=True)
        marker = "." if len(steps) < 30 else ""
        axes.plot(steps, values, color=color, linewidth=width, marker=marker, label=name)
    if network.step is not None:
        axes.axvline(network.step, color=ACCENT, linewidth=1, label="published")
    axes.set(xlabel="step", ylabel="loss")
    axes.margins(x=0.01)
    axes.legend(frameon=False)
    return figure
