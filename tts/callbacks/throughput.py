"""Figures of a run's health: speed, waiting for data, gradient norm, learning rate.

Written every ``trainer.log_every_n_steps`` steps as means over the steps since the last time.
Nothing is copied from the GPU in between, so measuring does not slow down what is measured.
"""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from torch.optim import Optimizer


class Throughput(Callback):
    """Logs ``train/...`` scalars of this process.

    - ``frames_per_second``: real mel frames (batches with ``mel_lengths``), or
      ``samples_per_second``: samples of wave (batches with ``wave``);
    - ``seconds_per_step``: per optimiser step, waiting for data included;
    - ``data_wait``: share of that time between the end of a batch and the start of the next. A
      GPU computes on while its process waits, so some waiting costs nothing;
    - ``gradient_norm``: before clipping, of the step that is logged;
    - ``learning_rate``: of the first parameter group.

    Validation and the saving of checkpoints are left out.
    """

    def __init__(self) -> None:
        self._reset(0)
        self._gap_start: float | None = None
        self._batch_start = 0.0

    def _reset(self, step: int) -> None:
        self._first_step = step
        self._busy = 0.0
        self._waited = 0.0
        self._work: dict[str, float | Tensor] = {}
        self._gradient_norm: Tensor | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin here, be it a resumed run or the second of a process."""
        self._reset(trainer.global_step)
        self._gap_start = None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """End of waiting."""
        now = time.perf_counter()
        if self._gap_start is not None:
            self._waited += now - self._gap_start
            self._busy += now - self._gap_start
        self._batch_start = now

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Measure the gradient where it is whole, unscaled and not yet clipped."""
        if _is_due(trainer, trainer.global_step + 1):
            gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
            self._gradient_norm = torch.nn.utils.get_total_norm(gradients)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count the batch, and write if it is time."""
        for name, amount in _work(batch).items():
            self._work[name] = self._work.get(name, 0) + amount
        self._busy += time.perf_counter() - self._batch_start
        # the norm is there exactly when this batch ended a step that is due
        if self._gradient_norm is not None:
            pl_module.log_dict(self._figures(trainer), on_epoch=False, rank_zero_only=True)
            self._reset(trainer.global_step)
        self._gap_start = time.perf_counter()

    def _figures(self, trainer: pl.Trainer) -> dict[str, float]:
        busy = max(self._busy, 1e-9)
        figures = {f"{name}_per_second": float(n) / busy for name, n in self._work.items()}
        figures["seconds_per_step"] = busy / max(1, trainer.global_step - self._first_step)
        figures["data_wait"] = self._waited / busy
        figures["learning_rate"] = float(trainer.optimizers[0].param_groups[0]["lr"])
        if self._gradient_norm is not None:
            figures["gradient_norm"] = float(self._gradient_norm)
        return {f"train/{name}": value for name, value in figures.items()}

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validation is not waiting for data."""
        self._gap_start = None

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Nor is saving."""
        self._gap_start = None


def _is_due(trainer: pl.Trainer, step: int) -> bool:
    """Whether Lightning writes what is logged in this step."""
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
    return step % every == 0 or bool(trainer.fast_dev_run)  # type: ignore[attr-defined]


def _work(batch: Any) -> dict[str, float | Tensor]:
    """What a batch holds, without a copy from the GPU."""
    if hasattr(batch, "mel_lengths"):
        return {"frames": batch.mel_lengths.sum()}
    if hasattr(batch, "wave"):
        return {"samples": batch.wave.numel()}
    return {}
