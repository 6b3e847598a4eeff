"""Judges a synthesizer by its own reports: how it stopped, its alignment, and its speed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tts.evaluation.clips import Clip
from tts.evaluation.measures.measure import Figure, FigureValues, PerClip, Scores


class Alignment(PerClip):
    """Measures whether the attention followed the text, and whether the gate ended the speech."""

    name = "alignment"
    figures = (
        Figure("healthy", "healthy", ".0%", "higher", "ended by the gate, alignment follows text"),
        Figure("by_gate", "gate", ".0%", "higher", "utterances that the gate ended"),
    )

    def load(self) -> None:
        """Do nothing, because this measure needs no model."""

    def row(self, clip: Clip) -> FigureValues:
        """Judge one clip; return no figures if no synthesizer made it."""
        if clip.speech is None:
            return {}
        by_gate = clip.speech.stop_reason == "gate"
        healthy = by_gate and clip.speech.health.follows_text
        return {"healthy": float(healthy), "by_gate": float(by_gate)}


class Speed:
    """Measures the computing time for one second of speech, over all clips together."""

    name = "speed"
    figures = (Figure("rtf", "RTF", ".3f", "lower", "time to compute over time to play"),)

    def load(self) -> None:
        """Do nothing, because this measure needs no model."""

    def __call__(self, clips: Sequence[Clip], tick: Callable[[], None]) -> Scores:
        """Divide the computing time of each clip, and of all clips, by their duration."""
        rows: list[FigureValues] = []
        computed = played = 0.0
        for clip in clips:
            rows.append({})
            if clip.compute_seconds is not None:
                rows[-1]["rtf"] = clip.compute_seconds / clip.sound.seconds
                computed += clip.compute_seconds
                played += clip.sound.seconds
            tick()
        return Scores(rows, {"rtf": computed / played} if played else {})
