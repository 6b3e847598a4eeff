"""Ends a run when a signal asks for it: between two steps, on all ranks, with everything saved.

A validation that is running is left, too; the resumed run starts it again. Callbacks whose work may
take long put it into :func:`until_stopped`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, TypeVar

import pytorch_lightning as pl
from pytorch_lightning.trainer.states import TrainerFn

from tts.callbacks.checkpointing.checkpoint import Checkpoint
from tts.callbacks.step_boundary import StepBoundaryCallback, any_rank
from tts.core.errors import RESUME_HINT, InputError
from tts.core.signals import NAMES, StopSignals, WorkLeft, stopped
from tts.runtime.slurm import requeue

Result = TypeVar("Result")


class StopOnSignal(StepBoundaryCallback):
    """Saves the last checkpoint and ends the run when ``signals`` has received one.

    In every step, the ranks agree whether to stop. A run that has just reached its end finishes
    normally.

    Args:
        signals: the signals that this process has received.
        requeue_on: names of the signals after which SLURM puts the job back into the queue.

    Raises:
        InputError: `requeue_on` is not a list of signals.
        RunStopped: on every rank, when the checkpoint is written.
    """

    def __init__(self, signals: StopSignals, requeue_on: Collection[str] = ("SIGUSR1",)) -> None:
        if isinstance(requeue_on, str) or set(requeue_on) - set(NAMES):
            names = ", ".join(NAMES)
            raise InputError(f"requeue_on={requeue_on}: must be a list of {names}, as [SIGUSR1]")
        self.signals = signals
        self.requeue_on = frozenset(requeue_on)

    def on_sanity_check_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Replace Lightning's signal handlers, which would end the run without saving."""
        self.signals.install()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Wait for a step to end when a signal comes: from here on there is something to save."""
        super().on_train_start(trainer, pl_module)
        self.signals.install()
        self.signals.training(True)
        # Lightning's ranks tell each other in each step of a SIGTERM that its handler has received
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = _nothing  # type: ignore[method-assign]

    def is_due(self, trainer: pl.Trainer) -> bool:
        """Return whether this rank has received a signal."""
        return self.signals.received is not None

    def act(self, trainer: pl.Trainer) -> None:
        """Save the last checkpoint and end the run; the last batch is already logged."""
        self.signals.leave()
        name = trainer.strategy.broadcast(self.signals.received) or "a signal to another rank"
        saved_in = None
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, Checkpoint):
                saved_in = callback.save_last_now(trainer)
        if trainer.is_global_zero and saved_in is not None and name in self.requeue_on:
            requeue()
        result = "; nothing was saved, see callbacks"
        if saved_in is not None:
            result = f", saved in {saved_in}; {RESUME_HINT}"
        raise stopped(name, f"at step {trainer.global_step}{result}")

    def on_validation_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Leave a validation, also the last one of a run, unless gradients would be lost."""
        self.leave_validation(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Ask again, because the end of a validation may take long."""
        if self.may_leave_validation(trainer):
            self._pending = any_rank(trainer, self.is_due(trainer))

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Ignore signals from here on: everything is saved, and the rest takes only seconds."""
        self.signals.leave()

    def leave_validation(self, trainer: pl.Trainer) -> None:
        """Save and end the run in the middle of a validation, if a signal asks for it.

        All ranks have to call this at the same point of the validation.

        Raises:
            RunStopped: the run ends.
        """
        if self.may_leave_validation(trainer) and any_rank(trainer, self.is_due(trainer)):
            self.act(trainer)

    def may_leave_validation(self, trainer: pl.Trainer) -> bool:
        """Return whether a running validation can be left and repeated by the resumed run.

        It cannot if accumulated gradients would be lost.
        """
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return False
        return not _accumulates(trainer)


def until_stopped(
    trainer: pl.Trainer, work: Callable[[], Result], needs_result: bool = False
) -> Result | None:
    """Call a function, and leave it without an error when a signal asks the run to stop.

    What restores a state belongs around this call, so that a signal cannot interrupt it.

    Args:
        trainer: the trainer of the run.
        work: the function; its result is returned.
        needs_result: whether the run cannot end without the result. The function is then left only
            in a validation that the resumed run repeats.

    Returns:
        The result, or None if a signal came.
    """
    stop = _stop_on_signal(trainer)
    if stop is None or (needs_result and not stop.may_leave_validation(trainer)):
        return work()
    with suppress(WorkLeft), stop.signals.interrupting():
        return work()
    return None


def leave_validation(trainer: pl.Trainer) -> None:
    """Call :meth:`StopOnSignal.leave_validation`, if the run has this callback."""
    if (stop := _stop_on_signal(trainer)) is not None:
        stop.leave_validation(trainer)


def is_monitored(trainer: pl.Trainer, beginnings: tuple[str, ...]) -> bool:
    """Return whether a callback, such as that of checkpoints, needs a metric with such a name."""
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
    return any(str(getattr(c, "monitor", None)).startswith(beginnings) for c in callbacks)


def _stop_on_signal(trainer: pl.Trainer) -> StopOnSignal | None:
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
    return next((c for c in callbacks if isinstance(c, StopOnSignal)), None)


def _nothing() -> None:
    """Stand in for what a run does not need."""


def _accumulates(trainer: pl.Trainer) -> bool:
    """Return whether a step has some, but not all, of its accumulated batches."""
    progress: Any = trainer.fit_loop.epoch_loop.batch_progress
    n_done: int = progress.current.processed
    return n_done % trainer.accumulate_grad_batches != 0 and not progress.is_last_batch
