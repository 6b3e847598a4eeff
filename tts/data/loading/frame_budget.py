"""Forms batches by their number of padded frames, so that they need a bounded amount of memory.

The number of padded frames is the length of the longest mel of a rank's batch times its number of
utterances: the frames that the decoder steps through and the post-net convolves, padding included.
Text is not counted: it has a few symbols for every ten frames, and grows with them.

Utterances are sorted by length once and cut into buckets. Schedules and resuming need the same
number of batches in each epoch, so the buckets do not change. Each epoch draws which utterances of
a bucket come into the same batch, and the order of all batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts.core.errors import InputError
from tts.data.loading.sampler import GlobalBatchSampler, Indices

#: A bucket ends before an utterance shorter than this share of its longest one, even if the bucket
#: has few batches.
SPREAD = 0.9


class Bucket(NamedTuple):
    """Holds utterances of similar length, longest first, and their number of global batches."""

    items: Indices
    n_batches: int


class FrameBudgetBatchSampler(GlobalBatchSampler):
    """Forms batches of as many utterances as a budget of padded frames holds.

    Every utterance comes once in each epoch. All ranks have the same number of batches, and no
    batch is empty. If the shortest utterances are too few to give one to every rank, some of them
    come twice (fewer than there are shares).

    Args:
        lengths: frames of all items.
        frames_per_batch: limit of the padded frames in a batch of one rank.
        batch_size: upper bound for the items in a batch of one rank.
        bucket_batches: number of global batches in a bucket. A larger number makes the batches more
            random and adds padding. Evaluation draws nothing at random.
        names: of the items, for messages.
        **dealing: the other arguments of ``GlobalBatchSampler``.

    Raises:
        InputError: there are no items, or one is longer than the budget. (Evaluation needs a
            fraction of the memory, and makes a batch of such an item alone.)
    """

    def __init__(
        self,
        lengths: Sequence[int] | NDArray[np.int64],
        frames_per_batch: int,
        *,
        batch_size: int | None = None,
        bucket_batches: int = 8,
        names: Sequence[str] = (),
        **dealing: Any,
    ) -> None:
        super().__init__(lengths, **dealing)
        bound = 1 if batch_size is None else batch_size
        if min(frames_per_batch, bucket_batches, bound, len(self.lengths)) < 1:
            raise InputError(
                f"frames_per_batch={frames_per_batch}, batch_size={batch_size}, bucket_batches="
                f"{bucket_batches}, {len(self.lengths)} item(s): all must be at least 1"
            )
        self.frames_per_batch = frames_per_batch
        self.batch_size = batch_size
        if self.shuffle:
            self._check_longest(names)
        self.buckets = self._cut(bucket_batches if self.shuffle else 1)

    @property
    def n_global_batches(self) -> int:
        """Return the number of global batches of an epoch."""
        return sum(bucket.n_batches for bucket in self.buckets)

    def _form(self) -> list[Indices]:
        if not self.shuffle:
            batches = [b for bucket in self.buckets for b in self._split(bucket, bucket.items)]
            # as in BucketBatchSampler: shortest first, and the order of the corpus in each batch
            return [np.sort(batch) for batch in batches[::-1]]
        generator = np.random.default_rng([self.seed, self.epoch])
        batches = []
        for bucket in self.buckets:
            drawn = self._split(bucket, generator.permutation(bucket.items))
            # each share takes every n-th item: sorting gives them similar loads
            batches += [self._by_length(batch) for batch in drawn]
        return [batches[i] for i in generator.permutation(len(batches))]

    def _split(self, bucket: Bucket, items: Indices) -> list[Indices]:
        """Cut into batches whose sizes differ by at most one, with an item for every share."""
        items = np.resize(items, max(len(items), bucket.n_batches * self.n_shares))
        return np.array_split(items, bucket.n_batches)

    def _cut(self, bucket_batches: int) -> list[Bucket]:
        order = self._by_length(np.arange(len(self.lengths)))[::-1]
        buckets: list[Bucket] = []
        while len(order):
            room = self._room(order[0])
            end = room
            while end < min(len(order), room * bucket_batches) and self._similar(order, end):
                end += room
            items, order = order[:end], order[end:]
            buckets.append(Bucket(items, -(-len(items) // room)))
        return self._without_remnant(buckets)

    def _room(self, longest: np.int64) -> int:
        """Return how many items a global batch may have if this one is its longest."""
        count = max(self.frames_per_batch // max(int(self.lengths[longest]), 1), 1)
        return min(count, self.batch_size or count) * self.n_shares

    def _similar(self, order: Indices, place: int) -> bool:
        return bool(self.lengths[order[place]] >= SPREAD * self.lengths[order[0]])

    def _without_remnant(self, buckets: list[Bucket]) -> list[Bucket]:
        """Join the last two buckets if the last one does not have an item for every share."""
        if len(buckets) < 2 or len(buckets[-1].items) >= self.n_shares:
            return buckets
        *rest, last, remnant = buckets
        items = np.concatenate([last.items, remnant.items])
        return [*rest, Bucket(items, last.n_batches + 1)]

    def _check_longest(self, names: Sequence[str]) -> None:
        longest = int(self.lengths.argmax())
        n_frames = int(self.lengths[longest])
        if n_frames > self.frames_per_batch:
            name = names[longest] if len(names) else f"item {longest}"
            raise InputError(
                f"{name} has {n_frames} frames, more than data.frames_per_batch="
                f"{self.frames_per_batch}: raise it, or leave long recordings out by "
                "data.max_seconds"
            )
