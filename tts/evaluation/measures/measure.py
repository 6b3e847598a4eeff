"""What a measure is: figures of each clip, and of a system as a whole."""

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

#: Figures of one clip, by key.
FigureValues = dict[str, float]


@dataclass(frozen=True)
class Figure:
    """A column of the table.

    Attributes:
        key: in the rows and in JSON.
        heading: in the table.
        form: of the number, for ``format``.
        better: ``"higher"``, ``"lower"``, or ``""`` for neither.
        meaning: one line of explanation, with the unit.
    """

    key: str
    heading: str
    form: str
    better: str
    meaning: str


@dataclass(frozen=True)
class Scores:
    """What a measure found in the clips of one system.

    Attributes:
        rows: figures of each clip, in the clips' order; a clip may lack some.
        summary: of all of them; what no clip has is not in it.
        heard: what was understood of each clip; empty if the measure does not listen to words.
    """

    rows: list[FigureValues]
    summary: FigureValues
    heard: tuple[str, ...] = ()


class Measure(Protocol):
    """Judges the clips of one system at a time."""

    @property
    def name(self) -> str:
        """As in the configuration."""
        ...

    @property
    def figures(self) -> Sequence[Figure]:
        """What it finds."""
        ...

    def load(self) -> None:
        """Get ready.

        Raises:
            InputError: something is not installed, with the line that installs it.
        """
        ...

    def __call__(self, clips: Sequence[Clip], tick: Callable[[], None]) -> Scores:
        """Judge; ``tick`` is called after each clip."""
        ...


class PerClip:
    """A measure that looks at each clip alone; a system has the mean of its clips."""

    def row(self, clip: Clip) -> FigureValues:
        """Figures of one clip; none if it does not have what is needed."""
        raise NotImplementedError

    def __call__(self, clips: Sequence[Clip], tick: Callable[[], None]) -> Scores:
        """Judge each, and take means."""
        rows = []
        for clip in clips:
            rows.append(self.row(clip))
            tick()
        return Scores(rows, mean_figures(rows))


def mean_figures(rows: Iterable[FigureValues]) -> FigureValues:
    """Means of the figures, each over the clips that have it."""
    values: dict[str, list[float]] = {}
    for row in rows:
        for key, value in row.items():
            values.setdefault(key, []).append(value)
    return {key: float(np.mean(found)) for key, found in values.items()}


def import_optional(module: str, install: str, without: Sequence[str] = ()) -> ModuleType:
    """Import a package that only this measure needs.

    Args:
        module: its name.
        install: the line that installs it.
        without: modules that it imports and that nothing here uses of it; where they are missing
            or broken, it gets empty ones in their place.

    Raises:
        InputError: it is not installed.
    """
    try:
        with _stand_ins(without):
            return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or module
        raise InputError(f"{missing} is not installed: {install}") from None


@contextmanager
def _stand_ins(names: Sequence[str]) -> Iterator[None]:
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
