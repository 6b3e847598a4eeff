from __future__ import annotations

import pickle

import numpy as np
import pytest

from tts.core.errors import InputError
from tts.data.features.shards import RECORD, DamagedError, Shards, ShardWriter


def key(number: int) -> bytes:
    return number.to_bytes(16, "little")


def array(number: int) -> np.ndarray:
    return np.arange(10 + number, dtype=np.float32) * number


@pytest.fixture
def shards(tmp_path):
    """Ten arrays in shards that hold two or three."""
    shards = Shards(tmp_path, "mels", np.float32, shard_bytes=150)
    with shards.writing() as writer:
        for number in range(10):
            writer.add(key(number), array(number), samples=number)
    return shards


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_arrays_are_found_by_their_keys(shards):
    for number in (7, 0, 9, 3):
        np.testing.assert_array_equal(shards.read(shards.entries[key(number)]), array(number))
    assert key(10) not in shards.entries
    assert shards.records["samples"].tolist() == list(range(10))


def test_shards_do_not_exceed_their_size(shards, tmp_path):
    sizes = [path.stat().st_size for path in tmp_path.glob("*.float32")]
    assert len(sizes) > 3
    assert max(sizes) <= 150
    assert sum(sizes) == 4 * sum(10 + number for number in range(10))


def test_a_part_is_read_alone(shards):
    np.testing.assert_array_equal(shards.read_part(5, 3, 4), array(5)[3:7])
    np.testing.assert_array_equal(shards.read_part(5, 13, 40), array(5)[13:])


def test_an_array_is_written_once(shards):
    with shards.writing() as writer:
        writer.add(key(3), array(99))
    assert len(shards) == 10


def test_more_arrays_go_behind_the_others(shards, tmp_path):
    before = content(tmp_path)
    with shards.writing() as writer:
        assert writer.n_lost == 0
        writer.add(key(50), array(50))
    assert content(tmp_path)["mels.index"][: 10 * RECORD.itemsize] == before["mels.index"]
    np.testing.assert_array_equal(shards.read(shards.entries[key(50)]), array(50))


def test_two_writers_leave_the_same_bytes_as_one(tmp_path, shards):
    other = Shards(tmp_path / "other", "mels", np.float32, shard_bytes=150)
    other.folder.mkdir()
    for numbers in (range(4), range(4), range(4, 10)):
        with other.writing() as writer:
            for number in numbers:
                writer.add(key(number), array(number), samples=number)
    whole = content(tmp_path / "other")
    assert content_of_files(tmp_path) == whole


def content_of_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def cut_record(folder):
    path = folder / "mels.index"
    path.write_bytes(path.read_bytes()[: 6 * RECORD.itemsize + 11])


def cut_array(folder):
    path = folder / "mels-00002.float32"
    path.write_bytes(path.read_bytes()[:-1])


def add_half_an_array(folder):
    path = sorted(folder.glob("*.float32"))[-1]
    path.write_bytes(path.read_bytes() + b"1234567")


def spoil_record(folder):
    path = folder / "mels.index"
    data = bytearray(path.read_bytes())
    data[5 * RECORD.itemsize + 20] ^= 1
    path.write_bytes(data)


def zero_records(folder):
    path = folder / "mels.index"
    path.write_bytes(path.read_bytes()[: 7 * RECORD.itemsize] + bytes(3 * RECORD.itemsize))


@pytest.mark.parametrize(
    "damage",
    [
        cut_record,
        cut_array,
        add_half_an_array,
        spoil_record,
        zero_records,
        lambda folder: (folder / "mels.index").unlink(),
        lambda folder: (folder / "mels-00001.float32").unlink(),
    ],
    ids=["record", "array", "half", "spoilt", "zeros", "no index", "no shard"],
)
def test_what_is_damaged_is_cut_off_and_can_be_written_again(shards, tmp_path, damage):
    whole = content(tmp_path)
    damage(tmp_path)
    again = Shards(tmp_path, "mels", np.float32, shard_bytes=150)
    with again.writing() as writer:
        for number in range(10):
            writer.add(key(number), array(number), samples=number)
    assert content(tmp_path) == whole


def test_a_spoilt_array_is_noticed_and_can_be_put_back(shards):
    path = shards.path(1)
    data = bytearray(path.read_bytes())
    data[8] ^= 1
    path.write_bytes(data)
    (entry,) = (e for e in range(10) if shards.records["shard"][e] == 1 and not is_sound(shards, e))
    shards.repair(entry, array(99))
    assert not is_sound(shards, entry)
    shards.repair(entry, array(entry))
    np.testing.assert_array_equal(shards.read(entry), array(entry))


def is_sound(shards, entry):
    try:
        shards.read(entry)
    except DamagedError:
        return False
    return True


def test_arrays_are_copies(shards):
    shards.read(4)[:] = -1
    np.testing.assert_array_equal(shards.read(4), array(4))


def test_a_worker_opens_the_files_itself(shards):
    shards.read(4)
    copied = pickle.dumps(shards)
    assert len(copied) < 1000
    np.testing.assert_array_equal(pickle.loads(copied).read(4), array(4))


def test_a_full_disk_is_one_line(shards, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ShardWriter, "_close_shard", full)
    with (
        pytest.raises(InputError, match=r"No space left on device.*make room") as error,
        shards.writing() as writer,
    ):
        writer.add(key(99), array(60))
    assert "\n" not in str(error.value)
