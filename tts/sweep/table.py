"""Sums up the trials of a sweep in a table, best first, in ``results.csv`` and ``results.json``."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tts.core.errors import shortened
from tts.core.output import console, print_line
from tts.sweep.trial_record import TrialRecord, TrialState, write_text

#: Order of the states in the table.
_ORDER = (
    TrialState.COMPLETE,
    TrialState.PRUNED,
    TrialState.FAILED,
    TrialState.INTERRUPTED,
    TrialState.RUNNING,
)

#: Characters of a reason in the printed table; the files have all of it.
_REASON = 60


@dataclass
class SweepTable:
    """Collects the records of the trials of a sweep, and writes them as a table.

    Args:
        folder: folder of the sweep.
        monitor: name of the objective.
        mode: ``"min"`` or ``"max"``.
    """

    folder: Path
    monitor: str
    mode: str
    _records: dict[int, TrialRecord] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """Return the path of the table as CSV."""
        return self.folder / "results.csv"

    @property
    def records(self) -> list[TrialRecord]:
        """Return all trials: complete ones, best first, then pruned, failed, interrupted ones."""
        sign = 1 if self.mode == "min" else -1

        def key(record: TrialRecord) -> tuple[int, float, int]:
            value = float("inf") if record.objective is None else sign * record.objective
            place = _ORDER.index(record.state) if record.state in _ORDER else len(_ORDER)
            return place, value, record.number

        return sorted(self._records.values(), key=key)

    @property
    def best(self) -> TrialRecord | None:
        """Return the best of the complete trials, or None."""
        first = next(iter(self.records), None)
        return first if first is not None and first.state is TrialState.COMPLETE else None

    def add(self, record: TrialRecord) -> None:
        """Add a trial, or replace its earlier record."""
        self._records[record.number] = record

    def save(self) -> None:
        """Write ``results.csv`` and ``results.json``."""
        head, rows = self._head(), [self._row(record) for record in self.records]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([head, *rows])
        write_text(self.file, text.getvalue())
        best = self.best
        summary = {
            "monitor": self.monitor,
            "mode": self.mode,
            "best": None if best is None else best.number,
            "trials": [record.to_dict() for record in self.records],
        }
        write_text(self.folder / "results.json", json.dumps(summary, indent=1) + "\n")

    def show(self) -> None:
        """Print the table, with lines around its cells if the output is a terminal."""
        if not self._records:
            return
        head = self._head()
        rows = [self._row(record, short=True) for record in self.records]
        if not any(row[-1] for row in rows):
            head, rows = head[:-1], [row[:-1] for row in rows]
        if sys.stdout.isatty():
            _print_ruled(head, rows)
        else:
            print_line("", *plain_table(head, rows).splitlines())
        print_line(*self._summary())

    def _summary(self) -> list[str]:
        lines = [f"{self.file}"]
        if (best := self.best) is not None:
            parameters = " ".join(f"{key}={value}" for key, value in best.parameters.items())
            lines.insert(0, f"best: trial {best.number}, {parameters}")
        return lines

    def _keys(self) -> list[str]:
        keys = [key for record in self._records.values() for key in record.parameters]
        return list(dict.fromkeys(keys))

    def _head(self) -> list[str]:
        return ["trial", *self._keys(), self.monitor, "state", "seconds", "folder", "reason"]

    def _row(self, record: TrialRecord, short: bool = False) -> list[str]:
        objective, folder = "", record.folder
        if record.objective is not None:
            objective = f"{record.objective:.5g}" if short else repr(record.objective)
        if short and Path(folder).parent == self.folder:
            folder = Path(folder).name
        values = [record.parameters.get(key, "") for key in self._keys()]
        if short:
            values = [_short(value) for value in values]
        reason = shortened(record.reason, _REASON) if short else record.reason
        state, seconds = record.state.value, f"{record.seconds:.1f}"
        return [str(record.number), *values, objective, state, seconds, folder, reason]


def plain_table(head: list[str], rows: list[list[str]]) -> str:
    """Format rows as columns of text, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]
    return "\n".join(lines) + "\n"


def _print_ruled(head: list[str], rows: list[list[str]]) -> None:
    from rich.table import Table

    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    console().print(table)


def _short(value: str) -> str:
    """Round a long number to five digits; the files have all of them."""
    try:
        number = float(value)
    except ValueError:
        return value
    return value if len(value) <= 8 else f"{number:.5g}"
