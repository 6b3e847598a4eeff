"""Keeps an exponential moving average of the weights, which is validated, sampled and saved.

Lightning's ``WeightAveraging`` does the work. Five things differ here:

- The averages move to the GPU with the model. Lightning leaves them on the CPU, where the model is
  during ``setup``.
- An update makes the host wait for nothing: the number of updates stays on the CPU. (torch's update
  reads it from the GPU three times.)
- They stay in the model until the validation has ended, so that all callbacks at its end see them,
  in any order.
- A checkpoint always holds the averages under ``state_dict`` and the weights of the run under
  ``current_model_state``, also after training. So resuming is exact.
- The decay warms up as ``(1 + n) / (10 + n)`` over the ``n`` updates so far (as in TensorFlow's
  ``ExponentialMovingAverage``). Otherwise a short run would mostly average its random beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor, nn

from tts.core.ranges import Number, check_arguments, legal_arguments


class EMA(WeightAveraging):
    """Averages all parameters and buffers after every optimiser step.

    List it before ``LogSamples``, so that the averages make the samples at the end of a run.
    Integer buffers, such as batch norm's count of batches, are copied.

    Args:
        decay: share of the average that a step keeps after the warm-up; in [0, 1).

    Raises:
        ValueError: decay lies outside [0, 1).
    """

    def __init__(self, decay: Annotated[float, Number(float, least=0, below=1)] = 0.999) -> None:
        check_arguments(locals(), legal_arguments(type(self)), "callbacks.ema.")
        self.decay = decay
        self._swapped = False
        super().__init__()

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Copy the model into the averages."""
        super().setup(trainer, pl_module, stage)
        if stage == "fit":
            self._swapped = False

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Move the averages to the device of the model."""
        if self._average_model is not None:
            self._average_model.to(pl_module.device)
            self._average_model.n_averaged = self._average_model.n_averaged.cpu()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Update the averages, if this batch ended a step."""
        if trainer.global_step > self._latest_update_step:
            self._update(pl_module)
            self._latest_update_step = trainer.global_step

    @torch.no_grad()
    def _update(self, pl_module: pl.LightningModule) -> None:
        """Move the averages towards the current values; the first update copies these."""
        assert self._average_model is not None
        n = int(self._average_model.n_averaged)
        decay = min(self.decay, (1 + n) / (10 + n)) if n > 0 else 0.0
        pairs: dict[torch.dtype, list[tuple[Tensor, Tensor]]] = {}
        for average, current in zip(
            _tensors(self._average_model.module), _tensors(pl_module), strict=True
        ):
            pairs.setdefault(average.dtype, []).append((average, current))
        for dtype, tensors in pairs.items():
            averages, currents = zip(*tensors, strict=True)
            if dtype.is_floating_point and decay > 0:
                torch._foreach_lerp_(averages, currents, 1 - decay)
            else:
                torch._foreach_copy_(averages, currents)
        self._average_model.n_averaged += 1

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the averages into the model; after training they are there already."""
        if trainer.state.fn == TrainerFn.FITTING:
            self._swap_models(pl_module)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Do nothing: other callbacks need the averages in the model."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the weights of the run back; checkpoints are saved after this."""
        if trainer.state.fn == TrainerFn.FITTING:
            self._swap_models(pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the averages into the model, and keep the weights of the run for checkpoints."""
        self._swap_models(pl_module)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Write both sets of weights, each under its own key, wherever they are now."""
        super().on_save_checkpoint(trainer, pl_module, checkpoint)
        if self._swapped:
            averages = checkpoint["current_model_state"]
            checkpoint["current_model_state"] = checkpoint["state_dict"]
            checkpoint["state_dict"] = averages

    def _swap_models(self, pl_module: pl.LightningModule) -> None:
        super()._swap_models(pl_module)
        self._swapped = not self._swapped


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    return (tensor.detach() for tensor in chain(module.parameters(), module.buffers()))
