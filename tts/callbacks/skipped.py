"""Says at the end of an epoch which utterances could not be read, and were replaced by others.

``data.on_error=skip`` lets a run go on; it should not let anybody overlook that it did.
"""

from __future__ import annotations

import logging
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from tts.callbacks.ranks import gather_from_ranks

log = logging.getLogger(__name__)

_MOST = 5


class ReportSkipped(Callback):
    """Counts over all processes what ``tts.data.loading.fallbacks.FallbackDataset`` skipped."""

    def __init__(self) -> None:
        self._skipped: list[str] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Note what is missing from the batch."""
        self._skipped += getattr(batch, "skipped", ())

    def on_validation_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Note what is missing from the batch."""
        self._skipped += getattr(batch, "skipped", ())

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say it, once for all processes."""
        skipped = [
            message
            for messages in gather_from_ranks(trainer, self._skipped)
            for message in messages
        ]
        self._skipped = []
        if skipped and trainer.is_global_zero:
            different = list(dict.fromkeys(skipped))
            more = f"; and {len(different) - _MOST} more" if len(different) > _MOST else ""
            log.warning(
                "epoch %d: %d times another utterance stood in for one that cannot be read: %s",
                *(trainer.current_epoch, len(skipped), "; ".join(different[:_MOST]) + more),
            )
