"""Saves the exact position of a run in every checkpoint, and resumes Lightning's loops there.

Lightning 2.6 keeps its own counters of epochs and batches, but their meaning depends on the hook
that saved them: from some hooks Lightning repeats a batch, leaves out a validation or counts an
epoch twice. Here only two kinds of position exist, both between two batches: either everything so
far is done, with the validation after the last batch, or only that validation is still to come.
For both, the counters are written so that Lightning continues as if it had never stopped.
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
    """Describes a position between two batches.

    Attributes:
        step: optimiser steps so far.
        epoch: number of the epoch whose batches come next, from 0.
        batch: number of batches of this epoch that are done.
        batches: number of batches of an epoch; -1 if it is unknown.
        validate: whether the validation after the last batch is still to come. ``epoch`` is then
            the epoch of that batch, even if it was the last one of the epoch.
        clean: whether no gradients are partly accumulated; those would be lost.
        metrics: latest value of every metric, for a resumed run that ends without new ones.
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
        """Return the position of a run, in any hook after one batch and before the next.

        Args:
            trainer: the trainer of the run.
            validate: whether the validation after the last batch is still to come.
            metrics: latest value of every metric.
        """
        loop: Any = trainer.fit_loop
        done = loop.epoch_loop.batch_progress.current.processed
        epoch = max(loop.epoch_progress.current.started - 1, 0)
        limit = trainer.num_training_batches  # infinite if the data have no length
        batches = int(limit) if math.isfinite(limit) else -1
        over = done >= limit
        clean = over or done % trainer.accumulate_grad_batches == 0
        if over and not validate:
            epoch, done = epoch + 1, 0
        return cls(trainer.global_step, epoch, done, batches, validate, clean, metrics)


class KeepResumePoint(Callback):
    """Writes a :class:`ResumePoint` into every checkpoint, and resumes a run from it.

    Lightning alone resumes checkpoints of earlier versions, which have none.

    Attributes:
        resumed: the position from which this run has resumed, or None.
        owes_validation: whether the resumed run begins with the validation after the last batch.
    """

    def __init__(self) -> None:
        self.resumed: ResumePoint | None = None
        self.owes_validation = False
        self._validating = False

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that the validation is not done, until it ends."""
        self._validating = trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that the validation is done; other callbacks save checkpoints after this."""
        self._validating = False

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Write the position of the run."""
        point = ResumePoint.of(trainer, self._validating, self.metrics(trainer))
        checkpoint[KEY] = asdict(point)

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Set the position of the data, and write the counters of Lightning's loops."""
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        if KEY not in checkpoint or not hasattr(datamodule, "resume_at"):
            return
        self.resumed = point = ResumePoint(**checkpoint[KEY])
        begin = point.batch
        if not point.clean:
            begin -= begin % trainer.accumulate_grad_batches
            n_repeated = point.batch - begin
            if trainer.is_global_zero:
                log.warning("%d batches are repeated: their gradients were not saved", n_repeated)
        begin = datamodule.resume_at(point.epoch, begin)
        self.owes_validation = point.validate and begin == point.batch
        _write_counters(checkpoint["loops"]["fit_loop"], point, begin, self.owes_validation)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell Lightning that nothing is to be restarted if the run resumes with a new epoch."""
        loop = trainer.fit_loop.epoch_loop
        if self.resumed is not None and loop.batch_progress.current.ready == 0:
            loop.restarting = False

    def metrics(self, trainer: pl.Trainer) -> dict[str, float]:
        """Return the latest value of every metric, from this process or from an earlier one."""
        before = self.resumed.metrics if self.resumed is not None else {}
        now = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return {**before, **now}


def _write_counters(
    fit_loop: dict[str, Any], point: ResumePoint, batch: int, validate: bool
) -> None:
    """Write the counters with which Lightning resumes at ``batch``, or with its validation.

    In Lightning's terms, there are three cases. To train the next batch of an epoch without another
    validation, the last batch is processed but not completed. To validate, the last batch is
    completed and a validation was started. At the beginning of an epoch, everything before it is
    completed.
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
    # Lightning counts the step again before it trains the next batch
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
