"""What all processes of a run know together."""

from __future__ import annotations

from typing import Any, TypeVar

import pytorch_lightning as pl
import torch.distributed as dist

T = TypeVar("T")


def gather_from_ranks(trainer: pl.Trainer, value: T) -> list[T]:
    """The value of every process, in the order of their ranks; all of them call it together."""
    if trainer.world_size == 1:
        return [value]
    values: list[Any] = [None] * trainer.world_size
    dist.all_gather_object(values, value)
    return values
