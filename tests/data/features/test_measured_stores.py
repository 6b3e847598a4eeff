"""The stores that ``python -m bench.prepared`` compares do the same work."""

import numpy as np
import pytest

measured = pytest.importorskip("bench.prepared")


@pytest.mark.parametrize("name", measured.STORES)
def test_every_store_gives_back_what_was_written(name, tmp_path):
    mels = list(measured.made_mels(5))
    measured.STORES[name](tmp_path).write(iter(mels))
    store = measured.STORES[name](tmp_path)
    for row in (3, 0, 4, 3):
        np.testing.assert_array_equal(store.read(row), mels[row].values)
    assert store.lengths().tolist() == [mel.values.size for mel in mels]


@pytest.mark.parametrize("name", measured.STORES)
def test_every_store_opens_an_index_without_mels(name, tmp_path):
    keys = [mel.key for mel in measured.made_mels(3)]
    measured.STORES[name](tmp_path).write_index(keys, np.array([80, 160, 240]))
    assert measured.STORES[name](tmp_path).lengths().tolist() == [80, 160, 240]
