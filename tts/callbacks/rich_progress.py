"""Draws the progress of a run in a terminal: a bar for the run, and one for what it does now."""

from __future__ import annotations

import logging
import math
import sys
import time
from typing import Any, TypeAlias

import pytorch_lightning as pl
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from tts.callbacks.run_progress import RunProgress, format_duration
from tts.core.output import console

LogHandler: TypeAlias = "logging.StreamHandler[Any]"


class RichProgress(RunProgress):
    """Draws a bar for the run and, below it, one for an activity between two steps."""

    def __init__(self, every_seconds: float = 0.2) -> None:
        super().__init__(every_seconds)
        self._progress: Progress | None = None
        self._run: TaskID | None = None
        self._inner: list[TaskID] = []
        self._logs: list[tuple[LogHandler, Any]] = []

    def on_sanity_check_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the bar of the sanity check."""
        self._open()
        self.begin("sanity check")

    def on_sanity_check_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Remove the bar of the sanity check."""
        self.end()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the bar of the run."""
        super().on_train_start(trainer, pl_module)
        self._open()
        if self._progress is not None:
            self._run = self._progress.add_task("epoch", total=self.total_steps, text="")
            self.draw(trainer)

    def draw(self, trainer: pl.Trainer) -> None:
        """Draw epoch, bar and facts."""
        if self._progress is None or self._run is None:
            return
        self._progress.update(
            self._run,
            description=self.place(),
            completed=trainer.global_step,
            text="  ".join(self.facts(left=True)),
        )

    def close(self, trainer: pl.Trainer) -> None:
        """Leave the last state on the screen."""
        if self._progress is not None and self._run is not None:
            title = f"ended after {format_duration(time.monotonic() - self._start)}"
            facts = "  ".join(self.facts(left=False))
            completed = trainer.global_step
            self._progress.update(self._run, description=title, completed=completed, text=facts)
        self._stop()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show a second bar; the sanity check already has one."""
        super().on_validation_start(trainer, pl_module)
        if not trainer.sanity_checking:
            self.draw(trainer)
            self.begin("validation")

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Move the second bar on."""
        if self._progress is None or not self._inner:
            return
        counts = trainer.num_sanity_val_batches if trainer.sanity_checking else None
        total = sum(b for b in counts or trainer.num_val_batches if math.isfinite(b))
        self._progress.update(
            self._inner[-1],
            total=total or None,
            completed=batch_idx + 1,
            text=f"batch {batch_idx + 1}/{int(total)}" if total else f"batch {batch_idx + 1}",
        )
        self._draw_if_due(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Remove the second bar."""
        super().on_validation_end(trainer, pl_module)
        if not trainer.sanity_checking:
            self.end()
            self.draw(trainer)

    def begin(self, activity: str) -> None:
        """Show a bar for an activity whose length is not known yet."""
        if self._progress is not None:
            self._inner.append(self._progress.add_task(activity, total=None, text=""))

    def end(self) -> None:
        """Remove the bar of the activity that began last."""
        if self._progress is not None and self._inner:
            self._progress.remove_task(self._inner.pop())

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Remove the bars, so that the terminal works as before."""
        self._stop()

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Print above the bars."""
        terminal = self._progress.console if self._progress is not None else console()
        terminal.print(*args, **kwargs)

    def _open(self) -> None:
        if self._enabled and self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[text]}"),
                console=console(),
            )
            streams = sys.stdout, sys.stderr
            self._progress.start()
            # rich has replaced both streams by ones that print above the bar; without this, log
            # lines would tear the bar
            self._logs = _redirect_logs(streams, (sys.stdout, sys.stderr))

    def _stop(self) -> None:
        if self._progress is not None:
            for handler, stream in self._logs:
                handler.setStream(stream)
            self._progress.stop()
            self._progress, self._run, self._inner = None, None, []


def _redirect_logs(old: tuple[Any, ...], new: tuple[Any, ...]) -> list[tuple[LogHandler, Any]]:
    """Redirect log handlers from the old streams to the new; return them with their old streams."""
    redirected = []
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream in old:
            redirected.append((handler, handler.stream))
            handler.setStream(new[old.index(handler.stream)])
    return redirected
