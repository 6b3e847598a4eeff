"""Copies and restores everything that training changes, and lowers learning rates."""

from __future__ import annotations

from copy import copy
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor


class Snapshot:
    """Copies weights, buffers, optimisers, schedulers, loss scale and averages to main memory.

    Args:
        trainer: the trainer, in the middle of training.
        pl_module: the task that it trains.
        like: an older copy of the same step, whose ``step`` the new copy takes over.

    Attributes:
        step: optimiser steps so far when the copy was made.
    """

    def __init__(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, like: Snapshot | None = None
    ) -> None:
        self.step: int = trainer.global_step if like is None else like.step
        self._states = [_copy(part.state_dict()) for part in _parts(trainer, pl_module)]

    def restore(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore the values of the copy; the copy can be used again."""
        for part, state in zip(_parts(trainer, pl_module), self._states, strict=True):
            part.load_state_dict(_copy(state))


def lower_learning_rates(trainer: pl.Trainer, factor: float) -> None:
    """Multiply all learning rates by a factor, also those from which schedulers compute others.

    The schedulers of torch keep these rates in ``base_lrs`` (``LambdaLR`` and most others) and, in
    the parameter groups, in ``initial_lr``, ``max_lr`` and ``min_lr`` (``OneCycleLR``).
    """
    for optimizer in trainer.optimizers:
        for group in optimizer.param_groups:
            for name in group.keys() & {"lr", "initial_lr", "max_lr", "min_lr"}:
                group[name] *= factor
    for config in trainer.lr_scheduler_configs:
        _lower(config.scheduler, factor)


def _lower(scheduler: Any, factor: float) -> None:
    """Lower the rates of a scheduler and of the schedulers inside it (``SequentialLR``)."""
    for name in ("base_lrs", "_last_lr"):
        if hasattr(scheduler, name):
            setattr(scheduler, name, [rate * factor for rate in getattr(scheduler, name)])
    for part in getattr(scheduler, "_schedulers", ()):
        _lower(part, factor)


def _parts(trainer: pl.Trainer, pl_module: pl.LightningModule) -> list[Any]:
    """Return all objects whose state changes in training."""
    scaler = getattr(trainer.precision_plugin, "scaler", None)
    averages = [
        callback._average_model
        for callback in trainer.callbacks  # type: ignore[attr-defined]
        if isinstance(callback, WeightAveraging)
    ]
    schedulers = [config.scheduler for config in trainer.lr_scheduler_configs]
    parts = [pl_module, *trainer.optimizers, *schedulers, scaler, *averages]
    return [part for part in parts if part is not None]


def _copy(state: Any) -> Any:
    """Return a deep copy whose tensors are in main memory."""
    if isinstance(state, Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        copied = copy(state)  # keeps the class: MultiStepLR has a Counter
        for key, value in state.items():
            copied[key] = _copy(value)
        return copied
    if isinstance(state, (list, tuple)):
        return type(state)(_copy(value) for value in state)
    return state
