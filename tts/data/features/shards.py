"""``Shards``: arrays in a few large files, added one after another and found by a key.

A file of fixed-size records says where each array lies; a record is written when its array is. A
process that is killed therefore leaves whole arrays with their records, and at most one array
without: the next writer cuts that off and goes on, and ends with the same bytes as if nothing had
happened. What has been written never moves, so others may read meanwhile. One file and an index
read as fast as any format that needs a library: some 40,000 mels a second, in any order.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tts.core.errors import InputError

#: Bytes of a key.
KEY_BYTES = 16
#: Bytes after which a new file is begun.
SHARD_BYTES = 2**30

RECORD = np.dtype(
    [
        ("key", f"V{KEY_BYTES}"),
        ("at", "<u8"),  # byte of the shard at which the array begins
        ("length", "<u8"),  # items of the array
        ("samples", "<u8"),  # whatever else the writer wants to know: samples of the recording
        ("shard", "<u4"),
        ("crc", "<u4"),  # of the array's bytes
        ("reserved", "<u4"),
        ("check", "<u4"),  # of the record itself
    ]
)
_WORDS = RECORD.itemsize // 4
_SALT = 0x7AC0


class DamagedError(Exception):
    """An array whose bytes are not those that were written."""


class Shards:
    """Arrays of one type.

    Files are opened when they are first read, in each process anew.

    Args:
        folder: where the files lie.
        name: that they begin with.
        dtype: of the items.
        shard_bytes: size that a file does not exceed, unless by a single array.
    """

    def __init__(
        self, folder: Path, name: str, dtype: DTypeLike, shard_bytes: int = SHARD_BYTES
    ) -> None:
        self.folder, self.name, self.dtype = folder, name, np.dtype(dtype)
        self.shard_bytes = shard_bytes
        self.index = folder / f"{name}.index"
        self._records: NDArray[Any] | None = None
        self._entries: dict[bytes, int] | None = None
        self._open: dict[int, NDArray[Any]] = {}
        self._sound: set[int] = set()

    def __len__(self) -> int:
        return len(self.records)

    @property
    def records(self) -> NDArray[Any]:
        """All records, ``RECORD``."""
        if self._records is None:
            size = self.index.stat().st_size if self.index.is_file() else 0
            count = size // RECORD.itemsize
            self._records = (
                np.memmap(self.index, RECORD, mode="r", shape=(count,))
                if count
                else np.empty(0, RECORD)
            )
        return self._records

    @property
    def entries(self) -> dict[bytes, int]:
        """Entries by key."""
        if self._entries is None:
            keys = np.ascontiguousarray(self.records["key"]).tobytes()
            self._entries = {
                keys[KEY_BYTES * i : KEY_BYTES * (i + 1)]: i for i in range(len(self.records))
            }
        return self._entries

    def read(self, entry: int) -> NDArray[Any]:
        """A copy of an array, flat.

        Raises:
            DamagedError: its bytes have changed.
            OSError: the file is gone.
        """
        record = self.records[entry]
        start, count = int(record["at"]) // self.dtype.itemsize, int(record["length"])
        found = np.array(self._shard(int(record["shard"]))[start : start + count])
        if entry not in self._sound:
            if len(found) != count or zlib.crc32(found.data) != record["crc"]:
                raise DamagedError
            self._sound.add(entry)
        return found

    def slice(self, entry: int, start: int, count: int) -> NDArray[Any]:
        """A copy of up to ``count`` items of an array from one of them on, without a check of them.

        Raises:
            OSError: the file is gone.
        """
        record = self.records[entry]
        begin = int(record["at"]) // self.dtype.itemsize
        end = begin + min(start + count, int(record["length"]))
        return np.array(self._shard(int(record["shard"]))[begin + start : end])

    def repair(self, entry: int, array: NDArray[Any]) -> bool:
        """Put an array back where it belongs, if it is what was written there once."""
        record = self.records[entry]
        if len(array) != record["length"] or zlib.crc32(array.data) != record["crc"]:
            return False
        with self.path(int(record["shard"])).open("r+b") as file:
            file.seek(int(record["at"]))
            file.write(array.data)
        return True

    def is_whole(self) -> bool:
        """Whether every file is as long as the records say."""
        return self._n_whole(self.records) == len(self.records)

    def path(self, shard: int) -> Path:
        """The file of a shard."""
        return self.folder / f"{self.name}-{shard:05d}.{self.dtype.name}"

    @contextmanager
    def writing(self) -> Iterator[ShardWriter]:
        """Add arrays; only one process at a time may.

        Raises:
            InputError: the folder cannot be written.
        """
        n_lost = self._cut_off()
        self.forget()
        try:
            writer = ShardWriter(self, n_lost)
            try:
                yield writer
            finally:
                writer.close()
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be written ({error.strerror}); make room or choose another"
            ) from None
        finally:
            self.forget()

    def forget(self) -> None:
        """Read the records anew: there may be more."""
        self._records = self._entries = None
        self._open = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave what is open behind: a worker opens its own."""
        state: dict[str, Any] = {"_records": None, "_entries": None, "_open": {}, "_sound": set()}
        return self.__dict__ | state

    def _shard(self, number: int) -> NDArray[Any]:
        if number not in self._open:
            self._open[number] = np.memmap(self.path(number), self.dtype, mode="r")
        return self._open[number]

    def _n_whole(self, records: NDArray[Any]) -> int:
        """How many records, from the first on, are sound and have their bytes."""
        sizes = np.zeros(int(records["shard"].max()) + 1 if len(records) else 1, np.uint64)
        for number in range(len(sizes)):
            if self.path(number).is_file():
                sizes[number] = self.path(number).stat().st_size
        ends = records["at"] + records["length"] * np.uint64(self.dtype.itemsize)
        (bad,) = np.nonzero(ends > sizes[records["shard"]])
        return int(bad[0]) if len(bad) else len(records)

    def _cut_off(self) -> int:
        """Remove what a killed process left half-written; give the number of records that go."""
        if not self.index.is_file():
            for path in self.folder.glob(f"{self.name}-[0-9]*.{self.dtype.name}"):
                path.unlink()
            return 0
        self.forget()
        records = np.array(self.records)
        (unsound,) = np.nonzero(_checks(records) != records["check"])
        sound = records[: unsound[0]] if len(unsound) else records
        whole = sound[: self._n_whole(sound)]
        with self.index.open("r+b") as file:
            file.truncate(len(whole) * RECORD.itemsize)
        shard, end = _end(whole, self.dtype.itemsize)
        for path in self.folder.glob(f"{self.name}-[0-9]*.{self.dtype.name}"):
            number = int(path.stem.rsplit("-", 1)[1])
            if number > shard or not len(whole):
                path.unlink()
            elif number == shard:
                with path.open("r+b") as file:
                    file.truncate(end)
        return len(records) - len(whole)


class ShardWriter:
    """Adds arrays to shards.

    Args:
        shards: with nothing half-written in them.
        n_lost: arrays that were damaged and are gone.
    """

    def __init__(self, shards: Shards, n_lost: int = 0) -> None:
        self.n_lost = n_lost
        self._shards = shards
        self._entries = shards.entries
        self._n_bytes = 0
        self._shard, self._at = _end(shards.records, shards.dtype.itemsize)
        self._data: BinaryIO | None = None
        self._index: BinaryIO = shards.index.open("ab")

    def __contains__(self, key: bytes) -> bool:
        return key in self._entries

    def add(self, key: bytes, array: NDArray[Any], samples: int = 0) -> None:
        """Write an array and then its record; nothing if there is one under this key."""
        if key in self._entries:
            return
        flat = np.ascontiguousarray(array, self._shards.dtype).reshape(-1)
        if self._at and self._at + flat.nbytes > self._shards.shard_bytes:
            self._close_shard()
            self._shard, self._at = self._shard + 1, 0
        if self._data is None:
            self._data = self._shards.path(self._shard).open("ab")
        self._data.write(flat.data)
        self._data.flush()
        record = np.zeros(1, RECORD)
        crc = zlib.crc32(flat.data)
        record[0] = (key, self._at, len(flat), samples, self._shard, crc, 0, 0)
        record["check"] = _checks(record)
        self._index.write(record.tobytes())
        self._index.flush()
        self._at += flat.nbytes
        self._entries[key] = len(self._entries)

    def close(self) -> None:
        """Close the files."""
        with self._index:
            self._close_shard()

    def _close_shard(self) -> None:
        if self._data is not None:
            self._data.close()
        self._data = None


def _checks(records: NDArray[Any]) -> NDArray[np.uint32]:
    """A checksum of each record without its last word."""
    words = np.ascontiguousarray(records).view("<u4").reshape(-1, _WORDS)[:, :-1]
    # weighted, so that words that change places are noticed
    weights = np.arange(1, _WORDS, dtype=np.uint32) * np.uint32(0x9E3779B1)
    sums: NDArray[np.uint32] = (words * weights).sum(1, dtype=np.uint32) + np.uint32(_SALT)
    return sums


def _end(records: NDArray[Any], itemsize: int) -> tuple[int, int]:
    """Shard and byte at which the next array begins."""
    if not len(records):
        return 0, 0
    last = records[-1]
    return int(last["shard"]), int(last["at"]) + int(last["length"]) * itemsize
