"""Defines the base of both tasks: the step body, optimiser and scheduler, names of scalars.

A task wraps a network for Lightning's Trainer. It knows nothing of files, Hydra or loggers. Its
hyper-parameters are the objects that it is given; checkpoints hold tensors and plain containers
only (see :class:`tts.callbacks.DescribeCheckpoint`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tts.core.errors import InputError
from tts.core.random_state import isolated_rng
from tts.pretrained.checkpoint import uncompiled_name
from tts.training.accumulation import AccumulatedMean
from tts.training.task_samples import TaskSamples

OptimizerFactory = Callable[[Iterator[nn.Parameter]], Optimizer]
SchedulerFactory = Callable[[Optimizer], Any]


def is_logging_step(trainer: pl.Trainer, step: int) -> bool:
    """Return whether Lightning writes the scalars of this optimiser step, counted from 1."""
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
    return step % every == 0 or bool(trainer.fast_dev_run)  # type: ignore[attr-defined]


def is_of_logging_steps(name: str) -> bool:
    """Return whether a metric is written in logging steps only, as all of training but losses."""
    is_loss = name.startswith("train/loss") and name != "train/loss_scale"
    return name.startswith("train/") and not is_loss


def check_optimizer(task: pl.LightningModule) -> None:
    """Build the optimiser and discard it: a wrong option shows before the data is prepared.

    Raises:
        InputError: the optimiser or the scheduler refuses its options.
    """
    try:
        task.configure_optimizers()
    except (TypeError, ValueError, IndexError) as error:
        raise InputError(f"model.optimizer or model.scheduler: {error}") from None


class SpeechTask(pl.LightningModule):
    """Trains a network; subclasses define the loss of a batch and the samples to show.

    Args:
        network: the network; its parameters are under ``network.`` in checkpoints.
        optimizer: called with the parameters.
        scheduler: called with the optimiser; None keeps the learning rate.
        scheduler_interval: ``"step"`` or ``"epoch"``: how often the scheduler steps.

    Attributes:
        loss_count: what the loss of the last training batch is a mean over, equal on all ranks.
            It is the weight of the batch where batches are accumulated.
    """

    loss_count: Tensor | float = 1.0
    #: Kinds of the alignments and gates in `samples`, for tasks that have them.
    sample_kinds: tuple[str, ...] = ()

    def __init__(
        self,
        network: nn.Module,
        optimizer: OptimizerFactory,
        scheduler: SchedulerFactory | None = None,
        scheduler_interval: str = "step",
    ) -> None:
        super().__init__()
        self.network = network
        #: Judges predictions in training; set by tasks that have one.
        self.critic: nn.Module | None = None
        self._optimizer, self._scheduler = optimizer, scheduler
        self._scheduler_interval = scheduler_interval
        self._accumulated = AccumulatedMean()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Give the weights of a checkpoint the names of this task's.

        The names of a network that ``torch.compile`` has compiled are other ones.

        Raises:
            InputError: ``loss.critic_weight`` has been switched on or off.
        """
        own = {uncompiled_name(name): name for name in self.state_dict()}
        for key in ("state_dict", "current_model_state"):
            if key in checkpoint and checkpoint[key].keys() != {*own.values()}:
                state = {uncompiled_name(name): value for name, value in checkpoint[key].items()}
                checkpoint[key] = {own.get(name, name): value for name, value in state.items()}
        had_critic = any(name.startswith("critic.") for name in checkpoint["state_dict"])
        if had_critic != (self.critic is not None):
            raise InputError(
                f"loss.critic_weight: the run to resume was trained "
                f"{'with' if had_critic else 'without'} a critic; give the weight that it had, or "
                "begin a new run with init_from="
            )

    def losses(self, batch: Any, stage: str) -> tuple[dict[str, Tensor], int]:
        """Return the parts of the loss, their sum as ``"total"``, and the batch's weight in means.

        Args:
            batch: a batch of the data module.
            stage: ``"train"``, ``"val"`` or ``"test"``.

        Returns:
            Scalar tensors by name, and what the loss is a mean over; in training, whose means are
            those of single steps, the weight has no effect.
        """
        raise NotImplementedError

    def loss_names(self, stage: str) -> Collection[str] | None:
        """Return the names of the parts of the loss, without ``"total"``; None if not stated.

        Args:
            stage: ``"train"`` or ``"val"``.
        """
        return None

    def metric_names(self, trainer: pl.Trainer, task: pl.LightningModule) -> set[str] | None:
        """Return the names of all metrics that this task logs; None if they are not stated.

        Args:
            trainer: the trainer of the run.
            task: this task; callbacks have a method of the same form.
        """
        names: set[str] = set()
        for stage in ("train", "val"):
            parts = self.loss_names(stage)
            if parts is None:
                return None
            names |= {f"{stage}/loss", *(f"{stage}/loss_{part}" for part in parts)}
        return names

    def samples(self, batch: Any, generator: torch.Generator) -> TaskSamples:
        """Return what people look at and listen to, for each utterance of a batch.

        Args:
            batch: a batch of the data module.
            generator: the source of all noise.
        """
        raise NotImplementedError

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the loss of one batch, a scalar."""
        return self._step(batch, "train")

    def on_before_zero_grad(self, optimizer: Optimizer) -> None:
        """Begin the accumulation of an optimiser step."""
        self._accumulated.begin()

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Add to the gradients, so that accumulated batches act as one batch of all of them."""
        if (n_batches := self.trainer.accumulate_grad_batches) > 1:
            # Lightning has already divided the loss by the number of batches
            loss = self._accumulated.weigh(loss * n_batches, self.loss_count, self.parameters())
        super().backward(loss, *args, **kwargs)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Log the teacher-forced loss, with the same dropout masks in every validation.

        The random state of the training stays as it is.
        """
        with isolated_rng(batch_idx):
            self._step(batch, "val")

    def test_step(self, batch: Any, batch_idx: int) -> None:
        """Log the loss as a validation does."""
        with isolated_rng(batch_idx):
            self._step(batch, "test")

    def configure_optimizers(self) -> Any:
        """Return the optimiser of the trainable parameters, and the scheduler if there is one."""
        trainable = (p for p in self.parameters() if p.requires_grad)
        optimizer = self._optimizer(trainable)
        optimizer.register_load_state_dict_pre_hook(_keep_implementation)
        # Lightning unscales and clips gradients itself, so a fused optimiser must not unscale them
        optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]
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
                # Lightning would fetch a metric of its bars from the GPU in each training step; the
                # progress reads train/loss when it draws
                prog_bar=total and not train,
                on_step=train,
                on_epoch=not train,
                sync_dist=not train,
                batch_size=weight,
            )
        if train:
            self._stop_logging_all_but(losses)
        return losses["total"]

    def _stop_logging_all_but(self, losses: dict[str, Tensor]) -> None:
        """Remove parts of the loss that have ended from Lightning's results.

        Lightning would log their last value in every step until the epoch ends.
        """
        results: dict[str, Any] = self.trainer._results or {}
        prefix = "training_step.train/loss_"
        for key in [key for key in results if key.startswith(prefix)]:
            if key[len(prefix) :] not in losses:
                del results[key]


def _keep_implementation(optimizer: Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """Return a state to load that leaves the choice of kernels to the optimiser of this device."""
    groups = [
        {**saved, **{key: own[key] for key in ("fused", "foreach") if key in own}}
        for saved, own in zip(state["param_groups"], optimizer.param_groups, strict=False)
    ]
    # torch compares the numbers of groups itself
    return {**state, "param_groups": groups + state["param_groups"][len(groups) :]}
