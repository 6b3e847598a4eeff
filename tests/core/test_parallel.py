from __future__ import annotations

import contextlib
import time

import pytest

from tts.core.parallel import ordered_map


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_items(workers):
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert list(ordered_map(slow_first, range(10), workers)) == [i * i for i in range(10)]


def test_only_a_few_items_are_taken_ahead():
    taken = []

    def items():
        for item in range(1000):
            taken.append(item)
            yield item

    with contextlib.closing(ordered_map(str, items(), 2)) as results:
        next(results)
    assert len(taken) < 10


def test_a_failing_item_raises_in_its_place():
    def fail_on_two(item: int) -> int:
        return 1 // (item - 2)

    results = ordered_map(fail_on_two, range(5), 2)
    assert [next(results), next(results)] == [-1, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)
