"""Writes curves to ``metrics.csv`` without losing a row.

Lightning's CSV logger keeps a hundred steps in memory, rewrites the file in place when a new column
appears, and deletes the file when a run resumes in the same folder. Here every row is in the file
as soon as it is logged, a file with new columns replaces the old one in a single step, and a
resumed run keeps the rows before the step where it resumes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_fabric.loggers.logger import rank_zero_experiment
from pytorch_lightning.core.saving import save_hparams_to_yaml
from pytorch_lightning.loggers import CSVLogger as LightningCSVLogger
from pytorch_lightning.utilities import rank_zero_only

from tts.core.files import replacing

_FIRST = ("step", "epoch")


class CSVLogger(LightningCSVLogger):
    """Writes rows of scalars to ``metrics.csv`` and hyper-parameters to ``hparams.yaml``.

    It takes the arguments of Lightning's logger, and ignores ``flush_logs_every_n_steps``.
    """

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """Return the writer of the files."""
        if self._experiment is None:
            self._experiment = CSVWriter(self.log_dir)  # type: ignore[assignment]
        return self._experiment

    @rank_zero_only
    def rewind(self, step: int) -> None:
        """Remove the rows from ``step`` on: the run starts, or resumes, there."""
        self.experiment.rewind(step)


class CSVWriter:
    """Writes the files; ``metrics.csv`` may already exist, with its last row cut off by a kill."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "metrics.csv"
        self.metrics: list[dict[str, float]] = []  # always empty, but Lightning reads it
        self._columns, _ = self._read()
        self._hparams: dict[str, Any] = {}

    def log_hparams(self, params: Mapping[str, Any]) -> None:
        """Write ``hparams.yaml``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._hparams.update(params)
        save_hparams_to_yaml(str(self.folder / "hparams.yaml"), self._hparams)

    def log_metrics(self, metrics: Mapping[str, Any], step: int) -> None:
        """Write one row."""
        row: dict[str, Any] = {name: float(value) for name, value in metrics.items()}
        row["step"] = step
        if "epoch" in row:
            row["epoch"] = int(row["epoch"])
        if new := row.keys() - set(self._columns):
            _, rows = self._read()
            self._replace([*self._columns, *new], [*rows, row])
        else:
            with self.path.open("a", newline="") as file:
                csv.DictWriter(file, self._columns).writerow(row)

    def rewind(self, step: int) -> None:
        """Keep the rows of earlier steps only."""
        columns, rows = self._read()
        if rows:
            self._replace(columns, [row for row in rows if int(row["step"]) < step])

    def save(self) -> None:
        """Do nothing: all rows are already in the file."""

    def _read(self) -> tuple[list[str], list[dict[str, Any]]]:
        """Return the columns and the complete rows of the file."""
        if not self.path.is_file():
            return [], []
        text = self.path.read_text()
        reader = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))
        rows = list(reader)
        return list(reader.fieldnames or ()), rows

    def _replace(self, columns: list[str], rows: list[dict[str, Any]]) -> None:
        """Replace the whole file in a single step."""
        first = [name for name in _FIRST if name in columns]
        self._columns = first + sorted(set(columns) - set(_FIRST))
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows(rows)
