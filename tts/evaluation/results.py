"""Holds the results of an evaluation, which the report and the page show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tts.evaluation.clips import Clip
from tts.evaluation.measures import Figure, FigureValues, Measure


@dataclass
class JudgedSystem:
    """Holds the clips and the figures of one system.

    Attributes:
        name: name of the system.
        clips: the sentences that it spoke.
        rows: the figures of each clip, from all measures.
        summary: the figures of the system.
        transcripts: what a recogniser understood of each clip; empty if no recogniser was used.
    """

    name: str
    clips: list[Clip]
    rows: list[FigureValues]
    summary: FigureValues = field(default_factory=dict)
    transcripts: tuple[str, ...] = ()

    def cells(self, figures: Sequence[Figure]) -> list[str]:
        """Return the figures of the system as text; ``-`` stands for a figure that it lacks."""
        return [
            format(self.summary[f.key], f.form) if f.key in self.summary else "-" for f in figures
        ]


@dataclass
class Evaluation:
    """Holds the results of all systems, and what was skipped.

    Attributes:
        measures: the measures that judged.
        systems: the judged systems, in the order of the table.
        skipped: the reason why a system or a measure was skipped, by name.
    """

    measures: list[Measure]
    systems: list[JudgedSystem] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def figures(self) -> list[Figure]:
        """Return the figures that at least one system has."""
        figures = [figure for measure in self.measures for figure in measure.figures]
        return [f for f in figures if any(f.key in system.summary for system in self.systems)]

    @property
    def notes(self) -> list[str]:
        """Return lines that explain the columns and say what was skipped."""
        lines = [f"{figure.heading}: {figure.meaning}" for figure in self.figures]
        return lines + [f"skipped {name}: {reason}" for name, reason in self.skipped.items()]
