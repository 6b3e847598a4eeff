"""Leaving when a signal asks for it: between two steps, on all ranks together, everything saved.

Where a validation comes in between, it is left too: the resumed run begins it anew.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.trainer.states import TrainerFn

from tts.callbacks.checkpointing.checkpoint import Checkpoint
from tts.callbacks.step_boundary import StepBoundaryCallback
from tts.core.errors import RESUME_HINT, InputError
from tts.core.signals import NAMES, StopSignals, stopped
from tts.runtime.slurm import requeue


class StopOnSignal(StepBoundaryCallback):
    """Saves the last checkpoint and ends the run when ``signals`` has received one.

    The ranks agree on the step by one reduced number in each. A run that has just reached its end
    ends as it would have.

    Args:
        signals: of this process.
        requeue_on: names of the signals after which a job of SLURM is put back into the queue.

    Raises:
        InputError: `requeue_on` is not a list of signals.
        RunStopped: on every rank, after the checkpoint is written.
    """

    def __init__(self, signals: StopSignals, requeue_on: Collection[str] = ("SIGUSR1",)) -> None:
        if isinstance(requeue_on, str) or set(requeue_on) - set(NAMES):
            names = ", ".join(NAMES)
            raise InputError(f"requeue_on={requeue_on}: a list of {names} is wanted, as [SIGUSR1]")
        self.signals = signals
        self.requeue_on = frozenset(requeue_on)

    def on_sanity_check_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Replace Lightning's handlers, which would leave without saving."""
        self.signals.install()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From here on there is something to save."""
        super().on_train_start(trainer, pl_module)
        self.signals.install()
        self.signals.training(True)

    def is_time(self, trainer: pl.Trainer) -> bool:
        """Whether a signal has come, to any rank."""
        here = self.signals.received is not None
        if trainer.world_size == 1:
            return here
        return bool(trainer.strategy.reduce_boolean_decision(here, all=False))

    def act(self, trainer: pl.Trainer) -> None:
        """Save and leave; what there was to log of the last batch is logged."""
        self.signals.leave()
        name = trainer.strategy.broadcast(self.signals.received) or "a signal to another rank"
        saved_in = None
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, Checkpoint):
                saved_in = callback.save_last_now(trainer)
        if trainer.is_global_zero and saved_in is not None and name in self.requeue_on:
            requeue()
        kept = "; nothing was saved, see callbacks"
        if saved_in is not None:
            kept = f", saved in {saved_in}; {RESUME_HINT}"
        raise stopped(name, f"at step {trainer.global_step}{kept}")

    def on_validation_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Leave a validation, unless it is the last thing to do or gradients would be lost."""
        if self._may_leave_validation(trainer) and self.is_time(trainer):
            self.act(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Ask once more: the end of a validation may take long."""
        if self._may_leave_validation(trainer):
            self._due = self.is_time(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The run is over; what is left takes seconds."""
        self.signals.training(False)
        self.signals.leave()

    def _may_leave_validation(self, trainer: pl.Trainer) -> bool:
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return False
        return not (_is_last_step(trainer) or _accumulates(trainer))


def _is_last_step(trainer: pl.Trainer) -> bool:
    """Whether the run ends with this step."""
    if 0 < trainer.max_steps <= trainer.global_step:
        return True
    last_epoch = trainer.max_epochs not in (None, -1) and (
        trainer.current_epoch + 1 >= trainer.max_epochs
    )
    return last_epoch and trainer.fit_loop.epoch_loop.batch_progress.is_last_batch


def _accumulates(trainer: pl.Trainer) -> bool:
    """Whether a step is half done."""
    progress: Any = trainer.fit_loop.epoch_loop.batch_progress
    n_done: int = progress.current.processed
    return n_done % trainer.accumulate_grad_batches != 0 and not progress.is_last_batch
