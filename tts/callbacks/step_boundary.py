"""Defines the base of callbacks that act between two steps, when the last step is complete.

Logging, validation and samples of a batch run after ``on_train_batch_end``, and the order of the
callbacks decides which of them a callback sees. When the next batch or the next epoch begins, all
of it is done in any case.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback


class StepBoundaryCallback(Callback):
    """Asks after each optimiser step whether to act, and acts before the next batch.

    List it first among the base classes, because it calls ``on_train_start`` of the others.
    """

    _step = 0
    _pending = False

    def should_act(self, trainer: pl.Trainer) -> bool:
        """Return whether to act after the step that has just ended.

        It is called once for each step, on all ranks.
        """
        raise NotImplementedError

    def act(self, trainer: pl.Trainer) -> None:
        """Act; set ``_pending`` to False when nothing is left to do."""
        raise NotImplementedError

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count the steps from here."""
        super().on_train_start(trainer, pl_module)
        self._step, self._pending = trainer.global_step, False

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Ask whether to act, if this batch ended a step."""
        if trainer.global_step != self._step:
            self._step = trainer.global_step
            self._pending = self._pending or self.should_act(trainer)

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
