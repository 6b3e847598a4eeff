"""Makes accumulated gradients equal to those of one large batch: a mean over all its frames.

Lightning takes the mean of the losses of the accumulated batches. Each of these losses is a mean
over another number of frames, so their mean differs from the loss of the same utterances in one
batch. In addition, the step at the end of an epoch may have fewer batches, and Lightning makes that
step too small. Here each new batch scales down the gradients that are there already, so that the
gradients are always those of the mean over all batches so far.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class AccumulatedMean:
    """Weights the batches of one optimiser step by what their losses are means over."""

    def __init__(self) -> None:
        self._count: Tensor | float | None = None

    def begin(self) -> None:
        """Begin an optimiser step, in which all gradients are zero."""
        self._count = None

    def weigh(
        self, loss: Tensor, count: Tensor | float, parameters: Iterable[nn.Parameter]
    ) -> Tensor:
        """Scale the gradients of earlier batches, and return the weighted loss of this batch.

        Args:
            loss: a mean over ``count`` values.
            count: number of frames, for example. It must be equal on all ranks, because the
                gradients of the ranks are averaged.
            parameters: the parameters whose gradients are accumulated.

        Returns:
            The loss, multiplied by this batch's share of everything that the step has counted.
        """
        if self._count is None:
            self._count = count
            return loss
        before, self._count = self._count, self._count + count
        gradients = [p.grad for p in parameters if p.grad is not None]
        torch._foreach_mul_(gradients, before / self._count)
        return loss * (count / self._count)
