"""Stop a run that has gone wrong, at the step where it went wrong.

The loss is looked at before ``backward``, so the weights are still the last good ones. Looking
costs one synchronisation with the GPU in each step, which is little beside the thousand small
kernels of a recurrent decoder.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from tts.errors import TrainingError


class StopOnNonFinite(Callback):
    """Ends the run with one line when a loss is not a number or infinite.

    All processes agree on it, so that none is left waiting for the others' gradients.

    Raises:
        TrainingError: naming the loss, the step, the epoch and the utterances of the batch.
    """

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Remember who is in the batch."""
        self._names = tuple(dict.fromkeys(getattr(batch, "names", ())))

    def on_before_backward(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor
    ) -> None:
        """Look at the loss."""
        here = not bool(torch.isfinite(loss.detach()).all())
        anywhere = here
        if trainer.world_size > 1:
            anywhere = trainer.strategy.reduce_boolean_decision(here, all=False)
        if anywhere:
            raise TrainingError(self._message(trainer, float(loss.detach().mean()), here))

    def _message(self, trainer: pl.Trainer, loss: float, here: bool) -> str:
        place = f"step {trainer.global_step} (epoch {trainer.current_epoch})"
        if not here:
            return f"stopped at {place}: the loss of another process is not finite"
        names = ", ".join(self._names) or "without names"
        return (
            f"the loss is {loss} at {place}, utterances: {names}; resume from the last checkpoint "
            "with a lower model.optimizer.lr, or look at these utterances"
        )
