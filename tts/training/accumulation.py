"""Gradient accumulation as one large batch: the mean over all frames of a step.

Lightning takes the mean of the batches' losses. Where these are means over different numbers of
frames that is another loss than the one of the same utterances in one batch, and a step that ends
early, at the end of an epoch, is too small. Here the gradients so far are scaled down as the next
batch comes in, so that at any time they are those of the mean over everything seen.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class AccumulatedMean:
    """What has been accumulated in this step of the optimiser."""

    def __init__(self) -> None:
        self._count: Tensor | float | None = None

    def begin(self) -> None:
        """Begin a step: the gradients are zero."""
        self._count = None

    def weigh(
        self, loss: Tensor, count: Tensor | float, parameters: Iterable[nn.Parameter]
    ) -> Tensor:
        """Scale the gradients so far, and the loss that adds to them.

        Args:
            loss: a mean over ``count``.
            count: frames, say; equal on all ranks, whose gradients are averaged.
            parameters: whose gradients are accumulated.

        Returns:
            The loss, weighted for its share of everything seen in this step.
        """
        if self._count is None:
            self._count = count
            return loss
        before, self._count = self._count, self._count + count
        gradients = [p.grad for p in parameters if p.grad is not None]
        torch._foreach_mul_(gradients, before / self._count)
        return loss * (count / self._count)
