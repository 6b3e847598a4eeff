"""Networks with a limited reach, piece by piece: the pieces together are what the whole gives.

An output depends on inputs at most ``reach`` away, so a piece that is computed with so much around
it is right in its middle. At the true ends nothing is around, there as in the whole.

Shapes: time is the last dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat

import torch
from torch import Tensor

#: Computes what it is given; told where in the whole that begins, and whether it ends the whole.
ChunkOperation = Callable[[Tensor, int, bool], Tensor]


def apply_in_chunks(
    pieces: Iterable[Tensor],
    operate: ChunkOperation,
    *,
    reach: int,
    ratio: int = 1,
    align: int = 1,
    sizes: Iterable[int] = (),
) -> Iterator[Tensor]:
    """Apply an operation to what comes in pieces, each as soon as enough of what follows is there.

    Args:
        pieces: ``(..., T)`` each, of any lengths.
        operate: ``(..., T)`` -> ``(..., about T·ratio)``.
        reach: how far away an input may be that an output depends on.
        ratio: outputs for each input.
        align: `operate` begins at multiples of this only.
        sizes: least number of inputs of the first results, one by one; then it stays.

    Yields:
        ``(..., t·ratio)`` results, the last of any length.
    """
    kept: Tensor | None = None
    first = done = least = 0
    wanted = iter(sizes)
    endless: Iterable[Tensor | None] = chain(pieces, [None])
    for piece in endless:
        last = piece is None
        if piece is not None:
            kept = piece if kept is None else torch.cat((kept, piece), -1)
        if kept is None:
            return
        ready = first + kept.shape[-1] - (0 if last else reach)
        least = least or next(wanted, 1)
        if ready <= done or (ready - done < least and not last):
            continue
        out = operate(kept, first, last)
        stop = None if last else (ready - first) * ratio
        yield out[..., (done - first) * ratio : stop]
        done, least = ready, next(wanted, least)
        unneeded = max(0, done - reach - first) // align * align
        kept, first = kept[..., unneeded:], first + unneeded


def doubling_sizes(first: int, most: int) -> Iterator[int]:
    """Sizes that double: a short wait at first, little that is computed twice later."""
    while first < most:
        yield first
        first *= 2
    yield from repeat(most)


class BlockNoise:
    """Gaussian noise by its place in time: the same there, however long the whole will be.

    Args:
        shape: of the noise but for its last dimension.
        block: of how many columns it is drawn together.
        generator: its source, on any device; the global one of the CPU by default.
    """

    def __init__(
        self, shape: tuple[int, ...], block: int, generator: torch.Generator | None = None
    ) -> None:
        self._shape, self._block, self._generator = shape, block, generator
        self._device = "cpu" if generator is None else generator.device
        self._drawn = torch.empty(*shape, 0, device=self._device)
        self._first = 0

    def between(self, first: int, last: int) -> Tensor:
        """The noise of some columns; what is before them is forgotten.

        Raises:
            ValueError: columns that were forgotten.
        """
        if first < self._first:
            raise ValueError(f"noise of column {first} is gone, the first left is {self._first}")
        missing = last - self._first - self._drawn.shape[-1]
        blocks = [
            torch.randn(*self._shape, self._block, generator=self._generator, device=self._device)
            for _ in range(-(-missing // self._block))
        ]
        self._drawn = torch.cat([self._drawn, *blocks], -1)[..., first - self._first :]
        self._first = first
        return self._drawn[..., : last - first]
