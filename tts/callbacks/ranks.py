"""Collects values from all processes of a run."""

from __future__ import annotations

from typing import Any, TypeVar

import pytorch_lightning as pl
import torch.distributed as dist

T = TypeVar("T")


def gather_from_ranks(trainer: pl.Trainer, value: T) -> list[T]:
    """Return the values of all processes, in the order of their ranks.

    All processes have to call it together.

    Args:
        trainer: the trainer of this process.
        value: any object that can be pickled.
    """
    if trainer.world_size == 1:
        return [value]
    values: list[Any] = [None] * trainer.world_size
    dist.all_gather_object(values, value)
    return values
