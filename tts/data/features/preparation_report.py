"""``PreparationReport``: what a preparation found and did, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tts.core.files import atomic_writer

if TYPE_CHECKING:
    from rich.table import Table

    from tts.data.features.prepared import Prepared

REPORT = "report.json"
# Faults that the table names; the file has all
_MOST = 20


@dataclass
class PreparationReport:
    """What a preparation found and did.

    Attributes:
        corpus: its name.
        folder: where it was prepared.
        left_out: what is wrong with what cannot be trained on, with file and line.
        utterances: how many can be, by part.
        hours: of sound that training sees.
        n_computed: recordings that something was computed of.
        n_reused: recordings of which everything was there.
        computed_hours: of recordings that something was computed of.
        resampled: recordings at other rates than that of the mel contract, by rate.
        trimmed_seconds: silence that was cut, in all.
        megabytes: on disk.
        seconds: that the preparation took.
        cores: threads that worked.
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
        """Times faster than the recordings that were worked on last."""
        return 3600 * self.computed_hours / max(self.seconds, 1e-9)

    def count(self, was_computed: bool, seconds: float) -> None:
        """Count a recording that was read."""
        if was_computed:
            self.n_computed += 1
            self.computed_hours += seconds / 3600
        else:
            self.n_reused += 1

    def describe(self, prepared: Prepared) -> None:
        """Take over what is known when it is done."""
        rows = prepared.table.rows
        self.utterances = {part: len(prepared.part(part)) for part in ("train", "val", "test")}
        counts = zip(*np.unique(rows["rate"], return_counts=True), strict=True)
        self.resampled = {int(r): int(n) for r, n in counts if r != prepared.rate}
        heard = rows["samples"].sum() / prepared.rate
        self.hours = float(heard / 3600)
        if prepared.contract.processing.trim_db is not None:
            self.trimmed_seconds = float((rows["recorded"] / rows["rate"]).sum() - heard)
        files = (path for path in prepared.folder.rglob("*") if path.is_file())
        self.megabytes = sum(path.stat().st_size for path in files) / 1e6

    def save(self, folder: Path) -> None:
        """Write ``report.json``."""
        with atomic_writer(folder / REPORT) as file:
            text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
            file.write(f"{text}\n".encode())

    def table(self) -> Table:
        """The same, to be looked at."""
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
            what = "cut" if self.trimmed_seconds > 0 else "added"
            yield f"silence {what}", f"{abs(self.trimmed_seconds):.1f} s"
        yield "computed", str(self.n_computed)
        yield "as before", str(self.n_reused)
        yield "took", self._took()
        yield "folder", f"{self.folder}, {self.megabytes:.1f} MB"

    def _took(self) -> str:
        took = f"{self.seconds:.1f} s on {self.cores} core(s)"
        return f"{took}, {self.speed:.0f} x real time" if self.n_computed else took

    def resampling(self) -> str:
        """``"3 of 4 recordings (3 at 16000 Hz)"``."""
        listed = ", ".join(f"{count} at {rate} Hz" for rate, count in self.resampled.items())
        n_all = sum(self.utterances.values())
        return f"{sum(self.resampled.values())} of {n_all} recordings ({listed})"

    def faults(self, said: Sequence[str] = ()) -> list[str]:
        """What was left out, the first of many in full, without what has been said already."""
        new = [fault for fault in self.left_out if fault not in said]
        more = [f"and {len(new) - _MOST} more"] if len(new) > _MOST else []
        return [*new[:_MOST], *more]

    def summary(self, said: Sequence[str] = ()) -> str:
        """The same in one line for the log; "" if nothing was."""
        if not (faults := self.faults(said)):
            return ""
        n_left_out = len(self.left_out) - len(said)
        n_all = sum(self.utterances.values()) + n_left_out
        return f"left out, {n_left_out} of {n_all} that cannot be read: {'; '.join(faults)}"
