"""Saves the state of the random generators in every checkpoint, so that dropout resumes exactly.

Loader workers have no state to save: what is drawn for an item depends on the seed, the epoch and
the item alone.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from tts.callbacks.ranks import gather_from_ranks
from tts.core.random_state import RngState, rng_state, set_rng_state

KEY = "random_state"


class RandomState(Callback):
    """Saves the generators of every rank, and restores them before the first resumed batch.

    A run that resumes with another number of ranks starts with fresh generators.
    """

    def __init__(self) -> None:
        self._resumed: RngState | None = None

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Collect the states of all ranks; Lightning calls this on every rank."""
        checkpoint[KEY] = gather_from_ranks(trainer, rng_state(pl_module.device))

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep the state of this rank until training starts."""
        states = checkpoint.get(KEY, [])
        if len(states) == trainer.world_size:
            self._resumed = states[trainer.global_rank]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore the state, because creating the loaders may have drawn numbers."""
        if self._resumed is not None:
            set_rng_state(self._resumed, pl_module.device)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Restore the state again, because a validation may have come first."""
        self.on_train_start(trainer, pl_module)
        self._resumed = None
