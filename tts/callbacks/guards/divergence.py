"""Stop, or roll back, a run that has gone wrong, at the step where it went wrong.

Loss and gradient are looked at once in each step, between backward and the optimiser, where the
gradient is whole, unscaled and not yet clipped, and the weights are still the last good ones. Both
numbers come in one copy from the GPU, so a step pays for one synchronisation, one norm of the
gradient and, with several processes, one reduction of two numbers.

Not finite is wrong at once. Far above what is usual is wrong only when it stays: a single hard
batch is common, and clipping is there for it. What far means:
:mod:`tts.callbacks.guards.outliers`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, WeightAveraging
from torch import Tensor
from torch.optim import Optimizer

from tts.callbacks.guards.outliers import OutlierDetector
from tts.callbacks.guards.rollback import Snapshot, lower_learning_rates
from tts.callbacks.ranks import gather_from_ranks
from tts.callbacks.throughput import total_norm
from tts.core.errors import InputError, TrainingError, listed
from tts.core.ranges import (
    Count,
    CountOrZero,
    Number,
    OptionalPositive,
    check_arguments,
    legal_arguments,
)

log = logging.getLogger(__name__)

_MOST_NAMES = 16


class DivergenceGuard(Callback):
    """Acts when the loss or the gradient is not finite, or explodes and stays there.

    All processes judge the same two numbers, means over all of them, and so decide alike. Under
    ``precision=16-mixed`` gradients that overflow are normal: the scaler skips the step and lowers
    its scale; only ``patience`` such steps in a row are taken for divergence.

    A rollback gives weights, optimiser, scheduler, loss scale and averaged weights the values they
    had when they were last copied, lowers the learning rate, and goes on with the batches that
    follow: the count of steps is not turned back. List this after ``EMA``.

    Args:
        on_divergence: ``"stop"``, or ``"rollback"``, which needs main memory for one more copy of
            weights, optimiser and averages in each process.
        explosion: how many spreads above the median are too many; None watches for NaN and
            infinity only.
        patience: steps in a row that must be too high.
        window: steps that median and spread are taken of; a quarter of it must have passed.
        copy_every: steps between two copies to roll back to; none is made of a state that is
            suspected.
        lr_factor: what the learning rate is multiplied by in each rollback.
        max_rollbacks: after so many, the run stops.

    Raises:
        TrainingError: naming what diverged, step, epoch and utterances.
    """

    def __init__(
        self,
        on_divergence: Literal["stop", "rollback"] = "stop",
        explosion: OptionalPositive = 20.0,
        patience: Count = 20,
        window: int = 200,
        copy_every: Count = 200,
        lr_factor: Annotated[float, Number(float, above=0, most=1)] = 0.5,
        max_rollbacks: CountOrZero = 3,
    ) -> None:
        check_arguments(locals(), legal_arguments(type(self)), "callbacks.guard.")
        self.on_divergence = on_divergence
        self.patience = patience
        self.copy_every = copy_every
        self.lr_factor = lr_factor
        self.max_rollbacks = max_rollbacks
        self.rollbacks = 0
        self._usual = {
            name: OutlierDetector(explosion, window) for name in ("loss", "gradient norm")
        }
        self._losses: list[tuple[Tensor, tuple[str, ...]]] = []
        self._names: tuple[str, ...] = ()
        self._suspect: list[str] = []
        self._n_suspect = 0
        self._stepped = False
        self._verdict: str | None = None
        self._snapshot: Snapshot | None = None

    def state_dict(self) -> dict[str, Any]:
        """What is usual, and how many rollbacks there were."""
        usual = {name: list(values.window) for name, values in self._usual.items()}
        return {"rollbacks": self.rollbacks, "usual": usual}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it up."""
        self.rollbacks = state_dict.get("rollbacks", 0)
        for name, values in state_dict.get("usual", {}).items():
            self._usual[name].window.extend(values)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Copy the first state to come back to.

        Raises:
            InputError: a callback that averages weights would have its turn after this.
        """
        self._losses.clear()
        self._calm()
        if self.on_divergence == "rollback":
            callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
            later = callbacks[callbacks.index(self) :]
            if any(isinstance(callback, WeightAveraging) for callback in later):
                raise InputError("callbacks: list ema before guard, or it averages what is void")
            self._snapshot = Snapshot(trainer, pl_module)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Remember who is in the batch."""
        self._names = tuple(dict.fromkeys(getattr(batch, "names", ())))

    def on_before_backward(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor
    ) -> None:
        """Keep the loss, on its device, for when the step is whole."""
        self._losses.append((loss.detach().mean(), self._names))

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Judge the step; a bad one is stopped here, or made void to be rolled back."""
        losses, self._losses = self._losses, []
        loss, norm = _over_processes(trainer, [sum(x for x, _ in losses), total_norm(pl_module)])
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        if scaler is not None:
            loss /= scaler.get_scale()  # the gradients are unscaled by now, the loss is not
        self._stepped = True
        self._verdict = self._judge(loss, norm, scaler is not None, trainer, losses)
        if self._verdict is None:
            return
        if self.on_divergence == "stop" or self.rollbacks >= self.max_rollbacks:
            raise TrainingError(self._farewell(trainer))
        for parameter in pl_module.parameters():
            parameter.grad = None  # the optimiser passes these by

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Roll back, or copy a good state, when schedules and averages have had their turn."""
        if not self._stepped or self._snapshot is None:
            return
        self._stepped = False
        if self._verdict is not None:
            self._roll_back(trainer, pl_module)
        elif self._n_suspect == 0 and trainer.global_step % self.copy_every == 0:
            self._snapshot = Snapshot(trainer, pl_module)

    def _judge(
        self,
        loss: float,
        norm: float,
        scaled: bool,
        trainer: pl.Trainer,
        losses: list[tuple[Tensor, tuple[str, ...]]],
    ) -> str | None:
        """What has gone wrong, if anything has."""
        if not math.isfinite(loss):
            self._calm()
            self._suspect = _gather(trainer, _names(losses, only_bad=True))
            return f"the loss is {loss}"
        if not math.isfinite(norm) and not scaled:
            self._calm()
            self._suspect = _gather(trainer, _names(losses))
            return f"the gradient is {norm}"
        values = {"loss": loss, "gradient norm": norm}
        far = [name for name, value in values.items() if self._usual[name].exceeded_by(value)]
        if far == ["gradient norm"] and self._usual["loss"].clearly_above(loss):
            far = []  # it learns fast, as a flow does once its first coupling has begun to
        if not far:
            self._calm()
            for name, value in values.items():
                self._usual[name].window.append(value)
            return None
        if self._n_suspect == 0:
            self._suspect = _gather(trainer, _names(losses))
        self._n_suspect += 1
        if self._n_suspect < self.patience:
            return None
        name, usual = far[0], self._usual[far[0]]
        than = f", usually {usual.middle:.4g}" if usual.window else ""
        return f"the {name} is {values[name]:.4g}{than}, {self.patience} steps in a row"

    def _calm(self) -> None:
        self._n_suspect = 0
        self._suspect = []

    def _roll_back(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert self._snapshot is not None
        message = self._what(trainer)
        self._snapshot.restore(trainer, pl_module)
        lower_learning_rates(trainer, self.lr_factor)
        # the next time starts from here, not from the rate that failed
        self._snapshot = Snapshot(trainer, pl_module, like=self._snapshot)
        self.rollbacks += 1
        self._verdict = None
        self._calm()
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.log_metrics(
                    {"train/rollbacks": self.rollbacks}, step=trainer.global_step - 1
                )
            log.warning(
                "%s; rolled back to step %d with a learning rate of %.3g (%d of at most %d times)",
                message,
                self._snapshot.step,
                trainer.optimizers[0].param_groups[0]["lr"],
                self.rollbacks,
                self.max_rollbacks,
            )

    def _what(self, trainer: pl.Trainer) -> str:
        names = listed(self._suspect, _MOST_NAMES) or "without names"
        began = ", which began with" if self._n_suspect else ","
        place = f"step {trainer.global_step} (epoch {trainer.current_epoch})"
        return f"{self._verdict} at {place}{began} utterances: {names}"

    def _farewell(self, trainer: pl.Trainer) -> str:
        if not trainer.is_global_zero:
            return f"stopped at step {trainer.global_step} with the other processes"
        tried = f" after {self.rollbacks} rollbacks" if self.rollbacks else ""
        hint = "" if tried else ", set callbacks.guard.on_divergence=rollback"
        return (
            f"{self._what(trainer)}{tried}; resume from the last checkpoint with a lower "
            f"model.optimizer.lr{hint}, or look at these utterances"
        )


def _over_processes(trainer: pl.Trainer, values: Iterable[Any]) -> list[float]:
    """Means over all processes, in one copy from the device."""
    stacked = torch.stack([torch.as_tensor(value).float() for value in values])
    if trainer.world_size > 1:
        stacked = trainer.strategy.reduce(stacked, reduce_op="mean")
    return stacked.tolist()


def _names(losses: list[tuple[Tensor, tuple[str, ...]]], only_bad: bool = False) -> list[str]:
    """Utterances of the batches of a step, or of those whose loss is not finite."""
    return [n for loss, names in losses if not (only_bad and loss.isfinite()) for n in names]


def _gather(trainer: pl.Trainer, names: list[str]) -> list[str]:
    """The same of all processes."""
    return [name for part in gather_from_ranks(trainer, names) for name in part]
