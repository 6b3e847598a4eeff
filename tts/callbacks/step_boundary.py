"""Defines the base of callbacks that act between two steps, when the last step is complete.

Logging, validation and samples of a batch run after ``on_train_batch_end``, and the order of the
callbacks decides which of them a callback sees. When the next batch or the next epoch begins, all
of it is done in any case.

All ranks act as soon as one of them has to, because of its clock or of a signal. They agree once in
a step, by one reduction for all these callbacks, which also takes the numbers that others reduce in
each step: see :func:`mean_over_ranks`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from pytorch_lightning.callbacks import Callback
from torch import Tensor


class StepBoundaryCallback(Callback):
    """Asks after each optimiser step whether to act, and acts before the next batch.

    List it first among the base classes, because it calls ``on_train_start`` of the others.
    """

    _step = 0
    _pending = False
    #: What the ranks have agreed on in this step; None: they have not agreed yet.
    _agreed: bool | None = None

    def is_due(self, trainer: pl.Trainer) -> bool:
        """Return whether this rank has to act for a reason that the others may not have.

        With several ranks it is called once for each step, before the optimiser's.
        """
        return False

    def should_act(self, trainer: pl.Trainer) -> bool:
        """Return whether all ranks have to act after the step that has just ended.

        It is called once for each step, and must return the same on all ranks.
        """
        return False

    def act(self, trainer: pl.Trainer) -> None:
        """Act; set ``_pending`` to False when nothing is left to do."""
        raise NotImplementedError

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count the steps from here."""
        super().on_train_start(trainer, pl_module)
        self._step, self._pending, self._agreed = trainer.global_step, False, None

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Ask whether to act, if this batch ended a step."""
        if trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        if trainer.world_size == 1:
            self._agreed = self.is_due(trainer)
        elif self._agreed is None:
            mean_over_ranks(trainer, ())
        self._pending = self._pending or bool(self._agreed) or self.should_act(trainer)
        self._agreed = None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Act between two batches."""
        if self._pending:
            self.act(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Act between two epochs."""
        if self._pending:
            self.act(trainer)


def mean_over_ranks(trainer: pl.Trainer, numbers: Iterable[Any]) -> list[float]:
    """Return means over all ranks, with one copy from the device; the ranks agree on the way.

    All ranks have to call this together, at most once in a step and before the callbacks'
    ``on_train_batch_end``. Its reduction settles which :class:`StepBoundaryCallback` will act.

    Args:
        trainer: the trainer of this process.
        numbers: scalar tensors, or Python numbers.
    """
    device = trainer.strategy.root_device
    scalars = [_scalar(number, device) for number in numbers]
    if trainer.world_size == 1:
        return torch.stack(scalars).tolist()
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
    boundary = [c for c in callbacks if isinstance(c, StepBoundaryCallback)]
    due = [_scalar(callback.is_due(trainer), device) for callback in boundary]
    stacked = torch.stack([*scalars, *due])
    dist.all_reduce(stacked)
    values: list[float] = (stacked / trainer.world_size).tolist()
    for callback, share in zip(boundary, values[len(scalars) :], strict=True):
        callback._agreed = share > 0
    return values[: len(scalars)]


def any_rank(trainer: pl.Trainer, due: bool) -> bool:
    """Return whether a condition holds on any rank; all ranks have to call this together."""
    if trainer.world_size == 1:
        return due
    number = _scalar(due, trainer.strategy.root_device)
    dist.all_reduce(number)
    return number.item() > 0


def _scalar(number: Any, device: torch.device) -> Tensor:
    """Return a number as float32 on the device; a Python number is not copied to it."""
    if isinstance(number, Tensor):
        return number.float()
    return torch.full((), float(number), dtype=torch.float32, device=device)
