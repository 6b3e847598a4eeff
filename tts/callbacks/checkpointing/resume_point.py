"""Where a run stands, in every checkpoint; and Lightning's loops put there when it is resumed.

Lightning 2.6 keeps its own counters of epochs and batches, but what they mean depends on the hook
that saved them, and from some hooks it repeats a batch, leaves out a validation or counts an epoch
twice. Here a run stands at one of two kinds of places only, between two batches: all done so far
(the validation after the last batch too), or that validation still to come. From either, the
counters are written such that Lightning goes on as if it had never stopped.
"""

from __future__ import annotations

import logging
import math
from dataclasses import asdict, dataclass
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.trainer.states import TrainerFn

log = logging.getLogger(__name__)

KEY = "resume_point"


@dataclass(frozen=True)
class ResumePoint:
    """A place between two batches.

    Attributes:
        step: steps of the optimiser so far.
        epoch: whose batches come next, from 0.
        batch: how many of its batches are done.
        batches: how many it has.
        validate: the validation after the last batch is still to come. ``epoch`` is then that
            batch's, even if it was the last.
        clean: no gradients are half accumulated; they would be lost.
        metrics: latest value of every metric, for a run that ends without another one.
    """

    step: int
    epoch: int
    batch: int
    batches: int
    validate: bool
    clean: bool
    metrics: dict[str, float]

    @classmethod
    def of(cls, trainer: pl.Trainer, validate: bool, metrics: dict[str, float]) -> ResumePoint:
        """Where ``trainer`` stands, in any hook after a batch and before the next."""
        loop: Any = trainer.fit_loop
        done = loop.epoch_loop.batch_progress.current.processed
        epoch = max(loop.epoch_progress.current.started - 1, 0)
        limit = trainer.num_training_batches  # infinite where the data have no length
        batches = int(limit) if math.isfinite(limit) else -1
        over = done >= limit
        clean = over or done % trainer.accumulate_grad_batches == 0
        if over and not validate:
            epoch, done = epoch + 1, 0
        return cls(trainer.global_step, epoch, done, batches, validate, clean, metrics)


class KeepResumePoint(Callback):
    """Writes a :class:`ResumePoint` into every checkpoint, and goes on from there.

    A checkpoint without one, of an earlier version, is left to Lightning.
    """

    def __init__(self) -> None:
        self.resumed: ResumePoint | None = None
        self._validating = False

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From here to its end the validation is still to come."""
        self._validating = trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Now it is done; the checkpoints that are saved in this hook are saved after this."""
        self._validating = False

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Note where the run stands."""
        point = ResumePoint.of(trainer, self._validating, self.metrics(trainer))
        checkpoint[KEY] = asdict(point)

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Tell the data where to begin, and write the counters of Lightning's loops."""
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        if KEY not in checkpoint or not hasattr(datamodule, "resume_at"):
            return
        self.resumed = point = ResumePoint(**checkpoint[KEY])
        begin = point.batch
        if not point.clean:
            begin -= begin % trainer.accumulate_grad_batches
            n_again = point.batch - begin
            if trainer.is_global_zero:
                log.warning("%d batches come again: their gradients were not saved", n_again)
        begin = datamodule.resume_at(point.epoch, begin)
        validate = point.validate and begin == point.batch
        _write_counters(checkpoint["loops"]["fit_loop"], point, begin, validate)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """At the beginning of an epoch there is nothing to restart, whatever ends the run."""
        loop = trainer.fit_loop.epoch_loop
        if self.resumed is not None and loop.batch_progress.current.ready == 0:
            loop.restarting = False

    def metrics(self, trainer: pl.Trainer) -> dict[str, float]:
        """Latest value of every metric, of this process or of those before it."""
        before = self.resumed.metrics if self.resumed is not None else {}
        now = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return {**before, **now}


def _write_counters(
    fit_loop: dict[str, Any], point: ResumePoint, batch: int, validate: bool
) -> None:
    """Write the counters from which Lightning goes on at ``batch``, or with its validation.

    In Lightning's terms: in the middle of an epoch the last batch has been processed, but not
    completed, which makes it train the next one without another validation; or it is completed,
    and a validation was started. At the beginning of an epoch all before is completed.
    """
    inside = batch > 0
    epochs, total = point.epoch, fit_loop["epoch_loop.batch_progress"]["total"]["processed"]
    completed = 0 if validate or not inside else 1
    fit_loop["epoch_progress"] = _progress(epochs, epochs, started=int(inside))
    fit_loop["epoch_loop.batch_progress"] = {
        "total": _tracker(total, total, total - completed),
        "current": _tracker(batch, batch, batch - completed),
        "is_last_batch": validate and batch >= point.batches,
    }
    # Lightning counts the step once more on its way to the next batch
    counted = point.step - 1 if inside else point.step
    fit_loop["epoch_loop.state_dict"] = {"_batches_that_stepped": counted}
    fit_loop["epoch_loop.val_loop.batch_progress"] = {
        **_progress(0, 0, started=int(validate)),
        "is_last_batch": False,
    }


def _progress(ready: int, completed: int, started: int) -> dict[str, Any]:
    tracker = _tracker(ready + started, completed, completed)
    return {"total": dict(tracker), "current": dict(tracker)}


def _tracker(started: int, processed: int, completed: int) -> dict[str, int]:
    return {
        "ready": started,
        "started": started,
        "processed": processed,
        "completed": completed,
    }
