"""Progress of the whole run: a bar in a terminal, a line now and then in a file.

Lightning's bar shows one epoch at a time and fetches the metrics from the GPU in every step. Here
one count goes to the end of the run, the time left is reckoned from all time spent so far in this
process (validation, samples and checkpoints included; ``max_time`` is respected), and metrics are
fetched only when they are drawn.
"""

from __future__ import annotations

import math
import sys
import time
from abc import abstractmethod
from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar, Timer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn


def progress_bar(every_seconds: float = 30.0) -> RunProgress:
    """A bar if standard output is a terminal, else a line every ``every_seconds``."""
    return RichProgress() if sys.stdout.isatty() else LineProgress(every_seconds)


class RunProgress(ProgressBar):
    """Counts steps and time; how they are shown is up to the two classes below.

    Metrics are those logged with ``prog_bar=True``.
    """

    def __init__(self, every_seconds: float) -> None:
        super().__init__()
        self.every_seconds = every_seconds
        self._enabled = True
        self._drawn = -math.inf

    def enable(self) -> None:
        """Show."""
        self._enabled = True

    def disable(self) -> None:
        """Do not show: every process but the first."""
        self._enabled = False

    @abstractmethod
    def draw(self, trainer: pl.Trainer) -> None:
        """Show where the run is."""

    @abstractmethod
    def close(self, trainer: pl.Trainer) -> None:
        """Show where the run ended."""

    @property
    def total_steps(self) -> int | None:
        """Optimiser steps of the whole run; None if nothing but time or a callback ends it."""
        trainer, ends = self.trainer, []
        batches = trainer.num_training_batches
        if trainer.max_epochs not in (None, -1) and math.isfinite(batches):
            accumulate = max(1, trainer.accumulate_grad_batches)
            ends.append(trainer.max_epochs * math.ceil(batches / accumulate))
        if trainer.max_steps > 0:
            ends.append(trainer.max_steps)
        return min(ends) if ends else None

    def seconds_per_step(self) -> float | None:
        """Mean over this process, everything included."""
        steps = self.trainer.global_step - self._first_step
        return (time.monotonic() - self._start) / steps if steps > 0 else None

    def seconds_left(self) -> float | None:
        """Time to the end of the run, by steps or by ``max_time``, whichever is first."""
        left = []
        per_step = self.seconds_per_step()
        if per_step is not None and self.total_steps is not None:
            left.append(per_step * (self.total_steps - self.trainer.global_step))
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, Timer) and (seconds := callback.time_remaining()) is not None:
                left.append(seconds)
        return max(0.0, min(left)) if left else None

    def metrics(self) -> dict[str, float]:
        """Latest values of what the task wants on the bar, as floats."""
        values = self.trainer.progress_bar_metrics
        return {name: float(value) for name, value in values.items() if _is_number(value)}

    def facts(self, left: bool) -> list[str]:
        """Step, time ``left``, seconds per step, metrics: where room ends, the metrics go first."""
        step, total = self.trainer.global_step, self.total_steps
        parts = [f"step {step}" if total is None else f"step {step}/{total}"]
        if left:
            parts.append(f"{_clock(self.seconds_left())} left")
        if (per_step := self.seconds_per_step()) is not None:
            parts.append(f"{per_step:.3g} s/step")
        return parts + [f"{name} {value:.4g}" for name, value in self.metrics().items()]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._start = time.monotonic()
        self._first_step = trainer.global_step

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Draw if the last time is long enough ago."""
        if self._enabled and time.monotonic() - self._drawn >= self.every_seconds:
            self.draw(trainer)
            self._drawn = time.monotonic()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw the end."""
        if self._enabled:
            self.close(trainer)


class LineProgress(RunProgress):
    """One plain line every ``every_seconds``, one after each validation and one at the end."""

    def __init__(self, every_seconds: float = 30.0) -> None:
        super().__init__(every_seconds)

    def draw(self, trainer: pl.Trainer) -> None:
        """Epoch and facts."""
        self._write(f"epoch {trainer.current_epoch}", left=True)

    def close(self, trainer: pl.Trainer) -> None:
        """Steps and time of the run."""
        self._write(f"ended after {_clock(time.monotonic() - self._start)}")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say what validation found."""
        if self._enabled and not trainer.sanity_checking and trainer.state.fn == "fit":
            self._write("validated")

    def _write(self, head: str, left: bool = False) -> None:
        sys.stdout.write("  ".join([head, *self.facts(left)]) + "\n")
        sys.stdout.flush()


class RichProgress(RunProgress):
    """One bar for the run, and one for the validation that is going on."""

    def __init__(self, every_seconds: float = 0.2) -> None:
        super().__init__(every_seconds)
        self._progress: Progress | None = None
        self._run = TaskID(0)
        self._validation: TaskID | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the bar up."""
        super().on_train_start(trainer, pl_module)
        if self._enabled:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[text]}"),
                console=Console(),
            )
            self._run = self._progress.add_task("epoch", total=self.total_steps, text="")
            self._progress.start()
            self.draw(trainer)

    def draw(self, trainer: pl.Trainer) -> None:
        """Epoch, bar and facts."""
        if self._progress is None:
            return
        self._progress.update(
            self._run,
            description=f"epoch {trainer.current_epoch}",
            completed=trainer.global_step,
            text="  ".join(self.facts(left=True)),
        )

    def close(self, trainer: pl.Trainer) -> None:
        """Leave the last state on the screen."""
        self.draw(trainer)
        self._stop()

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Move the second bar."""
        if self._progress is None:
            return
        total = sum(b for b in trainer.num_val_batches if math.isfinite(b))
        if self._validation is None:
            self._validation = self._progress.add_task("validation", total=total or None, text="")
        self._progress.update(
            self._validation, completed=batch_idx + 1, text=f"batch {batch_idx + 1}/{total}"
        )

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the second bar down."""
        if self._progress is not None and self._validation is not None:
            self._progress.remove_task(self._validation)
            self._validation = None
            self.draw(trainer)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Give the terminal back."""
        self._stop()

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Print above the bar."""
        console = self._progress.console if self._progress is not None else Console()
        console.print(*args, **kwargs)

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or getattr(value, "numel", lambda: 0)() == 1


def _clock(seconds: float | None) -> str:
    """``1:04:09``; a question mark where nothing is known yet."""
    return "?" if seconds is None else str(timedelta(seconds=round(seconds)))
