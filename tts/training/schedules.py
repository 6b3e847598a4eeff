"""Defines learning-rate schedules that torch does not offer ready-made."""

from __future__ import annotations

from math import cos, pi

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from tts.core.ranges import CountOrZero, Share


def warmup_cosine(
    optimizer: Optimizer,
    *,
    warmup_steps: CountOrZero,
    total_steps: int,
    final_factor: Share = 0.01,
) -> LambdaLR:
    """Return a schedule: a linear warm-up, then half a cosine down to ``final_factor`` of the rate.

    Args:
        optimizer: the optimiser whose learning rate is the highest of the schedule.
        warmup_steps: optimiser steps until the rate is reached.
        total_steps: optimiser steps until the rate has fallen; after them it stays.
        final_factor: share of the rate that is left at the end.

    Raises:
        ValueError: unless ``0 <= warmup_steps < total_steps``.
    """
    if not 0 <= warmup_steps < total_steps:
        raise ValueError(
            f"scheduler needs 0 <= warmup_steps < total_steps, not {warmup_steps} and {total_steps}"
            " (total_steps follows trainer.max_steps: set that)"
        )

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        done = min(1.0, (step - warmup_steps) / (total_steps - warmup_steps))
        return final_factor + (1.0 - final_factor) * 0.5 * (1.0 + cos(pi * done))

    return LambdaLR(optimizer, factor)
