"""Remembers which batch is being computed, so that an error message can name it."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from tts.core.errors import listed

_MOST_NAMES = 8


class CurrentBatch(Callback):
    """Keeps the sizes and the utterance ids of the current batch, but none of its tensors.

    Its ``str`` describes the batch: step, sizes and ids.
    """

    def __init__(self) -> None:
        self._place = "the start"
        self._content = ""

    def __str__(self) -> str:
        return f"{self._place}{self._content}"

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Remember a training batch."""
        self._remember(f"step {trainer.global_step} (epoch {trainer.current_epoch})", batch)

    def on_validation_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Remember a validation batch."""
        self._remember(f"validation batch {batch_idx} after step {trainer.global_step}", batch)

    def _remember(self, place: str, batch: Any) -> None:
        self._place = place
        names = list(dict.fromkeys(getattr(batch, "names", ())))
        sizes = ""
        if hasattr(batch, "mel_lengths"):
            sizes = f" of up to {batch.mel.shape[2]} frames and {batch.text.shape[1]} symbols"
        elif hasattr(batch, "wave"):
            sizes = f" of {batch.wave.shape[1]} samples"
        self._content = f": {len(names)} utterances{sizes} ({listed(names, _MOST_NAMES)})"
