"""Keeps ``summary.csv`` of a folder of durations: one line for each recording.

While a command computes, it appends a line after the files of a recording. So the lines tell the
next command what a killed one has finished. At the end the file is written in the order of the
corpus.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tts.core.errors import InputError, listed
from tts.core.files import atomic_writer, no_follow

SUMMARY = "summary.csv"


class DurationRow(NamedTuple):
    """Describes the durations of one recording.

    Attributes:
        id: its name in the corpus.
        frames: number of its frames.
        symbols: number of its symbols.
        disagreement: share of the frames in which the attention is strongest at another symbol than
            that of the monotonic path.
        attention: mean weight of the attention on the path.
        problem: what is wrong with the alignment; "" if nothing is.
        key: tells whether the recording, its text or the acoustic model has changed.
    """

    id: str
    frames: int
    symbols: int
    disagreement: float
    attention: float
    problem: str
    key: str


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds anything else than durations.

    Raises:
        InputError: it does, or cannot be read.
    """
    if not folder.exists() or (folder / SUMMARY).is_file():
        return
    if not folder.is_dir():
        raise InputError(f"durations={folder}: a file; name a folder")
    if any(not path.name.startswith(".") for path in folder.iterdir()):
        raise InputError(f"durations={folder}: holds other files; name a new or an empty folder")


def read_summary(folder: Path, names: Iterable[str]) -> dict[str, DurationRow]:
    """Return the rows of a folder's recordings by name; a line that was cut off is ignored.

    Args:
        folder: the folder of the durations.
        names: the names of the corpus.

    Raises:
        InputError: the file cannot be read, or has a recording that the corpus does not have.
    """
    path = folder / SUMMARY
    if not path.is_file():
        return {}
    try:
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        rows = [_row(line) for line in lines[1:] if len(line) == len(DurationRow._fields)]
    except (ValueError, csv.Error, OSError):
        raise InputError(
            f"{path}: damaged; delete it, and the durations are computed again"
        ) from None
    if others := sorted({row.id for row in rows} - set(names)):
        raise InputError(
            f"durations={folder}: holds recordings that this corpus does not have "
            f"({listed(others, 3)}); name another folder, or delete this one"
        )
    return {row.id: row for row in rows}


def write_summary(folder: Path, rows: Iterable[DurationRow]) -> None:
    """Write the whole file."""
    with atomic_writer(folder / SUMMARY) as file:
        file.write((_line(DurationRow._fields) + "".join(map(_line, rows))).encode())


def append_rows(folder: Path, rows: Iterable[DurationRow]) -> None:
    """Add the lines of some recordings, whose files are complete."""
    with open(folder / SUMMARY, "ab", opener=no_follow) as file:
        file.write("".join(map(_line, rows)).encode())


def problems(rows: Mapping[str, DurationRow]) -> Sequence[str]:
    """Return the names of the recordings whose alignment is bad."""
    return [name for name, row in rows.items() if row.problem]


def _row(line: Sequence[str]) -> DurationRow:
    name, frames, symbols, disagreement, attention, problem, key = line
    numbers = int(frames), int(symbols), float(disagreement), float(attention)
    return DurationRow(name, *numbers, problem, key)


def _line(row: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()
