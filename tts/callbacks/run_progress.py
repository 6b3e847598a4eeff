"""Counts the steps of a whole run and estimates its remaining time; subclasses show them.

Lightning's bars show one epoch at a time and fetch the metrics from the GPU in every step. Here one
count goes to the end of the run, and metrics are fetched only when they are drawn. While a sanity
check, a validation or the drawing of samples lasts, the progress names it.

The remaining time follows from the mean durations of a step and of a validation in this process,
and from how many of each are still to come; ``max_time`` bounds it. It is a question mark before
the first step has ended, and if only a callback can end the run.

This is no subclass of Lightning's ``RichProgressBar``: that class would save the 20 lines that
create the bar, but its tasks (one per epoch and one per validation), its columns and its refresh
after every batch would all have to be overridden, most of them in private methods. In addition it
leaves log lines to tear the bar, and it has no mode for log files.
"""

from __future__ import annotations

import logging
import math
import time
from abc import abstractmethod
from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar, Timer

log = logging.getLogger(__name__)

#: Steps and seconds after which the duration of a run is estimated.
_STEPS, _SECONDS = 5, 10.0
_LOSS = "train/loss"


class RunProgress(ProgressBar):
    """Counts steps and time; the subclasses draw a bar or write lines.

    The metrics are the loss in training and those that the task logs with ``prog_bar=True``.

    Args:
        every_seconds: shortest time between two drawings.
    """

    def __init__(self, every_seconds: float) -> None:
        super().__init__()
        self.every_seconds = every_seconds
        self._enabled = True
        self._last_drawing = -math.inf
        self._start = math.nan
        self._first_step = self._surplus = 0
        self._estimated = False
        self._validation_start: float | None = None
        self._validations = 0
        self._validating = 0.0
        self._validated_in = 0.0

    def enable(self) -> None:
        """Show the progress."""
        self._enabled = True

    def disable(self) -> None:
        """Hide the progress, as Lightning does in every process but the first."""
        self._enabled = False

    @abstractmethod
    def draw(self, trainer: pl.Trainer) -> None:
        """Show the progress of the run."""

    @abstractmethod
    def close(self, trainer: pl.Trainer) -> None:
        """Show the end of the run."""

    def begin(self, activity: str) -> None:
        """Name an activity that begins now and takes some time; the default shows nothing."""

    def end(self) -> None:
        """Stop showing the activity that began last."""

    @property
    def total_steps(self) -> int | None:
        """Return the optimiser steps of the run; None if only time or a callback ends it."""
        trainer, limits = self.trainer, []
        per_epoch = self._steps_per_epoch()
        if trainer.max_epochs not in (None, -1) and per_epoch is not None:
            limits.append(trainer.max_epochs * per_epoch + self._surplus)
        if trainer.max_steps > 0:
            limits.append(trainer.max_steps)
        return min(limits) if limits else None

    def seconds_per_step(self) -> float | None:
        """Return the mean duration of a step in this process, without validations."""
        steps = self.trainer.global_step - self._first_step
        return (time.monotonic() - self._start - self._validating) / steps if steps > 0 else None

    def seconds_left(self) -> float | None:
        """Return the time to the end of the run, by steps or by ``max_time``; None if unknown."""
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
        """Return the time of the validations to come; 0 until the first one has ended."""
        every = self._steps_per_validation()
        if not self._validations or every is None:
            return 0.0
        # the end of a run is validated as well
        to_come = math.ceil(total / every) - self._first_step // every - self._validations
        mean = self._validating / self._validations
        running = 0.0
        if self._validation_start is not None:
            running = min(mean, time.monotonic() - self._validation_start)
        return max(0.0, mean * to_come - running)

    def _steps_per_epoch(self) -> int | None:
        batches = self.trainer.num_training_batches
        if not math.isfinite(batches) or batches < 1:
            return None
        return math.ceil(batches / max(1, self.trainer.accumulate_grad_batches))

    def _steps_of_epochs(self) -> int:
        """Return the steps to this place of the data, if all epochs were as long as this one.

        A resumed run may have made more or fewer, with another number of ranks or batch size.
        """
        loop: Any = self.trainer.fit_loop.epoch_loop
        done: int = loop.batch_progress.current.processed
        steps = math.ceil(done / max(1, self.trainer.accumulate_grad_batches))
        return int(self.trainer.current_epoch) * (self._steps_per_epoch() or 0) + steps

    def _steps_per_validation(self) -> int | None:
        """Return the optimiser steps between two validations; None if these are not regular."""
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
        """Return the latest values of the metrics for the bar, as floats.

        Lightning fetches its own metrics for bars from the GPU in each step, so the loss in
        training is none of them.
        """
        values: dict[str, Any] = {}
        if (loss := self.trainer.callback_metrics.get(_LOSS)) is not None:
            values[_LOSS] = loss
        values |= self.trainer.progress_bar_metrics
        return {name: float(value) for name, value in values.items() if _is_number(value)}

    def place(self) -> str:
        """Return the epoch, and how many of its batches have begun, as text."""
        epoch = f"epoch {self.trainer.current_epoch}"
        batches = self.trainer.num_training_batches
        if not math.isfinite(batches):
            return epoch
        done = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
        return f"{epoch} ({done}/{int(batches)})"

    def facts(self, left: bool) -> list[str]:
        """Return step, remaining time, seconds per step and metrics as texts.

        The metrics come last, because a narrow terminal cuts off the end.

        Args:
            left: whether to include the remaining time.
        """
        step, total = self.trainer.global_step, self.total_steps
        parts = [f"step {step}" if total is None else f"step {step}/{total}"]
        if left:
            parts.append(f"{format_duration(self.seconds_left())} left")
        if (per_step := self.seconds_per_step()) is not None:
            parts.append(f"{per_step:.3g} s/step")
        return parts + [f"{name} {value:.4g}" for name, value in self.metrics().items()]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock of the run."""
        self._start = time.monotonic()
        self._first_step = trainer.global_step
        self._surplus = self._first_step - self._steps_of_epochs()
        self._validations, self._validating = 0, 0.0

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Draw if the last drawing is old enough, and estimate the duration of the run once."""
        self._estimate_once(trainer)
        self._draw_if_due(trainer)

    def _estimate_once(self, trainer: pl.Trainer) -> None:
        """Log how long the run will take, when some steps have shown how long one takes."""
        steps, total = trainer.global_step - self._first_step, self.total_steps
        elapsed = time.monotonic() - self._start
        if self._estimated or not self._enabled or steps < _STEPS or elapsed < _SECONDS:
            return
        self._estimated = True
        if (left := self.seconds_left()) is None:
            return
        number = "" if total is None else f" for {total - self._first_step} steps"
        log.info(
            "this training takes about %s%s at %.3g s/step; validations and samples come on top",
            *(format_duration(elapsed + left), number, self.seconds_per_step()),
        )

    def _draw_if_due(self, trainer: pl.Trainer) -> None:
        if self._enabled and time.monotonic() - self._last_drawing >= self.every_seconds:
            self.draw(trainer)
            self._last_drawing = time.monotonic()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock of the validation."""
        self._validation_start = time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop the clock of the validation, which includes the drawing of samples."""
        if not trainer.sanity_checking and self._validation_start is not None:
            self._validated_in = time.monotonic() - self._validation_start
            self._validating += self._validated_in
            self._validations += 1
        self._validation_start = None

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the end of the run."""
        if self._enabled:
            self.close(trainer)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or getattr(value, "numel", lambda: 0)() == 1


def format_duration(seconds: float | None) -> str:
    """Return a duration as ``1:04:09``, or as a question mark if it is None."""
    return "?" if seconds is None else str(timedelta(seconds=round(seconds)))
