"""Reports what a preparation found and did, as a table for the terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tts.core.errors import EXIT_INTERRUPTED
from tts.core.files import atomic_writer
from tts.core.output import console, print_error

if TYPE_CHECKING:
    from rich.table import Table

    from tts.data.features.prepared import Prepared

REPORT = "report.json"
# The table names as many faults at most; the file has all of them.
_MOST_FAULTS = 20


@dataclass
class PreparationReport:
    """Holds what a preparation found and did.

    Attributes:
        corpus: name of the corpus.
        folder: where it was prepared.
        left_out: what cannot be trained on: file, line and fault.
        utterances: number of utterances that can be trained on, by part.
        hours: duration of the sound that training reads.
        n_computed: number of recordings whose features were computed.
        n_reused: number of recordings whose features were all there.
        computed_hours: duration of the recordings whose features were computed.
        resampled: number of recordings at another rate than that of the mel contract, by rate.
        trimmed_seconds: duration of the silence that was cut, in all.
        megabytes: size on disk.
        seconds: duration of the preparation.
        cores: number of threads that worked.
    """

    corpus: str
    folder: str
    left_out: list[str] = field(default_factory=list)
    utterances: dict[str, int] = field(default_factory=dict)
    hours: float = 0.0
    n_computed: int = 0
    n_reused: int = 0
    computed_hours: float = 0.0
    resampled: dict[int, int] = field(default_factory=dict)
    trimmed_seconds: float = 0.0
    megabytes: float = 0.0
    seconds: float = 0.0
    cores: int = 1

    @property
    def speed(self) -> float:
        """Return how many times faster than real time the new recordings were processed."""
        return 3600 * self.computed_hours / max(self.seconds, 1e-9)

    def count(self, was_computed: bool, seconds: float) -> None:
        """Count a recording of some seconds that was read."""
        if was_computed:
            self.n_computed += 1
            self.computed_hours += seconds / 3600
        else:
            self.n_reused += 1

    def describe(self, prepared: Prepared) -> None:
        """Fill in what is known when the corpus is prepared."""
        rows = prepared.table.rows
        self.utterances = {part: len(prepared.part(part)) for part in ("train", "val", "test")}
        counts = zip(*np.unique(rows["rate"], return_counts=True), strict=True)
        self.resampled = {int(r): int(n) for r, n in counts if r != prepared.rate}
        seconds = rows["samples"].sum() / prepared.rate
        self.hours = float(seconds / 3600)
        if prepared.contract.processing.trim_db is not None:
            self.trimmed_seconds = float((rows["recorded"] / rows["rate"]).sum() - seconds)
        files = (path for path in prepared.folder.rglob("*") if path.is_file())
        self.megabytes = sum(path.stat().st_size for path in files) / 1e6

    def save(self, folder: Path) -> None:
        """Write ``report.json``."""
        with atomic_writer(folder / REPORT) as file:
            text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
            file.write(f"{text}\n".encode())

    def table(self) -> Table:
        """Return the report as a table for the terminal."""
        from rich.table import Table

        table = Table(title=self.corpus, show_header=False, title_justify="left")
        for name, value in self._lines():
            table.add_row(name, value)
        return table

    def _lines(self) -> Iterator[tuple[str, str]]:
        parts = ", ".join(f"{count} {part}" for part, count in self.utterances.items())
        yield "utterances", f"{sum(self.utterances.values())} ({parts})"
        yield "hours", f"{self.hours:.2f}"
        yield "left out", str(len(self.left_out))
        if self.resampled:
            yield "resampled", self.resampling()
        if self.trimmed_seconds:
            change = "cut" if self.trimmed_seconds > 0 else "added"
            yield f"silence {change}", f"{abs(self.trimmed_seconds):.1f} s"
        yield "computed", str(self.n_computed)
        yield "as before", str(self.n_reused)
        took = f"{self.seconds:.1f} s on {self.cores} core(s)"
        yield "took", f"{took}, {self.speed:.0f} x real time" if self.n_computed else took
        yield "folder", f"{self.folder}, {self.megabytes:.1f} MB"

    def resampling(self) -> str:
        """Return how many recordings are resampled: ``"3 of 4 recordings (3 at 16000 Hz)"``."""
        listed = ", ".join(f"{count} at {rate} Hz" for rate, count in self.resampled.items())
        n_all = sum(self.utterances.values())
        return f"{sum(self.resampled.values())} of {n_all} recordings ({listed})"

    def faults(self, reported: Sequence[str] = ()) -> list[str]:
        """Return the first of the faults that are not yet reported, and how many there are more."""
        new = [fault for fault in self.left_out if fault not in reported]
        more = [f"and {len(new) - _MOST_FAULTS} more"] if len(new) > _MOST_FAULTS else []
        return [*new[:_MOST_FAULTS], *more]

    def summary(self, reported: Sequence[str] = ()) -> str:
        """Return the same faults in one line for the log; "" if there are none."""
        if not (faults := self.faults(reported)):
            return ""
        n_left_out = len(self.left_out) - len(reported)
        n_all = sum(self.utterances.values()) + n_left_out
        return f"left out, {n_left_out} of {n_all} that cannot be read: {'; '.join(faults)}"


class CorpusReport(Protocol):
    """Describes the reports that :func:`print_report_of` prints."""

    left_out: list[str]

    def faults(self) -> list[str]:
        """Return the lines about what was left out."""

    def table(self) -> Table:
        """Return the report as a table for the terminal."""


def print_report_of(job: Callable[[], CorpusReport]) -> int:
    """Do a job that can be interrupted and resumed, print its report, and return the exit status.

    Returns:
        0, 1 if something was left out, ``EXIT_INTERRUPTED`` if the user has stopped it.
    """
    try:
        report = job()
    except KeyboardInterrupt:
        print_error("interrupted; the same command resumes from here")
        return EXIT_INTERRUPTED
    terminal = console(highlight=False)
    terminal.print(report.table())
    for fault in report.faults():
        terminal.print(fault, style="red", markup=False, soft_wrap=True)
    return 1 if report.left_out else 0
