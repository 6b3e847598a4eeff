"""Stores many arrays in a few large files; each array is found by a key of 16 bytes.

An index of fixed-size records says where each array lies. The writer appends the array first and
its record afterwards, so a killed process leaves whole arrays with their records and at most one
array without a record. The next writer cuts that one off and continues; the files end with the same
bytes as without the kill. Arrays never move, so other processes may read during a preparation.
docs/prepared.md compares this store with SQLite and with one file for each array.
"""

from __future__ import annotations

import hashlib
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
#: A file that would grow over this number of bytes ends, and the next one begins.
SHARD_BYTES = 2**30

RECORD = np.dtype(
    [
        ("key", f"V{KEY_BYTES}"),
        ("at", "<u8"),  # byte of the shard at which the array begins
        ("length", "<u8"),  # items of the array
        ("samples", "<u8"),  # a number for the writer's own use: samples of the recording
        ("shard", "<u4"),
        ("crc", "<u4"),  # checksum of the array's bytes
        ("reserved", "<u4"),
        ("check", "<u4"),  # checksum of the record itself
    ]
)
_WORDS = RECORD.itemsize // 4
_SALT = 0x7AC0


class DamagedError(Exception):
    """Says that the bytes of an array are not those that were written."""


class Shards:
    """Reads arrays of one type, and opens a writer that adds more.

    Args:
        folder: where the files lie.
        name: how the file names begin.
        dtype: type of the items.
        shard_bytes: size of a file, which only a single larger array may exceed.
    """

    def __init__(
        self, folder: Path, name: str, dtype: DTypeLike, shard_bytes: int = SHARD_BYTES
    ) -> None:
        self.folder, self.name, self.dtype = folder, name, np.dtype(dtype)
        self.shard_bytes = shard_bytes
        self.index = folder / f"{name}.index"
        self.reload()

    def reload(self) -> None:
        """Forget all records and files, so that new arrays are found as well."""
        self._records: NDArray[Any] | None = None
        self._entries: dict[bytes, int] | None = None
        self._checked: set[int] = set()
        self._files: dict[int, NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self.records)

    @property
    def records(self) -> NDArray[Any]:
        """Return all records, of type ``RECORD``, mapped into memory."""
        if self._records is None:
            size = self.index.stat().st_size if self.index.is_file() else 0
            count = size // RECORD.itemsize
            empty = np.empty(0, RECORD)
            self._records = np.memmap(self.index, RECORD, "r", shape=(count,)) if count else empty
        return self._records

    @property
    def entries(self) -> dict[bytes, int]:
        """Return the number of the record of each key."""
        if self._entries is None:
            keys = np.ascontiguousarray(self.records["key"]).tobytes()
            starts = range(0, len(keys), KEY_BYTES)
            self._entries = {keys[at : at + KEY_BYTES]: i for i, at in enumerate(starts)}
        return self._entries

    def read(self, entry: int) -> NDArray[Any]:
        """Return a flat copy of an array; the first read in each process compares its checksum.

        Raises:
            DamagedError: the bytes have changed.
            OSError: the file is missing.
        """
        record = self.records[entry]
        array = self.read_part(entry, 0, int(record["length"]))
        if entry not in self._checked:
            if len(array) != record["length"] or zlib.crc32(array.data) != record["crc"]:
                raise DamagedError
            self._checked.add(entry)
        return array

    def read_part(self, entry: int, start: int, count: int) -> NDArray[Any]:
        """Return a copy of up to ``count`` items of an array, unchecked, from item ``start`` on.

        Raises:
            OSError: the file is missing.
        """
        record = self.records[entry]
        shard, begin = int(record["shard"]), int(record["at"]) // self.dtype.itemsize
        end = begin + min(start + count, int(record["length"]))
        if shard not in self._files:
            self._files[shard] = np.memmap(self.path(shard), self.dtype, "r")
        return np.array(self._files[shard][begin + start : end])

    def repair(self, entry: int, array: NDArray[Any]) -> None:
        """Write an array back to its place if it equals the one that was written there."""
        record = self.records[entry]
        if len(array) != record["length"] or zlib.crc32(array.data) != record["crc"]:
            return
        with self.path(int(record["shard"])).open("r+b") as file:
            file.seek(int(record["at"]))
            file.write(array.data)

    def is_whole(self) -> bool:
        """Return whether every file is at least as long as the records say."""
        return self._count_whole(self.records) == len(self.records)

    def path(self, shard: int) -> Path:
        """Return the file of a shard."""
        return self.folder / f"{self.name}-{shard:05d}.{self.dtype.name}"

    @contextmanager
    def writing(self) -> Iterator[ShardWriter]:
        """Yield a writer; the caller makes sure that no other process writes meanwhile.

        Raises:
            InputError: the folder cannot be written.
        """
        n_lost = self._cut_off()
        try:
            with ShardWriter(self, n_lost) as writer:
                yield writer
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be written ({error.strerror}); make room or choose another"
            ) from None
        finally:
            self.reload()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the mapped files: each loader worker maps them itself."""
        shards = Shards(self.folder, self.name, self.dtype, self.shard_bytes)
        return shards.__dict__

    def _count_whole(self, records: NDArray[Any]) -> int:
        """Return how many records, from the first one on, have all their bytes in the files."""
        sizes = np.zeros(int(records["shard"].max()) + 1 if len(records) else 1, np.uint64)
        for number in range(len(sizes)):
            if self.path(number).is_file():
                sizes[number] = self.path(number).stat().st_size
        ends = records["at"] + records["length"] * np.uint64(self.dtype.itemsize)
        return _first(ends > sizes[records["shard"]])

    def _cut_off(self) -> int:
        """Remove what a killed process left incomplete; return how many records that costs."""
        self.reload()
        records = np.array(self.records)
        kept = records[: _first(_checks(records) != records["check"])]
        kept = kept[: self._count_whole(kept)]
        if self.index.is_file():
            with self.index.open("r+b") as file:
                file.truncate(len(kept) * RECORD.itemsize)
        last, end = _end(kept, self.dtype.itemsize)
        for path in self.folder.glob(f"{self.name}-[0-9]*.{self.dtype.name}"):
            digits = path.stem.rsplit("-", 1)[1]
            if not digits.isdecimal():  # another file, which is not ours
                continue
            number = int(digits)
            if number > last or not len(kept):
                path.unlink()
            elif number == last:
                with path.open("r+b") as file:
                    file.truncate(end)
        self.reload()
        return len(records) - len(kept)


class ShardWriter:
    """Appends arrays to shards.

    Args:
        shards: whose files end with whole arrays.
        n_lost: number of damaged arrays that were removed before.
    """

    def __init__(self, shards: Shards, n_lost: int = 0) -> None:
        self.n_lost = n_lost
        self._shards = shards
        self._entries = shards.entries
        self._shard, self._at = _end(shards.records, shards.dtype.itemsize)
        self._data: BinaryIO | None = None
        self._index: BinaryIO = shards.index.open("ab")

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, *_: object) -> None:
        with self._index:
            self._close_shard()

    def __contains__(self, key: bytes) -> bool:
        return key in self._entries

    def add(self, key: bytes, array: NDArray[Any], samples: int = 0) -> None:
        """Write an array and then its record, unless the key is there already."""
        if key in self._entries:
            return
        flat = np.ascontiguousarray(array, self._shards.dtype).reshape(-1)
        if self._at and self._at + flat.nbytes > self._shards.shard_bytes:
            self._close_shard()
            self._shard, self._at = self._shard + 1, 0
        if self._data is None:
            self._data = self._shards.path(self._shard).open("ab")
        record = np.zeros(1, RECORD)
        crc = zlib.crc32(flat.data)
        record[0] = (key, self._at, len(flat), samples, self._shard, crc, 0, 0)
        record["check"] = _checks(record)
        for file, data in ((self._data, flat.data), (self._index, record.tobytes())):
            file.write(data)
            file.flush()
        self._at += flat.nbytes
        self._entries[key] = len(self._entries)

    def _close_shard(self) -> None:
        if self._data is not None:
            self._data.close()
        self._data = None


def content_key(data: bytes) -> bytes:
    """Return the key of ``KEY_BYTES`` bytes that stands for some content: a hash of its bytes."""
    return hashlib.blake2b(data, digest_size=KEY_BYTES).digest()


def _first(is_bad: NDArray[np.bool_]) -> int:
    """Return the place of the first True, or the length if there is none."""
    return int(is_bad.argmax()) if is_bad.any() else len(is_bad)


def _checks(records: NDArray[Any]) -> NDArray[np.uint32]:
    """Return a checksum of each record without its last word."""
    words = np.ascontiguousarray(records).view("<u4").reshape(-1, _WORDS)[:, :-1]
    # the weights make the sum change when two words change places
    weights = np.arange(1, _WORDS, dtype=np.uint32) * np.uint32(0x9E3779B1)
    sums: NDArray[np.uint32] = (words * weights).sum(1, dtype=np.uint32) + np.uint32(_SALT)
    return sums


def _end(records: NDArray[Any], itemsize: int) -> tuple[int, int]:
    """Return the shard and the byte at which the next array begins."""
    if not len(records):
        return 0, 0
    last = records[-1]
    return int(last["shard"]), int(last["at"]) + int(last["length"]) * itemsize
