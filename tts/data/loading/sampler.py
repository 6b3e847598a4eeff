"""Forms batches of similar length, which are the same for one process as for many.

A batch sampler of this module first forms *global batches*: the items of one optimiser step, of all
ranks and of all accumulated batches. It then distributes each global batch: every ``n``-th item
belongs to one share. Two ranks, or two accumulated batches, therefore have the same utterances in
each step as one process with a batch twice as large. Lightning must not add its distributed sampler
(``Trainer(use_distributed_sampler=False)``).

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

#: How often one global batch may repeat an item of a small corpus.
MOST_REPEATS = 100


class GlobalBatchSampler(ABC, Sampler[list[int]]):
    """Gives the indices of one rank's batches; subclasses form the global batches.

    In the first epoch the heaviest batch comes first: if it exceeds the memory of the device, the
    run fails in the first minute and not in the third hour.

    Args:
        lengths: length of every item in any unit, usually frames.
        shuffle: draw new batches in each epoch; otherwise they are always the same.
        seed: seed of the draw, equal on all ranks.
        rank: number of this process.
        world_size: number of processes.
        accumulate: number of a rank's batches in one optimiser step; only with ``shuffle``.
        text_lengths: length of every text, which helps to find the heaviest batch.

    Attributes:
        epoch: the epoch whose batches come next, see ``set_epoch``.
        start_batch: number of batches at the beginning of the epoch that a resumed run leaves out;
            none of their items is read.
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
        """Return the number of batches that share the items of a global batch."""
        return self.world_size * self.accumulate

    @property
    @abstractmethod
    def n_global_batches(self) -> int:
        """Return the number of global batches, which is the same in each epoch."""

    @abstractmethod
    def _form(self) -> list[Indices]:
        """Return the global batches of this epoch in their order."""

    @property
    def sampler(self) -> GlobalBatchSampler:
        """Return this object; Lightning calls ``loader.batch_sampler.sampler.set_epoch``."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch whose batches come next; another epoch begins with its first batch."""
        if epoch != self.epoch:
            self.start_batch = 0
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n_global_batches * self.accumulate

    def __iter__(self) -> Iterator[list[int]]:
        batches = self.global_batches()
        for number in range(self.start_batch, len(self)):
            # a global batch gives this rank as many batches as are accumulated
            whole, part = divmod(number, self.accumulate)
            yield batches[whole][part * self.world_size + self.rank :: self.n_shares].tolist()

    def global_batches(self) -> list[Indices]:
        """Return the global batches of this epoch; share ``k`` of ``n`` has every ``n``-th item."""
        batches = self._form()
        if self.shuffle and self.epoch == 0:
            batches.insert(0, batches.pop(self._heaviest(batches)))
        return batches

    def padding_share(self) -> float:
        """Return the share of padding in the frames of this epoch on all ranks, from 0 up to 1."""
        batches = self.global_batches()
        lengths = self.lengths[np.concatenate(batches)]
        sizes = np.array([len(batch) for batch in batches])
        places = np.arange(len(lengths)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        shares = np.repeat(np.arange(len(sizes)), sizes) * self.n_shares + places % self.n_shares
        longest = np.zeros(len(sizes) * self.n_shares, np.int64)
        np.maximum.at(longest, shares, lengths)
        return float(1 - lengths.sum() / max(int(longest[shares].sum()), 1))

    def _heaviest(self, batches: list[Indices]) -> int:
        """Return the batch that needs most memory: most alignment cells, then most padded frames.

        Among batches with equally many frames, the longest texts need most memory: the attention
        has a weight for each symbol at each frame.
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
    """Forms batches of a fixed number of items, sorted by length within pools of a few batches.

    If the items do not fill the last global batch:

    * With ``shuffle`` (training) every batch is full: the first items of the epoch's order come
      a second time. With ``drop_last`` the remaining items are left out instead, other ones in
      each epoch.
    * Without ``shuffle`` (evaluation) no item is left out and none comes twice: sizes differ by at
      most one between global batches and between ranks. Only if there are fewer items than ranks,
      some come twice, because each rank needs a batch. (At batch size 1, a batch of two may
      occur if the number of items is no multiple of the number of ranks.) The shortest items come
      first.

    In both cases all ranks have the same number of batches.

    Args:
        lengths: length of every item in any unit.
        batch_size: number of items in a batch of one rank.
        bucket_batches: number of global batches in a pool. A larger number reduces padding and
            makes the batches less random.
        drop_last: leave out the items that do not fill a global batch; only with ``shuffle``.
        **dealing: the other arguments of ``GlobalBatchSampler``.

    Raises:
        InputError: there are no items, or too few for a single batch under ``drop_last``; or a
            batch would repeat every item more than `MOST_REPEATS` times, and fill the memory.
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
        if self.shuffle and self.global_batch_size > MOST_REPEATS * len(self.lengths):
            raise InputError(
                f"data.batch_size={batch_size}: a step would have each of the "
                f"{len(self.lengths)} items {self.global_batch_size // len(self.lengths)} times; "
                f"lower it, or trainer.accumulate_grad_batches, to at most {MOST_REPEATS} times"
            )

    @property
    def global_batch_size(self) -> int:
        """Return the number of items in one optimiser step."""
        return self.batch_size * self.n_shares

    @property
    def n_global_batches(self) -> int:
        """Return the number of global batches of an epoch."""
        n_items = len(self.lengths)
        full, rest = divmod(n_items, self.global_batch_size)
        if self.drop_last or not rest:
            return full
        if self.shuffle:
            return full + 1
        # each batch must have an item for every rank
        return min(full + 1, max(n_items // self.world_size, 1))

    def _form(self) -> list[Indices]:
        return self._drawn() if self.shuffle else self._in_order()

    def _drawn(self) -> list[Indices]:
        n_batches = self.n_global_batches
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(len(self.lengths))
        # leaves items out at the end, or repeats the first ones
        order = np.resize(order, n_batches * self.global_batch_size)
        n_pools = -(-n_batches // self.bucket_batches)
        batches: list[Indices] = []
        for pool in np.array_split(order.reshape(n_batches, -1), n_pools):
            batches.extend(self._by_length(pool.ravel()).reshape(pool.shape))
        return [batches[i] for i in generator.permutation(len(batches))]

    def _in_order(self) -> list[Indices]:
        n_items = max(len(self.lengths), self.world_size)
        order = self._by_length(np.resize(np.arange(len(self.lengths)), n_items))
        # the order of the corpus in each batch: its first items are not the shortest ones
        return [np.sort(batch) for batch in np.array_split(order, self.n_global_batches)]


class EpochBatchSampler(Sampler[list[tuple[int, int]]]):
    """Gives batches of ``(epoch, index)``, for datasets that draw something new in each epoch.

    Persistent workers hold a copy of the dataset, and learn the epoch only through the keys.

    Args:
        batches: the batch sampler that gives the indices.
    """

    def __init__(self, batches: GlobalBatchSampler) -> None:
        self.sampler = batches  # Lightning calls set_epoch of an attribute with this name

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = self.sampler.epoch
        for batch in self.sampler:
            yield [(epoch, index) for index in batch]
