from __future__ import annotations

from collections import Counter
from itertools import chain, product

import numpy as np
import pytest
from torch.utils.data import DataLoader

from tts.core.errors import InputError
from tts.data import BucketBatchSampler
from tts.data.loading.sampler import EpochBatchSampler

LENGTHS = np.random.default_rng(0).integers(50, 900, 103).tolist()


def sampler(batch_size=4, shuffle=True, lengths=LENGTHS, **options) -> BucketBatchSampler:
    return BucketBatchSampler(lengths, batch_size, shuffle=shuffle, seed=7, **options)


def ranks(world_size, **options):
    return [
        list(sampler(rank=rank, world_size=world_size, **options)) for rank in range(world_size)
    ]


def drawn(batches) -> Counter[int]:
    return Counter(index for batch in batches for index in batch)


def test_evaluation_draws_every_item_once():
    for batch_size in (1, 4, 50, 103, 200):
        drawn_once = drawn(sampler(batch_size, shuffle=False)) == Counter(range(103))
        assert drawn_once, f"batch_size {batch_size}"


@pytest.mark.parametrize("batch_size", [1, 4, 50, 103])
def test_training_draws_every_item_and_repeats_only_to_fill_the_last_batch(batch_size):
    counts = drawn(sampler(batch_size))
    assert set(counts) == set(range(103))
    assert counts.total() == -(-103 // batch_size) * batch_size
    assert max(counts.values()) <= 2


def test_training_batches_are_full():
    assert {len(batch) for batch in sampler(4)} == {4}


def test_a_batch_larger_than_the_corpus_repeats_it():
    (batch,) = sampler(8, lengths=[10, 20, 30])
    assert sorted(Counter(batch).values()) == [2, 3, 3]


def test_drop_last_leaves_out_the_rest():
    counts = drawn(sampler(4, drop_last=True))
    assert (counts.total(), max(counts.values())) == (100, 1)


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_length_is_the_number_of_batches(world_size):
    wrong = []
    for shuffle, drop_last in product([True, False], repeat=2):
        options = {"shuffle": shuffle, "drop_last": drop_last}
        expected = len(sampler(world_size=world_size, **options))
        counts = [len(batches) for batches in ranks(world_size, **options)]
        if counts != [expected] * world_size:
            wrong.append((options, counts, expected))
    assert wrong == []


@pytest.mark.parametrize("world_size", [2, 3])
def test_many_ranks_have_the_global_batches_of_one(world_size):
    wrong = []
    for shuffle, drop_last in product([True, False], repeat=2):
        options = {"shuffle": shuffle, "drop_last": drop_last}
        parts = ranks(world_size, batch_size=4, **options)
        alone = [sorted(batch) for batch in sampler(4 * world_size, **options)]
        together = [sorted(chain(*shares)) for shares in zip(*parts, strict=True)]
        if together != alone:
            wrong.append((options, together, alone))
    assert wrong == []


@pytest.mark.parametrize("n_items", [5, 6, 7, 16, 17, 29])
def test_evaluation_over_ranks_loses_and_repeats_nothing(n_items):
    wrong = []
    for world_size, batch_size in product([2, 3, 5], [1, 2, 4]):
        parts = ranks(world_size, batch_size=batch_size, shuffle=False, lengths=[9] * n_items)
        every_item_once = drawn(chain(*parts)) == Counter(range(n_items))
        equally_many = len({len(batches) for batches in parts}) == 1
        none_empty = all(batch for batches in parts for batch in batches)
        if not (every_item_once and equally_many and none_empty):
            wrong.append((world_size, batch_size, parts))
    assert wrong == []


def test_evaluation_batches_of_ranks_are_no_larger_than_asked_for():
    for batches in ranks(3, batch_size=4, shuffle=False):
        assert max(map(len, batches)) <= 4


def test_every_rank_has_a_batch_even_of_a_single_item():
    assert ranks(3, shuffle=False, lengths=[9]) == [[[0]], [[0]], [[0]]]


def test_epochs_differ_and_come_back():
    batches = sampler()
    first = list(batches)
    batches.set_epoch(1)
    second = list(batches)
    batches.set_epoch(0)
    assert first != second
    assert list(batches) == first


@pytest.mark.parametrize("world_size", [1, 3])
def test_the_longest_batch_comes_first_in_the_first_epoch_only(world_size):
    batches = sampler(world_size=world_size)
    places = []
    for epoch in range(5):
        batches.set_epoch(epoch)
        longest = [max(LENGTHS[i] for i in batch) for batch in batches.global_batches()]
        places.append(longest.index(max(LENGTHS)))
    assert places[0] == 0
    assert any(places[1:])


def test_of_equally_long_batches_the_one_with_most_text_comes_first():
    texts = [1] * 103
    texts[17] = 9
    batches = sampler(lengths=[50] * 103, text_lengths=texts)
    assert 17 in next(iter(batches))


def test_trying_the_longest_first_changes_the_order_and_nothing_else():
    batches = sampler()
    assert sorted(batches.global_batches()[0].tolist()) in [
        sorted(batch.tolist()) for batch in batches._form()
    ]
    assert drawn(batches) == drawn(batch.tolist() for batch in batches._form())


@pytest.mark.parametrize("world_size", [1, 2])
def test_accumulated_batches_make_the_global_batches_of_one(world_size):
    parts = ranks(world_size, batch_size=2, accumulate=3)
    assert len({len(batches) for batches in parts}) == 1
    steps = [
        sorted(chain(*(batch for batches in parts for batch in batches[k : k + 3])))
        for k in range(0, len(parts[0]), 3)
    ]
    assert steps == [sorted(batch) for batch in sampler(6 * world_size)]


def test_evaluation_accumulates_nothing():
    assert list(sampler(shuffle=False, accumulate=3)) == list(sampler(shuffle=False))


def test_batches_that_were_done_are_left_out():
    batches = sampler()
    everything = list(batches)
    batches.start_batch = 7
    assert list(batches) == everything[7:]
    assert len(batches) == len(everything)


def test_seeds_differ():
    other = BucketBatchSampler(LENGTHS, 4, shuffle=True, seed=8)
    assert list(other) != list(sampler())


def test_equal_seeds_draw_equal_batches():
    assert list(sampler()) == list(sampler())


def test_evaluation_is_the_same_each_epoch():
    batches = sampler(shuffle=False)
    first = list(batches)
    batches.set_epoch(5)
    assert list(batches) == first


def padding_share(batches) -> float:
    padded = sum(max(LENGTHS[i] for i in batch) * len(batch) for batch in batches)
    return 1 - sum(LENGTHS[i] for batch in batches for i in batch) / padded


def test_buckets_save_padding():
    scattered = padding_share(sampler(bucket_batches=1))
    bucketed = padding_share(sampler(bucket_batches=8))
    assert bucketed < scattered / 2


def test_bucketed_batches_do_not_come_by_length():
    mean = [np.mean([LENGTHS[i] for i in batch]) for batch in sampler(bucket_batches=100)]
    assert mean != sorted(mean)
    assert mean != sorted(mean, reverse=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lengths": []}, "0 item"),
        ({"lengths": [9, 9], "drop_last": True}, "2 item.*data.batch_size"),
        ({"batch_size": 0}, "at least 1"),
        ({"bucket_batches": 0}, "at least 1"),
    ],
)
def test_impossible_batches_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        sampler(**options)


def test_epoch_travels_with_each_index():
    batches = EpochBatchSampler(sampler())
    batches.sampler.set_epoch(3)
    assert [[index for _, index in batch] for batch in batches] == list(batches.sampler)
    assert {epoch for batch in batches for epoch, _ in batch} == {3}
    assert len(batches) == len(batches.sampler)


@pytest.mark.parametrize("wrap", [lambda batches: batches, EpochBatchSampler])
def test_lightning_finds_set_epoch(wrap):
    from lightning_fabric.utilities.data import _set_sampler_epoch

    batches = sampler()
    loader = DataLoader(LENGTHS, batch_sampler=wrap(batches))
    _set_sampler_epoch(loader, 4)
    assert batches.epoch == 4


def test_a_batch_far_above_the_corpus_is_refused_before_it_fills_the_memory():
    BucketBatchSampler([3, 4], 200, shuffle=True, seed=0)
    with pytest.raises(InputError, match=r"batch_size=1000000: .* 2 items 500000 times; lower it"):
        BucketBatchSampler([3, 4], 1_000_000, shuffle=True, seed=0)
