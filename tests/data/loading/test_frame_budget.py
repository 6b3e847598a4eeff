from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts.core.errors import InputError
from tts.data import BucketBatchSampler, FrameBudgetBatchSampler

LENGTHS = np.random.default_rng(0).integers(90, 870, 1003).tolist()
BUDGET = 8000


def sampler(frames=BUDGET, shuffle=True, lengths=LENGTHS, **options) -> FrameBudgetBatchSampler:
    return FrameBudgetBatchSampler(lengths, frames, shuffle=shuffle, seed=7, **options)


def of_ranks(world_size, **options):
    """Return the batches of each rank, as a list of lists."""
    return [sampler(rank=rank, world_size=world_size, **options) for rank in range(world_size)]


def padded(batch, lengths=LENGTHS) -> int:
    return max(lengths[i] for i in batch) * len(batch)


def drawn(batches) -> Counter[int]:
    return Counter(index for batch in batches for index in batch)


@settings(max_examples=60)
@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=80),
    spare=st.integers(0, 900),
    world_size=st.integers(1, 4),
    accumulate=st.integers(1, 3),
    batch_size=st.none() | st.integers(1, 9),
    shuffle=st.booleans(),
    epoch=st.integers(0, 2),
)
def test_the_promises_hold_for_any_corpus(
    lengths, spare, world_size, accumulate, batch_size, shuffle, epoch
):
    budget = max(lengths) + spare
    options = {"lengths": lengths, "batch_size": batch_size, "accumulate": accumulate}
    samplers = of_ranks(world_size, frames=budget, shuffle=shuffle, **options)
    for one in samplers:
        one.set_epoch(epoch)
    ranks = [list(one) for one in samplers]
    everything = list(chain(*ranks))
    # no batch exceeds the budget or the bound, none is empty, all ranks have as many as promised
    assert max(padded(batch, lengths) for batch in everything) <= budget
    assert {len(batches) for batches in ranks} == {len(samplers[0])}
    assert min(map(len, everything)) >= 1
    assert max(map(len, everything)) <= (batch_size or len(lengths) + samplers[0].n_shares)
    # every item comes, and few come twice
    counts = drawn(everything)
    assert set(counts) == set(range(len(lengths)))
    assert counts.total() - len(lengths) < samplers[0].n_shares


def test_training_draws_every_item_once():
    assert drawn(sampler()) == Counter(range(1003))


def test_evaluation_draws_every_item_once_in_order_of_length():
    batches = list(sampler(shuffle=False))
    assert drawn(batches) == Counter(range(1003))
    longest = [max(LENGTHS[i] for i in batch) for batch in batches]
    assert longest == sorted(longest)
    assert all(batch == sorted(batch) for batch in batches)


def test_there_is_less_padding_than_in_batches_of_equal_size():
    by_size = BucketBatchSampler(LENGTHS, 16, shuffle=True, seed=7).padding_share()
    assert sampler().padding_share() < 0.05 < 0.08 < by_size


@pytest.mark.parametrize("world_size", [1, 3])
def test_the_padding_share_is_that_of_the_batches_of_all_ranks(world_size):
    batches = list(chain(*of_ranks(world_size)))
    real = sum(LENGTHS[i] for batch in batches for i in batch)
    share = sampler(world_size=world_size).padding_share()
    assert share == pytest.approx(1 - real / sum(map(padded, batches)))


def test_batches_use_the_budget():
    filled = [padded(batch) for batch in sampler()]
    assert np.mean(filled) > 0.9 * BUDGET


def test_a_bound_on_the_size_is_kept():
    assert max(map(len, sampler(batch_size=12))) == 12


def test_epochs_differ_come_back_and_have_equally_many_batches():
    batches = sampler()
    first = list(batches)
    batches.set_epoch(1)
    second = list(batches)
    batches.set_epoch(0)
    assert list(batches) == first != second
    assert len(first) == len(second) == len(batches)


def test_other_utterances_meet_in_each_epoch():
    batches = sampler()
    first = {frozenset(batch) for batch in batches}
    batches.set_epoch(1)
    assert len(first & {frozenset(batch) for batch in batches}) < len(first) / 4


def test_batches_do_not_come_by_length():
    longest = [max(LENGTHS[i] for i in batch) for batch in sampler()][1:]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_have_similar_loads(world_size):
    for shares in zip(*of_ranks(world_size, frames=30000), strict=True):
        loads = [padded(batch) for batch in shares]
        assert max(loads) - min(loads) < max(loads) / 4


def test_ranks_deal_out_the_global_batches():
    parts = of_ranks(3)
    together = [sorted(chain(*shares)) for shares in zip(*parts, strict=True)]
    assert together == [sorted(batch.tolist()) for batch in parts[0].global_batches()]


def test_accumulated_batches_are_those_of_as_many_ranks():
    alone = list(sampler(accumulate=2))
    two = of_ranks(2)
    assert alone == [batch for pair in zip(*two, strict=True) for batch in pair]


def test_what_was_done_is_left_out():
    batches = sampler()
    everything = list(batches)
    batches.start_batch = 5
    assert list(batches) == everything[5:]
    assert len(batches) == len(everything)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 800, "lengths": [90, 801, 9]}, "item 1 has 801 frames.*data.frames_per_batch"),
        ({"frames": 800, "lengths": [90, 801], "names": ["a", "b"]}, "^b has 801 frames"),
        ({"frames": 0}, "at least 1"),
        ({"batch_size": 0}, "at least 1"),
        ({"lengths": []}, "0 item"),
    ],
)
def test_impossible_batches_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        sampler(**options)


def test_in_evaluation_a_long_utterance_is_alone():
    batches = list(sampler(300, shuffle=False, lengths=[100, 100, 90, 301]))
    assert batches == [[0, 1, 2], [3]]
