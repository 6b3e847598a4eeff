"""``BucketBatchSampler``: batches of similar length, the same for one process as for many.

Padding is wasted work, so utterances are drawn in pools of a few batches and sorted within each.
Batches are formed for all ranks together and then dealt out: ``W`` ranks with batch size ``b``
see the global batches of one rank with batch size ``W * b``, element for element. Lightning cannot
inject its distributed sampler here (``Trainer(use_distributed_sampler=False)``), and need not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from tts.errors import InputError

Indices = NDArray[np.int64]


class BucketBatchSampler(Sampler[list[int]]):
    """Indices of one rank's batches.

    The uneven rest, when the items do not fill the last global batch:

    * With ``shuffle`` (training) every batch is full: the first items of the epoch's order come
      a second time. With ``drop_last`` the rest is left out instead, another one each epoch.
    * Without ``shuffle`` (evaluation) no item is left out and none comes twice: sizes differ by at
      most one between global batches and between ranks. Only if there are fewer items than ranks
      do some come twice, since each rank needs a batch. (At batch size 1, a batch of two may
      occur where the ranks do not divide the items.)

    Either way all ranks have the same number of batches.

    Args:
        lengths: of all items, in any unit.
        batch_size: items in a batch of one rank.
        shuffle: draw new batches each epoch; else the same ones each time, shortest first.
        seed: of the draw, equal on all ranks.
        rank: of this process.
        world_size: number of processes.
        bucket_batches: global batches in a pool; more means less padding and less chance.
        drop_last: leave out the uneven rest; only with ``shuffle``.

    Raises:
        InputError: there are no items, or too few for a single batch under ``drop_last``.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        *,
        shuffle: bool,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        bucket_batches: int = 8,
        drop_last: bool = False,
    ) -> None:
        if batch_size < 1 or bucket_batches < 1:
            raise InputError(
                f"batch_size={batch_size}, bucket_batches={bucket_batches}: must be at least 1"
            )
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.bucket_batches = bucket_batches
        self.drop_last = drop_last and shuffle
        self.epoch = 0
        if not len(self):
            raise InputError(
                f"{len(self.lengths)} item(s) make no batch of {self.global_batch_size}; lower "
                "data.batch_size"
            )

    @property
    def global_batch_size(self) -> int:
        """Items in a batch of all ranks together."""
        return self.batch_size * self.world_size

    @property
    def sampler(self) -> BucketBatchSampler:
        """This object: Lightning calls ``loader.batch_sampler.sampler.set_epoch`` each epoch."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next."""
        self.epoch = epoch

    def __len__(self) -> int:
        n_items = len(self.lengths)
        full, rest = divmod(n_items, self.global_batch_size)
        if self.drop_last or not rest:
            return full
        if self.shuffle:
            return full + 1
        # Not more batches than every rank can have an item of
        return min(full + 1, max(n_items // self.world_size, 1))

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.global_batches():
            yield batch[self.rank :: self.world_size].tolist()

    def global_batches(self) -> list[Indices]:
        """Give the batches of all ranks together; each rank takes every ``world_size``-th item."""
        return self._drawn() if self.shuffle else self._in_order()

    def _drawn(self) -> list[Indices]:
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(len(self.lengths))
        order = np.resize(order, len(self) * self.global_batch_size)  # cut off, or wrapped around
        n_pools = -(-len(self) // self.bucket_batches)
        batches: list[Indices] = []
        for pool in np.array_split(order.reshape(len(self), -1), n_pools):
            batches.extend(self._by_length(pool.ravel()).reshape(pool.shape))
        return [batches[i] for i in generator.permutation(len(batches))]

    def _in_order(self) -> list[Indices]:
        n_items = max(len(self.lengths), self.world_size)
        order = self._by_length(np.resize(np.arange(len(self.lengths)), n_items))
        # Within a batch the corpus's own order: the first items are like any other
        return [np.sort(batch) for batch in np.array_split(order, len(self))]

    def _by_length(self, indices: Indices) -> Indices:
        ranked: Indices = indices[np.argsort(self.lengths[indices], kind="stable")]
        return ranked


class EpochBatchSampler(Sampler[list[tuple[int, int]]]):
    """Batches of ``(epoch, index)``.

    For datasets that draw something new each epoch: workers that live on from epoch to epoch
    hold a copy of the dataset and cannot be told the epoch in another way.

    Args:
        batches: the batch sampler to draw from.
    """

    def __init__(self, batches: BucketBatchSampler) -> None:
        self.sampler = batches  # the name under which Lightning looks for set_epoch

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = self.sampler.epoch
        for batch in self.sampler:
            yield [(epoch, index) for index in batch]
