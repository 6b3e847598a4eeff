"""Defines what a measure is: it gives figures to each clip, and to a system as a whole."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

import numpy as np

from tts.core.errors import InputError
from tts.evaluation.clips import Clip

#: The figures of one clip or one system, by key.
FigureValues = dict[str, float]


@dataclass(frozen=True)
class Figure:
    """Describes a column of the table.

    Attributes:
        key: its name in the rows and in JSON.
        heading: its heading in the table.
        form: how ``format`` writes the number.
        better: ``"higher"``, ``"lower"``, or ``""`` if neither is better.
        meaning: an explanation in one line, with the unit.
    """

    key: str
    heading: str
    form: str
    better: str
    meaning: str


@dataclass(frozen=True)
class Scores:
    """Holds the figures that a measure gave to one system.

    Attributes:
        rows: figures of each clip, in the order of the clips; a clip may lack some.
        summary: figures of the system, without those that no clip has.
        transcripts: what a recogniser understood of each clip; empty if the measure uses none.
    """

    rows: list[FigureValues]
    summary: FigureValues
    transcripts: tuple[str, ...] = ()


class Measure(Protocol):
    """Judges the clips of one system after the other."""

    @property
    def name(self) -> str:
        """Return its name in the configuration."""
        ...

    @property
    def figures(self) -> Sequence[Figure]:
        """Return the figures that it gives."""
        ...

    def load(self) -> None:
        """Load the model of the measure, if it has one.

        Raises:
            InputError: a package is not installed; the message has the line that installs it.
        """
        ...

    def __call__(self, clips: Sequence[Clip], tick: Callable[[], None]) -> Scores:
        """Judge the clips of a system; call ``tick`` after each of them."""
        ...


class PerClip:
    """Judges each clip by itself, and gives a system the mean of its clips."""

    def row(self, clip: Clip) -> FigureValues:
        """Return the figures of one clip, without those for which it lacks the data."""
        raise NotImplementedError

    def __call__(self, clips: Sequence[Clip], tick: Callable[[], None]) -> Scores:
        """Judge each clip, and return the means as the summary."""
        rows = []
        for clip in clips:
            rows.append(self.row(clip))
            tick()
        return Scores(rows, mean_figures(rows))


def mean_figures(rows: Iterable[FigureValues]) -> FigureValues:
    """Return the mean of each figure over the clips that have it."""
    values: dict[str, list[float]] = {}
    for row in rows:
        for key, value in row.items():
            values.setdefault(key, []).append(value)
    return {key: float(np.mean(figures)) for key, figures in values.items()}


def import_optional(module: str, install: str, without: Sequence[str] = ()) -> ModuleType:
    """Import a package that only one measure needs.

    Args:
        module: the module to import.
        install: the line that installs its package.
        without: modules that the package imports, but that no function in use here needs. Where
            one is missing or broken, the package gets an empty module in its place.

    Raises:
        InputError: the package is not installed.
    """
    try:
        with _empty_modules(without):
            return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or module
        raise InputError(f"{missing} is not installed: {install}") from None


@contextmanager
def _empty_modules(names: Sequence[str]) -> Iterator[None]:
    """Replace, for the time of an import, each module that cannot be imported by an empty one."""
    added = []
    for name in names:
        try:
            importlib.import_module(name)
        except (ImportError, OSError):
            sys.modules[name] = ModuleType(name)
            added.append(name)
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]
