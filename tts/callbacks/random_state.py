"""The state of torch's random generators in every checkpoint, so that dropout resumes exactly."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from pytorch_lightning.callbacks import Callback

KEY = "random_state"


class RandomState(Callback):
    """Saves the generators of every rank; puts them back before the first resumed epoch.

    A run that resumes with another number of ranks goes on with fresh generators.
    """

    def __init__(self) -> None:
        self._resumed: dict[str, torch.Tensor] | None = None

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Collect the states; called on every rank."""
        state = {"cpu": torch.get_rng_state()}
        if pl_module.device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state(pl_module.device)
        states: list[Any] = [state]
        if trainer.world_size > 1:
            states = [None] * trainer.world_size
            dist.all_gather_object(states, state)
        checkpoint[KEY] = states

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep this rank's state until training starts."""
        states = checkpoint.get(KEY, [])
        if len(states) == trainer.world_size:
            self._resumed = states[trainer.global_rank]

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the state back, once: the sanity check before it may have drawn."""
        if self._resumed is None:
            return
        torch.set_rng_state(self._resumed["cpu"].cpu())
        if pl_module.device.type == "cuda" and "cuda" in self._resumed:
            torch.cuda.set_rng_state(self._resumed["cuda"].cpu(), pl_module.device)
        self._resumed = None
