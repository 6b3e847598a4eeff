"""What the two tasks share: one step body, optimiser and scheduler from partials, scalar names.

A task wraps a network for Lightning's Trainer. It knows nothing of files, Hydra or loggers; its
hyper-parameters are the objects it is given, and checkpoints hold tensors and plain containers
only (see :class:`tts.callbacks.DescribeCheckpoint`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tts.tasks.samples import Samples

OptimizerFactory = Callable[[Iterator[nn.Parameter]], Optimizer]
SchedulerFactory = Callable[[Optimizer], Any]


@contextmanager
def isolated_rng(seed: int) -> Iterator[None]:
    """Seed torch inside the block and leave its generators outside as they were."""
    initialized = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = list(range(torch.cuda.device_count())) if initialized else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


class SpeechTask(pl.LightningModule):
    """Base of the tasks: subclasses say how a batch becomes a loss, and what to show of it.

    Args:
        network: what is trained; its parameters are under ``network.`` in checkpoints.
        optimizer: called with the parameters.
        scheduler: called with the optimiser; None keeps the learning rate.
        scheduler_interval: ``"step"`` or ``"epoch"``, how often the scheduler steps.
    """

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

    def losses(self, batch: Any, stage: str) -> tuple[dict[str, Tensor], int]:
        """Parts of the loss with their sum under ``"total"``, and the weight of the batch in means.

        ``stage`` is ``"train"``, ``"val"`` or ``"test"``.
        """
        raise NotImplementedError

    def samples(self, batch: Any, generator: torch.Generator) -> Samples:
        """What there is to see and hear of a batch."""
        raise NotImplementedError

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Loss of one batch."""
        return self._step(batch, "train")

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
        optimizer = self._optimizer(self.network.parameters())
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
        return losses["total"]
