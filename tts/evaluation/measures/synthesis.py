"""What a synthesizer tells of its own speech: how it ended, whether it read on, how fast it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tts.evaluation.clips import Clip
from tts.evaluation.measures.measure import Figure, FigureValues, PerClip, Scores


class Alignment(PerClip):
    """Whether the attention followed the text and the gate ended it."""

    name = "alignment"
    figures = (
        Figure("healthy", "healthy", ".0%", "higher", "ended by the gate, alignment follows text"),
        Figure("by_gate", "gate", ".0%", "higher", "utterances that the gate ended"),
    )

    def load(self) -> None:
        """Nothing to get ready."""

    def row(self, clip: Clip) -> FigureValues:
        """Judge one clip that a synthesizer made."""
        if clip.speech is None:
            return {}
        by_gate = clip.speech.stop_reason == "gate"
        healthy = by_gate and clip.speech.health.follows_text
        return {"healthy": float(healthy), "by_gate": float(by_gate)}


class Speed:
    """Seconds of computing for a second of speech, all clips together."""

    name = "speed"
    figures = (Figure("rtf", "RTF", ".3f", "lower", "time to compute over time to play"),)

    def load(self) -> None:
        """Nothing to get ready."""

    def __call__(self, clips: Sequence[Clip], tick: Callable[[], None]) -> Scores:
        """Sum up."""
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
