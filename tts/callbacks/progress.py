"""Shows the progress of a run: a bar in a terminal, and now and then a line in a log file."""

from __future__ import annotations

import sys
import time

import pytorch_lightning as pl

from tts.callbacks.rich_progress import RichProgress
from tts.callbacks.run_progress import RunProgress, format_duration
from tts.core.output import print_line


def progress_bar(every_seconds: float = 30.0) -> RunProgress:
    """Return a bar if standard output is a terminal, else a writer of lines.

    Args:
        every_seconds: seconds between two lines.
    """
    return RichProgress() if sys.stdout.isatty() else LineProgress(every_seconds)


class LineProgress(RunProgress):
    """Writes a line every ``every_seconds``, one after each validation and one at the end."""

    def __init__(self, every_seconds: float = 30.0) -> None:
        super().__init__(every_seconds)

    def draw(self, trainer: pl.Trainer) -> None:
        """Write a line with the epoch and the facts."""
        self._write(self.place(), left=True)

    def close(self, trainer: pl.Trainer) -> None:
        """Write a line with the duration of the run and the facts."""
        self._write(f"ended after {format_duration(time.monotonic() - self._start)}")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write a line with the duration of the validation and its metrics."""
        super().on_validation_end(trainer, pl_module)
        if self._enabled and not trainer.sanity_checking and trainer.state.fn == "fit":
            self._write(f"validated in {format_duration(self._validated_in)}")

    def _write(self, head: str, left: bool = False) -> None:
        print_line("  ".join([head, *self.facts(left)]))
