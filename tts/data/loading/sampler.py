"""Batches of similar length, the same for one process as for many.

A batch sampler here first forms *global batches*: what one step of the optimiser sees, of all
ranks and of all batches that are accumulated. Each is then dealt out, every ``n``-th item to one
share. Two ranks, or two accumulated batches, therefore see the utterances that one process with a
batch twice as large would see, step for step. Lightning cannot inject its distributed sampler here
(``Trainer(use_distributed_sampler=False)``), and need not.

``BucketBatchSampler`` counts items; ``tts.data.loading.frame_budget`` counts padded frames.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from tts.core.errors import InputError

Indices = NDArray[np.int64]


class GlobalBatchSampler(ABC, Sampler[list[int]]):
    """Indices of one rank's batches; subclasses say what the global batches are.

    In the first epoch the heaviest batch comes first, so that a device whose memory it exceeds
    says so in the first minute, and not in the third hour.

    Args:
        lengths: of all items, in any unit: frames, usually.
        shuffle: draw new batches each epoch; else the same ones each time.
        seed: of the draw, equal on all ranks.
        rank: of this process.
        world_size: number of processes.
        accumulate: batches of a rank in one step of the optimiser; only with ``shuffle``.
        text_lengths: of all items, to tell which batch is the heaviest.

    Attributes:
        epoch: whose batches come next, see ``set_epoch``.
        start_batch: batches at the beginning of the epoch that are left out, for a run that goes on
            from there; none of their items is read.
    """

    def __init__(
        self,
        lengths: Sequence[int] | NDArray[np.int64],
        *,
        shuffle: bool,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        accumulate: int = 1,
        text_lengths: Sequence[int] | NDArray[np.int64] | None = None,
    ) -> None:
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self.text_lengths = None if text_lengths is None else np.asarray(text_lengths)
        self.shuffle = shuffle
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.accumulate = accumulate if shuffle else 1
        self.epoch = 0
        self.start_batch = 0

    @property
    def n_shares(self) -> int:
        """Batches that a global batch is dealt out to."""
        return self.world_size * self.accumulate

    @property
    @abstractmethod
    def n_global_batches(self) -> int:
        """Global batches of an epoch: the same number in each."""

    @abstractmethod
    def _form(self) -> list[Indices]:
        """Form the global batches of this epoch, in the order in which they come."""

    @property
    def sampler(self) -> GlobalBatchSampler:
        """This object: Lightning calls ``loader.batch_sampler.sampler.set_epoch`` each epoch."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next: all of them, if it is another one."""
        if epoch != self.epoch:
            self.start_batch = 0
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n_global_batches * self.accumulate

    def __iter__(self) -> Iterator[list[int]]:
        batches = self.global_batches()
        for number in range(self.start_batch, len(self)):
            # one global batch is as many batches of this rank as are accumulated
            whole, part = divmod(number, self.accumulate)
            yield batches[whole][part * self.world_size + self.rank :: self.n_shares].tolist()

    def global_batches(self) -> list[Indices]:
        """The global batches of this epoch; share ``k`` of ``n`` takes every ``n``-th item."""
        batches = self._form()
        if self.shuffle and self.epoch == 0:
            batches.insert(0, batches.pop(self._heaviest(batches)))
        return batches

    def padding_share(self) -> float:
        """Share of padding in all that the ranks of this epoch compute, from 0 up to 1."""
        batches = self.global_batches()
        lengths = self.lengths[np.concatenate(batches)]
        sizes = np.array([len(batch) for batch in batches])
        places = np.arange(len(lengths)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        shares = np.repeat(np.arange(len(sizes)), sizes) * self.n_shares + places % self.n_shares
        longest = np.zeros(len(sizes) * self.n_shares, np.int64)
        np.maximum.at(longest, shares, lengths)
        return float(1 - lengths.sum() / max(int(longest[shares].sum()), 1))

    def _heaviest(self, batches: list[Indices]) -> int:
        """The batch that takes most memory: cells of its alignments, then its padded frames.

        What grows with the text, the attention over all symbols at every frame, is what makes the
        difference between batches of equally many frames.
        """
        items = np.concatenate(batches)
        sizes = np.array([len(batch) for batch in batches])
        begins = np.cumsum(sizes) - sizes
        counts = -(-sizes // self.n_shares)
        frames = counts * np.maximum.reduceat(self.lengths[items], begins)
        if self.text_lengths is None:
            return int(frames.argmax())
        cells = frames * np.maximum.reduceat(self.text_lengths[items], begins)
        return int(np.lexsort((-np.arange(len(sizes)), frames, cells))[-1])

    def _by_length(self, indices: Indices) -> Indices:
        ranked: Indices = indices[np.argsort(self.lengths[indices], kind="stable")]
        return ranked


class BucketBatchSampler(GlobalBatchSampler):
    """Batches of a number of items, sorted by length within pools of a few batches.

    The uneven rest, when the items do not fill the last global batch:

    * With ``shuffle`` (training) every batch is full: the first items of the epoch's order come
      a second time. With ``drop_last`` the rest is left out instead, another one each epoch.
    * Without ``shuffle`` (evaluation) no item is left out and none comes twice: sizes differ by at
      most one between global batches and between ranks. Only if there are fewer items than ranks
      do some come twice, since each rank needs a batch. (At batch size 1, a batch of two may
      occur where the ranks do not divide the items.) The shortest come first.

    Either way all ranks have the same number of batches.

    Args:
        lengths: of all items, in any unit.
        batch_size: items in a batch of one rank.
        bucket_batches: global batches in a pool; more means less padding and less chance.
        drop_last: leave out the uneven rest; only with ``shuffle``.
        **dealing: the other arguments of ``GlobalBatchSampler``.

    Raises:
        InputError: there are no items, or too few for a single batch under ``drop_last``.
    """

    def __init__(
        self,
        lengths: Sequence[int] | NDArray[np.int64],
        batch_size: int,
        *,
        bucket_batches: int = 8,
        drop_last: bool = False,
        **dealing: Any,
    ) -> None:
        super().__init__(lengths, **dealing)
        if batch_size < 1 or bucket_batches < 1:
            raise InputError(
                f"batch_size={batch_size}, bucket_batches={bucket_batches}: must be at least 1"
            )
        self.batch_size = batch_size
        self.bucket_batches = bucket_batches
        self.drop_last = drop_last and self.shuffle
        if not self.n_global_batches:
            raise InputError(
                f"{len(self.lengths)} item(s) make no batch of {self.global_batch_size}; lower "
                "data.batch_size"
            )

    @property
    def global_batch_size(self) -> int:
        """Items in one step of the optimiser."""
        return self.batch_size * self.n_shares

    @property
    def n_global_batches(self) -> int:
        """Global batches of an epoch."""
        n_items = len(self.lengths)
        full, rest = divmod(n_items, self.global_batch_size)
        if self.drop_last or not rest:
            return full
        if self.shuffle:
            return full + 1
        # Not more batches than every rank can have an item of
        return min(full + 1, max(n_items // self.world_size, 1))

    def _form(self) -> list[Indices]:
        return self._drawn() if self.shuffle else self._in_order()

    def _drawn(self) -> list[Indices]:
        n_batches = self.n_global_batches
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(len(self.lengths))
        order = np.resize(order, n_batches * self.global_batch_size)  # cut off, or wrapped around
        n_pools = -(-n_batches // self.bucket_batches)
        batches: list[Indices] = []
        for pool in np.array_split(order.reshape(n_batches, -1), n_pools):
            batches.extend(self._by_length(pool.ravel()).reshape(pool.shape))
        return [batches[i] for i in generator.permutation(len(batches))]

    def _in_order(self) -> list[Indices]:
        n_items = max(len(self.lengths), self.world_size)
        order = self._by_length(np.resize(np.arange(len(self.lengths)), n_items))
        # Within a batch the corpus's own order: the first items are like any other
        return [np.sort(batch) for batch in np.array_split(order, self.n_global_batches)]


class EpochBatchSampler(Sampler[list[tuple[int, int]]]):
    """Batches of ``(epoch, index)``.

    For datasets that draw something new each epoch: workers that live on from epoch to epoch
    hold a copy of the dataset and cannot be told the epoch in another way.

    Args:
        batches: the batch sampler to draw from.
    """

    def __init__(self, batches: GlobalBatchSampler) -> None:
        self.sampler = batches  # the name under which Lightning looks for set_epoch

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = self.sampler.epoch
        for batch in self.sampler:
            yield [(epoch, index) for index in batch]
