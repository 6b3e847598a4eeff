"""``StepBoundaryCallback``: to act between two steps, when all is done that the last one led to.

What a batch leads to (logging, validation, samples) goes on after ``on_train_batch_end``, and the
order of callbacks decides who sees how much of it. At the beginning of the next batch, or of the
next epoch, everything is done, whatever the order.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback


class StepBoundaryCallback(Callback):
    """Asks after each step of the optimiser, and acts before the next batch.

    List it first among the bases: others' ``on_train_start`` is called on the way.
    """

    _step = 0
    _due = False

    def is_time(self, trainer: pl.Trainer) -> bool:
        """Whether to act after the step that has just ended; called once for each, on all ranks."""
        raise NotImplementedError

    def act(self, trainer: pl.Trainer) -> None:
        """Do it; whoever is not due any more sets ``_due`` back."""
        raise NotImplementedError

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count from here."""
        super().on_train_start(trainer, pl_module)
        self._step, self._due = trainer.global_step, False

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Ask, if this batch ended a step."""
        if trainer.global_step != self._step:
            self._step = trainer.global_step
            self._due = self._due or self.is_time(trainer)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Act between two batches."""
        if self._due:
            self.act(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Act between two epochs."""
        if self._due:
            self.act(trainer)
