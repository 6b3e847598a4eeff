"""Validates the end of a run, so that its last steps count for the best checkpoint and for a sweep.

Lightning validates after so many epochs or batches. Steps after the last of these moments would
never be judged, and a run that ends inside its first epoch would not be judged at all.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from tts.callbacks.checkpointing.resume_point import KeepResumePoint, ResumePoint


class FinalValidation(Callback):
    """Lets Lightning validate after the last batch of a run, also where no validation is due.

    The last batch is the one that reaches ``max_steps``, ``max_epochs`` or ``max_time``, or after
    which a callback ends the run. A run that a signal stops has not ended, so it is not
    validated. If the signal came during the last validation, the resumed run makes this validation
    although it has nothing left to train.

    List it after Lightning's ``Timer``, whose decisions it reads.
    """

    def __init__(self) -> None:
        self._owed = False
        self._max_steps: int | None = None
        self._time_is_up = False

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Extend the method by which Lightning decides whether to validate after a batch."""
        loop: Any = trainer.fit_loop.epoch_loop
        usual = type(loop)._should_check_val_fx.__get__(loop)

        def is_due(data_fetcher: Any) -> bool:
            if self._owed or usual(data_fetcher):
                return True
            return trainer.enable_validation and run_ends_here(trainer)

        loop._should_check_val_fx = is_due
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        for callback in callbacks:
            if isinstance(callback, KeepResumePoint) and callback.resumed is not None:
                self._owed = callback.owes_validation and trainer.enable_validation
                if self._owed:
                    self._keep_running(trainer, callback.resumed)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that the validation of an interrupted run begins, and restore the run's limits."""
        if trainer.sanity_checking or not self._owed:
            return
        self._owed = False
        if self._max_steps is not None:
            trainer.fit_loop.epoch_loop.max_steps, self._max_steps = self._max_steps, None
        trainer.should_stop = trainer.should_stop or self._time_is_up

    def _keep_running(self, trainer: pl.Trainer, point: ResumePoint) -> None:
        """Lift limits that are reached: Lightning would find nothing to do and return at once."""
        if 0 < trainer.max_steps <= point.step:
            self._max_steps = trainer.max_steps
            trainer.fit_loop.epoch_loop.max_steps = point.step + 1
        self._time_is_up, trainer.should_stop = trainer.should_stop, False


def run_ends_here(trainer: pl.Trainer) -> bool:
    """Return whether a run ends with the batch that it has just trained on."""
    if 0 < trainer.max_steps <= trainer.global_step:
        return True
    if trainer.should_stop and trainer.fit_loop._can_stop_early:
        return True
    last_epoch = trainer.max_epochs not in (None, -1) and (
        trainer.current_epoch + 1 >= trainer.max_epochs
    )
    return last_epoch and trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
