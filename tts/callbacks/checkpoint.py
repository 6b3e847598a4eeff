"""Checkpoints of a run: the best and the last, where last means the very end of the run."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint


class Checkpoint(ModelCheckpoint):
    """Lightning's ``ModelCheckpoint``, which saves after validation, and once more at the end.

    Without that a run that ends by ``max_steps`` or ``max_time`` between two validations would
    lose what it has learned since the first of them.
    """

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Save ``last.ckpt`` when the run is interrupted by Ctrl-C."""
        if isinstance(exception, KeyboardInterrupt) and trainer.world_size == 1:
            self.on_train_end(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save ``last.ckpt`` unless the last step is in it already."""
        if self.save_last and self._last_global_step_saved != trainer.global_step:
            self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))
