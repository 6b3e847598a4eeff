"""What the two tasks share: one step body, optimiser and scheduler from partials, scalar names.

A task wraps a network for Lightning's Trainer. It knows nothing of files, Hydra or loggers; its
hyper-parameters are the objects it is given, and checkpoints hold tensors and plain containers
only (see :class:`tts.callbacks.DescribeCheckpoint`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tts.core.random_state import isolated_rng
from tts.training.accumulation import AccumulatedMean
from tts.training.task_samples import TaskSamples

OptimizerFactory = Callable[[Iterator[nn.Parameter]], Optimizer]
SchedulerFactory = Callable[[Optimizer], Any]


def is_logging_step(trainer: pl.Trainer, step: int) -> bool:
    """Whether Lightning writes what is logged in this step, counted from 1."""
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
    return step % every == 0 or bool(trainer.fast_dev_run)  # type: ignore[attr-defined]


class SpeechTask(pl.LightningModule):
    """Base of the tasks: subclasses say how a batch becomes a loss, and what to show of it.

    Args:
        network: what is trained; its parameters are under ``network.`` in checkpoints.
        optimizer: called with the parameters.
        scheduler: called with the optimiser; None keeps the learning rate.
        scheduler_interval: ``"step"`` or ``"epoch"``, how often the scheduler steps.

    Attributes:
        loss_count: what the loss of the last training batch is a mean over, equal on all ranks;
            batches that are accumulated count by it.
    """

    loss_count: Tensor | float = 1.0

    def __init__(
        self,
        network: nn.Module,
        optimizer: OptimizerFactory,
        scheduler: SchedulerFactory | None = None,
        scheduler_interval: str = "step",
    ) -> None:
        super().__init__()
        self.network = network
        self._optimizer, self._scheduler = optimizer, scheduler
        self._scheduler_interval = scheduler_interval
        self._accumulated = AccumulatedMean()

    def losses(self, batch: Any, stage: str) -> tuple[dict[str, Tensor], int]:
        """Parts of the loss with their sum under ``"total"``, and the weight of the batch in means.

        ``stage`` is ``"train"``, ``"val"`` or ``"test"``.
        """
        raise NotImplementedError

    def samples(self, batch: Any, generator: torch.Generator) -> TaskSamples:
        """What there is to see and hear of a batch."""
        raise NotImplementedError

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Loss of one batch."""
        return self._step(batch, "train")

    def on_before_zero_grad(self, optimizer: Optimizer) -> None:
        """The first batch of a step of the optimiser."""
        self._accumulated.begin()

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Add to the gradients; accumulated batches give those of one batch of all of them."""
        if (n_batches := self.trainer.accumulate_grad_batches) > 1:
            # Lightning has divided by their number already
            loss = self._accumulated.weigh(loss * n_batches, self.loss_count, self.parameters())
        super().backward(loss, *args, **kwargs)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Teacher-forced loss; the same dropout masks each time, and none taken from training."""
        with isolated_rng(batch_idx):
            self._step(batch, "val")

    def test_step(self, batch: Any, batch_idx: int) -> None:
        """As in validation."""
        with isolated_rng(batch_idx):
            self._step(batch, "test")

    def configure_optimizers(self) -> Any:
        """Optimiser and, if there is one, scheduler."""
        trainable = (p for p in self.parameters() if p.requires_grad)
        optimizer = self._optimizer(trainable)
        if self._scheduler is None:
            return optimizer
        scheduler = {
            "scheduler": self._scheduler(optimizer),
            "interval": self._scheduler_interval,
        }
        return {"optimizer": optimizer, "lr_scheduler": scheduler}

    def _step(self, batch: Any, stage: str) -> Tensor:
        losses, weight = self.losses(batch, stage)
        train = stage == "train"
        for name, value in losses.items():
            total = name == "total"
            self.log(
                f"{stage}/loss" if total else f"{stage}/loss_{name}",
                value.detach(),
                prog_bar=total,
                on_step=train,
                on_epoch=not train,
                sync_dist=not train,
                batch_size=weight,
            )
        if train:
            self._forget_all_but(losses)
        return losses["total"]

    def _forget_all_but(self, losses: dict[str, Tensor]) -> None:
        """Lightning would write the last value of a part that has ended until the epoch ends."""
        results: dict[str, Any] = self.trainer._results or {}
        part = "training_step.train/loss_"
        for key in [key for key in results if key.startswith(part)]:
            if key[len(part) :] not in losses:
                del results[key]
