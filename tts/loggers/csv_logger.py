"""Curves in ``metrics.csv``, of which nothing is lost.

Lightning's CSV logger keeps a hundred steps in memory, rewrites the file in place when a column
appears late, and deletes it when a run goes on in the same folder. Here every row is in the file as
soon as it is logged, a file with new columns replaces the old one in a single step, and a run that
goes on keeps what was logged before the step where it does.
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
    """Rows of scalars in ``metrics.csv``, hyper-parameters in ``hparams.yaml``.

    Takes the arguments of Lightning's logger; ``flush_logs_every_n_steps`` means nothing here.
    """

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The writer."""
        if self._experiment is None:
            self._experiment = CSVWriter(self.log_dir)  # type: ignore[assignment]
        return self._experiment

    @rank_zero_only
    def rewind(self, step: int) -> None:
        """Forget what was logged from ``step`` on: the run starts, or goes on, there."""
        self.experiment.rewind(step)


class CSVWriter:
    """The file; it may be there already, even with its last row cut off by a kill."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "metrics.csv"
        self.metrics: list[dict[str, float]] = []  # none is ever waiting; Lightning looks
        self._columns, _ = self._read()
        self._hparams: dict[str, Any] = {}

    def log_hparams(self, params: Mapping[str, Any]) -> None:
        """Write ``hparams.yaml``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._hparams.update(params)
        save_hparams_to_yaml(str(self.folder / "hparams.yaml"), self._hparams)

    def log_metrics(self, metrics: Mapping[str, Any], step: int) -> None:
        """Write a row."""
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
        """Nothing is waiting to be written."""

    def _read(self) -> tuple[list[str], list[dict[str, Any]]]:
        """Columns and whole rows of the file."""
        if not self.path.is_file():
            return [], []
        text = self.path.read_text()
        reader = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))
        rows = list(reader)
        return list(reader.fieldnames or ()), rows

    def _replace(self, columns: list[str], rows: list[dict[str, Any]]) -> None:
        """Write the file anew, whole or not at all."""
        first = [name for name in _FIRST if name in columns]
        self._columns = first + sorted(set(columns) - set(_FIRST))
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows(rows)
