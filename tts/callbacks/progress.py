"""Progress of the whole run: a bar in a terminal, a line now and then in a file.

Lightning's bar shows one epoch at a time and fetches the metrics from the GPU in every step. Here
one count goes to the end of the run; what goes on inside it (the sanity check, a validation, the
drawing of samples) is named while it lasts; and metrics are fetched only when they are drawn.

The time left is reckoned from what steps and validations have taken in this process so far, each by
itself, and from how many of them are still to come; ``max_time`` bounds it. It is a question mark
until something is known, and where nothing but a callback will end the run.
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


def progress_bar(every_seconds: float = 30.0) -> RunProgress:
    """A bar if standard output is a terminal, else a line every ``every_seconds``."""
    from tts.callbacks.rich_progress import RichProgress

    return RichProgress() if sys.stdout.isatty() else LineProgress(every_seconds)


class RunProgress(ProgressBar):
    """Counts steps and time; how they are shown is up to its two subclasses.

    Metrics are those logged with ``prog_bar=True``.
    """

    def __init__(self, every_seconds: float) -> None:
        super().__init__()
        self.every_seconds = every_seconds
        self._enabled = True
        self._drawn = -math.inf
        self._start = math.nan
        self._first_step = 0
        self._validation_start: float | None = None
        self._validations = 0
        self._validating = 0.0
        self._validated_in = 0.0

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

    def begin(self, what: str) -> None:
        """Something is done between two steps that takes its time."""

    def end(self) -> None:
        """It is done."""

    @property
    def total_steps(self) -> int | None:
        """Optimiser steps of the whole run; None if nothing but time or a callback ends it."""
        trainer, ends = self.trainer, []
        per_epoch = self._steps_per_epoch()
        if trainer.max_epochs not in (None, -1) and per_epoch is not None:
            ends.append(trainer.max_epochs * per_epoch)
        if trainer.max_steps > 0:
            ends.append(trainer.max_steps)
        return min(ends) if ends else None

    def seconds_per_step(self) -> float | None:
        """Mean over this process, validations left out."""
        steps = self.trainer.global_step - self._first_step
        return (time.monotonic() - self._start - self._validating) / steps if steps > 0 else None

    def seconds_left(self) -> float | None:
        """Time to the end of the run, by steps or by ``max_time``, whichever is first."""
        left = []
        per_step, total = self.seconds_per_step(), self.total_steps
        if per_step is not None and total is not None:
            steps = max(0, total - self.trainer.global_step)
            left.append(per_step * steps + self._validation_seconds(total))
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, Timer) and (seconds := callback.time_remaining()) is not None:
                left.append(seconds)
        return max(0.0, min(left)) if left else None

    def _validation_seconds(self, total: int) -> float:
        """Time that the validations to come will take; nothing is known before the first."""
        every = self._steps_per_validation()
        if not self._validations or every is None:
            return 0.0
        to_come = total // every - self._first_step // every - self._validations
        each = self._validating / self._validations
        running = 0.0
        if self._validation_start is not None:
            running = min(each, time.monotonic() - self._validation_start)
        return max(0.0, each * to_come - running)

    def _steps_per_epoch(self) -> int | None:
        batches = self.trainer.num_training_batches
        if not math.isfinite(batches) or batches < 1:
            return None
        return math.ceil(batches / max(1, self.trainer.accumulate_grad_batches))

    def _steps_per_validation(self) -> int | None:
        """Optimiser steps between two validations, as far as they are regular."""
        every_epochs = self.trainer.check_val_every_n_epoch
        batches = self.trainer.val_check_batch
        per_epoch = self._steps_per_epoch()
        if batches is None:
            return None
        if per_epoch is not None and every_epochs and batches >= self.trainer.num_training_batches:
            return per_epoch * every_epochs
        if not math.isfinite(batches):
            return None
        return max(1, int(batches) // max(1, self.trainer.accumulate_grad_batches))

    def metrics(self) -> dict[str, float]:
        """Latest values of what the task wants on the bar, as floats."""
        values = self.trainer.progress_bar_metrics
        return {name: float(value) for name, value in values.items() if _is_number(value)}

    def place(self) -> str:
        """Epoch, and how far it is."""
        epoch = f"epoch {self.trainer.current_epoch}"
        batches = self.trainer.num_training_batches
        if not math.isfinite(batches):
            return epoch
        done = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
        return f"{epoch} ({done}/{int(batches)})"

    def facts(self, left: bool) -> list[str]:
        """Step, time ``left``, seconds per step, metrics: where room ends, the metrics go first."""
        step, total = self.trainer.global_step, self.total_steps
        parts = [f"step {step}" if total is None else f"step {step}/{total}"]
        if left:
            parts.append(f"{format_duration(self.seconds_left())} left")
        if (per_step := self.seconds_per_step()) is not None:
            parts.append(f"{per_step:.3g} s/step")
        return parts + [f"{name} {value:.4g}" for name, value in self.metrics().items()]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._start = time.monotonic()
        self._first_step = trainer.global_step
        self._validations, self._validating = 0, 0.0

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Draw if the last time is long enough ago."""
        self._draw_if_due(trainer)

    def _draw_if_due(self, trainer: pl.Trainer) -> None:
        if self._enabled and time.monotonic() - self._drawn >= self.every_seconds:
            self.draw(trainer)
            self._drawn = time.monotonic()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start another clock."""
        self._validation_start = time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop it; samples are drawn before this."""
        if not trainer.sanity_checking and self._validation_start is not None:
            self._validated_in = time.monotonic() - self._validation_start
            self._validating += self._validated_in
            self._validations += 1
        self._validation_start = None

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
        self._write(self.place(), left=True)

    def close(self, trainer: pl.Trainer) -> None:
        """Steps and time of the run."""
        self._write(f"ended after {format_duration(time.monotonic() - self._start)}")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say what validation found, and what it took."""
        super().on_validation_end(trainer, pl_module)
        if self._enabled and not trainer.sanity_checking and trainer.state.fn == "fit":
            self._write(f"validated in {format_duration(self._validated_in)}")

    def _write(self, head: str, left: bool = False) -> None:
        sys.stdout.write("  ".join([head, *self.facts(left)]) + "\n")
        sys.stdout.flush()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or getattr(value, "numel", lambda: 0)() == 1


def format_duration(seconds: float | None) -> str:
    """``1:04:09``; a question mark where nothing is known yet."""
    return "?" if seconds is None else str(timedelta(seconds=round(seconds)))
