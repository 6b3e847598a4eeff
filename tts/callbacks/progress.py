"""Shows the progress of a run: a bar in a terminal, and now and then a line in a log file."""

from __future__ import annotations

import math
import sys
import time
from contextlib import AbstractContextManager
from typing import Any

import pytorch_lightning as pl

from tts.callbacks.rich_progress import RichProgress
from tts.callbacks.run_progress import RunProgress, format_duration
from tts.core.output import print_line
from tts.core.progress import announced


def progress_bar(every_seconds: float = 30.0) -> RunProgress:
    """Return a bar if standard output is a terminal, else a writer of lines.

    Args:
        every_seconds: seconds between two lines.
    """
    return RichProgress() if sys.stdout.isatty() else LineProgress(every_seconds)


def fit_announced(trainer: pl.Trainer, *arguments: Any, **options: Any) -> None:
    """Call the trainer's ``fit``; say in lines that it goes on if no callback shows progress."""
    with announced("training", after=math.inf if trainer.progress_bar_callback else None):
        trainer.fit(*arguments, **options)


class LineProgress(RunProgress):
    """Writes a line every ``every_seconds``, one after each validation and one at the end.

    What comes before the first of them and takes more than a second is named on standard error.
    """

    def __init__(self, every_seconds: float = 30.0) -> None:
        super().__init__(every_seconds)
        self._activities: list[AbstractContextManager[None]] = []

    def on_sanity_check_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Name the sanity check, in which kernels may be compiled."""
        self.begin("sanity check", after=None)

    def on_sanity_check_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop naming it."""
        self.end()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Name the first step, which may take long."""
        super().on_train_start(trainer, pl_module)
        self.begin("first step", after=None)

    def begin(self, activity: str, after: float | None = math.inf) -> None:
        """Name an activity if it lasts longer than the time between two lines."""
        if self._enabled:
            after = self.every_seconds if after == math.inf else after
            self._activities.append(announced(activity, after))
            self._activities[-1].__enter__()

    def end(self) -> None:
        """Stop naming the activity that began last."""
        if self._activities:
            self._activities.pop().__exit__(None, None, None)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Stop naming activities."""
        self._end_all()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Stop naming activities."""
        self._end_all()

    def _end_all(self) -> None:
        while self._activities:
            self.end()

    def draw(self, trainer: pl.Trainer) -> None:
        """Write a line with the epoch and the facts."""
        self._end_all()
        self._write(self.place(), left=True)

    def close(self, trainer: pl.Trainer) -> None:
        """Write a line with the duration of the run and the facts."""
        self._write(f"ended after {format_duration(time.monotonic() - self._start)}")

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Name the validation if it takes long; the sanity check has its name already."""
        super().on_validation_start(trainer, pl_module)
        if not trainer.sanity_checking:
            self.begin("validation")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write a line with the duration of the validation and its metrics."""
        super().on_validation_end(trainer, pl_module)
        if not trainer.sanity_checking:
            self.end()
        if self._enabled and not trainer.sanity_checking and trainer.state.fn == "fit":
            self._write(f"validated in {format_duration(self._validated_in)}")

    def _write(self, head: str, left: bool = False) -> None:
        print_line("  ".join([head, *self.facts(left)]))
