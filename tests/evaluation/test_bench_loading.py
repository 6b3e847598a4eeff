"""The bench of the loaders says how many processes a GPU would need."""

import pytest

from bench.loading import workers_needed


@pytest.mark.parametrize(
    ("needed", "rates", "workers"),
    [
        (2.0, {0: 1.0, 1: 5.0, 2: 9.0}, 1),
        (7.0, {0: 1.0, 1: 5.0, 2: 9.0}, 2),
        (21.0, {0: 1.0, 1: 5.0, 2: 9.0}, 5),
    ],
)
def test_as_many_processes_as_load_so_many_batches(needed, rates, workers):
    assert workers_needed(needed, rates) == workers
