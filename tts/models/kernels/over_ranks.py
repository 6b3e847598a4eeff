"""Exchanges a few numbers between the ranks of a process group; one process exchanges nothing.

An exchange of any size makes all ranks wait for the slowest. A number that is needed a little later
can therefore travel with the next exchange of other numbers: see :func:`summed_on_the_way`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor


class _Passenger:
    """Holds a number that waits for an exchange, and then its sum over the ranks."""

    def __init__(self, value: Tensor) -> None:
        self.value = value
        self.total: Tensor | None = None

    def sum(self) -> Tensor:
        """Return the sum over the ranks; exchange the number now if nothing has carried it."""
        if self.total is None:
            self.total = sum_over_ranks(self.value)
        return self.total


_passenger: _Passenger | None = None


def n_ranks() -> int:
    """Return the number of ranks, 1 without a process group."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_world_size()
    return 1


def sum_over_ranks(x: Tensor) -> Tensor:
    """Return the sum of ``x``, of any shape, over the ranks; ``x`` itself in a single process."""
    if n_ranks() > 1:
        x = x.clone()
        dist.all_reduce(x)
    return x


def gather_over_ranks(x: Tensor) -> Tensor:
    """Return the vectors ``(n,)`` of all ranks as ``(n_ranks, n)``, in the order of the ranks."""
    global _passenger
    if n_ranks() == 1:
        return x[None]
    passenger, _passenger = _passenger, None
    if passenger is not None:
        x = torch.cat((x, passenger.value.reshape(1).to(x.dtype)))
    gathered = x.new_empty(n_ranks(), len(x))
    dist.all_gather(list(gathered.unbind()), x)
    if passenger is not None:
        passenger.total, gathered = gathered[:, -1].sum(), gathered[:, :-1]
    return gathered


@contextmanager
def summed_on_the_way(value: Tensor) -> Iterator[Callable[[], Tensor]]:
    """Let a number travel with the first :func:`gather_over_ranks` inside the block.

    All ranks have to do the same.

    Args:
        value: a scalar.

    Yields:
        A function for use after the block, which returns the sum of ``value`` over the ranks. It
        exchanges the number by itself if the block has gathered nothing.
    """
    global _passenger
    passenger = _passenger = _Passenger(value)
    try:
        yield passenger.sum
    finally:
        _passenger = None
