"""Logs at the end of an epoch which utterances could not be read and were replaced by others.

``data.on_error=skip`` lets a run continue without these utterances, and the user should know which
they are.
"""

from __future__ import annotations

import logging
from itertools import chain
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from tts.callbacks.ranks import gather_from_ranks

log = logging.getLogger(__name__)

_MOST_MESSAGES = 5


class ReportSkipped(Callback):
    """Collects what ``tts.data.loading.fallbacks.FallbackDataset`` skipped in all processes."""

    def __init__(self) -> None:
        self._skipped: list[str] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Collect the messages about utterances that are missing from the batch."""
        self._skipped += getattr(batch, "skipped", ())

    def on_validation_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Collect the messages about utterances that are missing from the batch."""
        self._skipped += getattr(batch, "skipped", ())

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log a warning, once for all processes."""
        skipped = list(chain.from_iterable(gather_from_ranks(trainer, self._skipped)))
        self._skipped = []
        if skipped and trainer.is_global_zero:
            messages = list(dict.fromkeys(skipped))
            n_more = len(messages) - _MOST_MESSAGES
            more = f"; and {n_more} more" if n_more > 0 else ""
            log.warning(
                "epoch %d: %d times another utterance replaced one that cannot be read: %s",
                *(trainer.current_epoch, len(skipped), "; ".join(messages[:_MOST_MESSAGES]) + more),
            )
