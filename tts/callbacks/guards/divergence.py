"""Stops or rolls back a run that diverges, at the step where it diverges.

It checks loss and gradient once in each step, between backward and the optimiser. There the
gradient is complete, unscaled and not yet clipped, and the weights are still the last good ones.
Both numbers come in one copy from the GPU. So a step costs one synchronisation, one norm of the
gradient and, with several processes, one reduction, in which they also agree whether to stop or to
save (:mod:`tts.callbacks.step_boundary`).

A value that is not finite counts as divergence at once. A value far above the usual counts only if
it stays there: single hard batches are common, and clipping takes care of them.
:mod:`tts.callbacks.guards.outliers` defines "far".
"""

from __future__ import annotations

import logging
import math
from typing import Annotated, Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, WeightAveraging
from torch import Tensor
from torch.optim import Optimizer

from tts.callbacks.guards.outliers import OutlierDetector
from tts.callbacks.guards.rollback import Snapshot, lower_learning_rates
from tts.callbacks.ranks import gather_from_ranks
from tts.callbacks.step_boundary import mean_over_ranks
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
    """Acts when the loss or the gradient norm is not finite, or explodes and stays high.

    All processes judge the same two numbers, means over all processes, so they decide alike. Under
    ``precision=16-mixed``, gradients that overflow are normal: the scaler skips the step and lowers
    its scale. Only ``patience`` such steps in a row count as divergence.

    A rollback restores weights, optimiser, scheduler, loss scale and averaged weights from the last
    copy, lowers the learning rate, and continues with the next batches; the count of steps is not
    turned back. List this callback after ``EMA``.

    Args:
        on_divergence: ``"stop"`` or ``"rollback"``. A rollback needs main memory for one more copy
            of weights, optimiser and averages in each process.
        explosion: number of spreads above the median that is too many; None reacts to NaN and
            infinity only.
        patience: number of steps in a row that must be too high.
        window: number of steps whose median and spread are used; a quarter of them must have
            passed.
        copy_every: steps between two copies for a rollback. A suspicious state is not copied.
        lr_factor: each rollback multiplies the learning rate by this.
        max_rollbacks: after so many rollbacks, the next divergence stops the run.

    Raises:
        InputError: an option is out of its range.
        TrainingError: the run diverged; the message names value, step, epoch and utterances.
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
        """Return the usual values and the number of rollbacks."""
        usual = {name: list(values.window) for name, values in self._usual.items()}
        return {"rollbacks": self.rollbacks, "usual": usual}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue with the state of a checkpoint."""
        self.rollbacks = state_dict.get("rollbacks", 0)
        for name, values in state_dict.get("usual", {}).items():
            self._usual[name].window.extend(values)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Make the first copy for a rollback.

        Raises:
            InputError: a callback that averages weights is listed after this one.
        """
        self._losses.clear()
        self._clear_suspicion()
        if self.on_divergence == "rollback":
            callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
            later = callbacks[callbacks.index(self) :]
            if any(isinstance(callback, WeightAveraging) for callback in later):
                reason = "otherwise EMA averages weights of rejected steps"
                raise InputError(f"callbacks: list ema before guard; {reason}")
            self._snapshot = Snapshot(trainer, pl_module)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Remember the utterances of the batch."""
        self._names = tuple(dict.fromkeys(getattr(batch, "names", ())))

    def on_before_backward(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor
    ) -> None:
        """Keep the loss on its device until the step is complete."""
        self._losses.append((loss.detach().mean(), self._names))

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Judge the step; stop the run, or make a bad step void so that it can be rolled back."""
        losses, self._losses = self._losses, []
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        total = sum(x for x, _ in losses)
        if scaler is not None:
            # the gradients are already unscaled, the loss is not; get_scale() would wait
            total = total / scaler.scale(torch.ones_like(torch.as_tensor(total)))
        loss, norm = mean_over_ranks(trainer, [total, total_norm(pl_module)])
        self._stepped = True
        self._verdict = self._judge(loss, norm, scaler is not None, trainer, losses)
        if self._verdict is None:
            return
        if self.on_divergence == "stop" or self.rollbacks >= self.max_rollbacks:
            raise TrainingError(self._stop_message(trainer))
        for parameter in pl_module.parameters():
            parameter.grad = None  # the optimiser skips parameters without a gradient

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Roll back, or copy a good state, after schedules and averages have been updated."""
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
        """Return what is wrong with a step as text, or None.

        Args:
            loss: mean loss of the step over all processes.
            norm: mean norm of the gradient.
            scaled: whether a loss scale is in use, so that infinite gradients are normal.
            trainer: the trainer of this process.
            losses: loss and utterances of each batch of the step.
        """
        if not math.isfinite(loss):
            self._clear_suspicion()
            self._suspect = _gather(trainer, _names(losses, only_bad=True))
            return f"the loss is {loss}"
        if not math.isfinite(norm) and not scaled:
            self._clear_suspicion()
            self._suspect = _gather(trainer, _names(losses))
            return f"the gradient is {norm}"
        values = {"loss": loss, "gradient norm": norm}
        far = [name for name, value in values.items() if self._usual[name].is_far_above(value)]
        if far == ["gradient norm"] and self._usual["loss"].is_clearly_below(loss):
            far = []  # the network learns fast, as a flow does when its first coupling starts to
        if not far:
            self._clear_suspicion()
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

    def _clear_suspicion(self) -> None:
        self._n_suspect = 0
        self._suspect = []

    def _roll_back(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert self._snapshot is not None
        message = self._describe(trainer)
        self._snapshot.restore(trainer, pl_module)
        lower_learning_rates(trainer, self.lr_factor)
        # a second rollback must start with the lower rate, not with the one that failed
        self._snapshot = Snapshot(trainer, pl_module, like=self._snapshot)
        self.rollbacks += 1
        self._verdict = None
        self._clear_suspicion()
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

    def _describe(self, trainer: pl.Trainer) -> str:
        names = listed(self._suspect, _MOST_NAMES) or "without names"
        link = ", which began with" if self._n_suspect else ","
        place = f"step {trainer.global_step} (epoch {trainer.current_epoch})"
        return f"{self._verdict} at {place}{link} utterances: {names}"

    def _stop_message(self, trainer: pl.Trainer) -> str:
        if not trainer.is_global_zero:
            return f"stopped at step {trainer.global_step} with the other processes"
        attempts = f" after {self.rollbacks} rollbacks" if self.rollbacks else ""
        hint = "" if attempts else ", set callbacks.guard.on_divergence=rollback"
        return (
            f"{self._describe(trainer)}{attempts}; resume from the last checkpoint with a lower "
            f"model.optimizer.lr{hint}, or look at these utterances"
        )


def _names(losses: list[tuple[Tensor, tuple[str, ...]]], only_bad: bool = False) -> list[str]:
    """Return the utterances of all batches of a step, or only of those with a bad loss."""
    return [n for loss, names in losses if not (only_bad and loss.isfinite()) for n in names]


def _gather(trainer: pl.Trainer, names: list[str]) -> list[str]:
    """Return the utterances of all processes."""
    return [name for part in gather_from_ranks(trainer, names) for name in part]
