"""Applies operations with a limited reach to chunks of a sequence, with the result of the whole.

An output of such an operation depends on inputs at most ``reach`` away. So a chunk that is computed
together with ``reach`` inputs on either side is right in its middle. At the true ends of the
sequence there is nothing around, in the chunk as in the whole.

Shapes: time is the last dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat

import torch
from torch import Tensor

#: Computes the outputs of a chunk ``(..., T)``. The other arguments are the position of its first
#: input in the whole sequence, and whether the chunk contains the end of the sequence.
ChunkOperation = Callable[[Tensor, int, bool], Tensor]


def apply_in_chunks(
    chunks: Iterable[Tensor],
    operate: ChunkOperation,
    *,
    reach: int,
    ratio: int = 1,
    align: int = 1,
    sizes: Iterable[int] = (),
) -> Iterator[Tensor]:
    """Apply an operation to a sequence that arrives in chunks.

    Each result is computed as soon as enough of the inputs after it have arrived.

    Args:
        chunks: ``(..., T)`` inputs, of any lengths.
        operate: operation ``(..., T)`` -> ``(..., about T·ratio)``.
        reach: largest distance between an output and an input that it depends on, in inputs.
        ratio: number of outputs for each input.
        align: ``operate`` starts only at positions that are multiples of this.
        sizes: least number of inputs of the first, second, ... result; after the last size the
            results keep it. The last result of the sequence can be shorter.

    Yields:
        ``(..., t·ratio)`` results.
    """
    kept: Tensor | None = None
    first = done = least = 0
    least_sizes = iter(sizes)
    chunks_and_end: Iterable[Tensor | None] = chain(chunks, [None])
    for chunk in chunks_and_end:
        last = chunk is None
        if chunk is not None:
            kept = chunk if kept is None else torch.cat((kept, chunk), -1)
        if kept is None:
            return
        ready = first + kept.shape[-1] - (0 if last else reach)
        least = least or next(least_sizes, 1)
        if ready <= done or (ready - done < least and not last):
            continue
        out = operate(kept, first, last)
        stop = None if last else (ready - first) * ratio
        yield out[..., (done - first) * ratio : stop]
        done, least = ready, next(least_sizes, least)
        unneeded = max(0, done - reach - first) // align * align
        kept, first = kept[..., unneeded:], first + unneeded


def doubling_sizes(first: int, most: int) -> Iterator[int]:
    """Yield sizes that double from ``first`` to ``most``, then ``most`` without end.

    A small first chunk keeps the wait short. Large later chunks keep the overlap small, which is
    computed twice.
    """
    while first < most:
        yield first
        first *= 2
    yield from repeat(most)


class BlockNoise:
    """Draws Gaussian noise whose value at a position does not depend on the length of the whole.

    Args:
        shape: shape of the noise without its last dimension, time.
        block: number of columns that are drawn together.
        generator: source of the noise, on any device; None means the CPU's global generator.
    """

    def __init__(
        self, shape: tuple[int, ...], block: int, generator: torch.Generator | None = None
    ) -> None:
        self._shape, self._block, self._generator = shape, block, generator
        self._device = "cpu" if generator is None else generator.device
        self._drawn = torch.empty(*shape, 0, device=self._device)
        self._first = 0

    def between(self, first: int, last: int) -> Tensor:
        """Return the noise of the columns from ``first`` up to ``last``, and drop those before.

        Args:
            first: first column.
            last: column after the last one.

        Returns:
            ``(*shape, last - first)``.

        Raises:
            ValueError: the first column was dropped by an earlier call.
        """
        if first < self._first:
            raise ValueError(
                f"the noise of column {first} was dropped; the first one left is {self._first}"
            )
        missing = last - self._first - self._drawn.shape[-1]
        blocks = [
            torch.randn(*self._shape, self._block, generator=self._generator, device=self._device)
            for _ in range(-(-missing // self._block))
        ]
        self._drawn = torch.cat([self._drawn, *blocks], -1)[..., first - self._first :]
        self._first = first
        return self._drawn[..., : last - first]
