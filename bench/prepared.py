"""Measures three ways to keep the mels of a corpus on disk: ``python -m bench.prepared``.

    python -m bench.prepared                       # 2,000 mels, about two minutes
    python -m bench.prepared --mels 500 --folder /path/on/the/disk

The three ways: our own shards (``tts.data.features.shards``), a file of SQLite with one row for
each mel, and one ``.npy`` file for each mel with an index in JSON. All three keep a checksum of
each mel and compare it when a process reads the mel for the first time. docs/prepared.md has the
figures and says what follows from them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sqlite3
import sys
import tempfile
import time
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts.data.features.shards import RECORD, Shards

N_MELS = 80
#: Frames of the shortest and the longest recordings of LJ Speech.
SHORTEST, LONGEST = 96, 870
MILLION = 1_000_000


class Mel(NamedTuple):
    """Holds a mel ``(N_MELS, T_mel)`` with its key of 16 bytes."""

    key: bytes
    values: NDArray[np.float32]


class Store(ABC):
    """Keeps mels in a folder.

    Args:
        folder: an empty folder, or one that the same store has filled.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def write(self, mels: Iterator[Mel]) -> None:
        """Write mels so that a killed process loses one at most."""

    @abstractmethod
    def read(self, row: int) -> NDArray[np.float32]:
        """Return the mel of a row, checked."""

    @abstractmethod
    def write_index(self, keys: Sequence[bytes], lengths: NDArray[np.int64]) -> None:
        """Write an index without mels."""

    @abstractmethod
    def lengths(self) -> NDArray[np.int64]:
        """Return the number of items of every mel, as a sampler needs them."""


class ShardStore(Store):
    """Keeps mels as Tacoglow does: large files and an index of fixed-size records."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._shards = Shards(folder, "mels", np.float32)

    def write(self, mels: Iterator[Mel]) -> None:
        """Append the mels."""
        with self._shards.writing() as writer:
            for mel in mels:
                writer.add(mel.key, mel.values)

    def read(self, row: int) -> NDArray[np.float32]:
        """Read the mel of a row, and compare its checksum the first time."""
        return self._shards.read(row).reshape(N_MELS, -1)

    def write_index(self, keys: Sequence[bytes], lengths: NDArray[np.int64]) -> None:
        """Write an index without mels."""
        records = np.zeros(len(keys), RECORD)
        records["key"] = np.frombuffer(b"".join(keys), "V16")
        records["length"] = lengths
        records.tofile(self._shards.index)

    def lengths(self) -> NDArray[np.int64]:
        """Read the lengths from the index."""
        return self._shards.records["length"].astype(np.int64)


class SqliteStore(Store):
    """Keeps mels as rows of one SQLite file, committed one by one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._path = folder / "mels.sqlite"
        self._connection: sqlite3.Connection | None = None
        self._checked: set[int] = set()

    def write(self, mels: Iterator[Mel]) -> None:
        """Append the mels."""
        with sqlite3.connect(self._path) as connection:
            self._create(connection)
            for row, mel in enumerate(mels):
                data = mel.values.tobytes()
                values = (row, mel.key, mel.values.size, zlib.crc32(data), data)
                connection.execute("INSERT INTO mels VALUES (?, ?, ?, ?, ?)", values)
                connection.commit()
        connection.close()

    def read(self, row: int) -> NDArray[np.float32]:
        """Read the mel of a row, and compare its checksum the first time."""
        query = "SELECT crc, data FROM mels WHERE row = ?"
        crc, data = self._open().execute(query, (row,)).fetchone()
        if row not in self._checked:
            assert zlib.crc32(data) == crc
            self._checked.add(row)
        return np.frombuffer(data, np.float32).reshape(N_MELS, -1).copy()

    def write_index(self, keys: Sequence[bytes], lengths: NDArray[np.int64]) -> None:
        """Write an index without mels."""
        with sqlite3.connect(self._path) as connection:
            self._create(connection)
            rows = zip(range(len(keys)), keys, lengths.tolist(), strict=True)
            connection.executemany("INSERT INTO mels VALUES (?, ?, ?, 0, NULL)", rows)
        connection.close()

    def lengths(self) -> NDArray[np.int64]:
        """Read the lengths from the index."""
        query = "SELECT length FROM mels ORDER BY row"
        return np.fromiter((length for (length,) in self._open().execute(query)), np.int64)

    def _create(self, connection: sqlite3.Connection) -> None:
        # with a write-ahead log, readers would need the right to write
        connection.execute("PRAGMA journal_mode = DELETE")
        # like our shards: safe when the process is killed, not when the power fails
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA page_size = 16384")
        connection.execute(
            "CREATE TABLE mels (row INTEGER PRIMARY KEY, key BLOB UNIQUE, length INTEGER, "
            "crc INTEGER, data BLOB)"
        )

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(f"file:{self._path}?mode=ro&immutable=1", uri=True)
        return self._connection


class FileStore(Store):
    """Keeps each mel in a ``.npy`` file and writes an index in JSON at the end."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._index: list[list[Any]] | None = None
        self._checked: set[int] = set()

    def write(self, mels: Iterator[Mel]) -> None:
        """Append the mels."""
        index = []
        for mel in mels:
            np.save(self._path(mel.key.hex()), mel.values)
            index.append([mel.key.hex(), mel.values.size, zlib.crc32(mel.values.data)])
        (self.folder / "index.json").write_text(json.dumps(index))

    def read(self, row: int) -> NDArray[np.float32]:
        """Read the mel of a row, and compare its checksum the first time."""
        key, _, crc = self._rows()[row]
        mel: NDArray[np.float32] = np.load(self._path(key), allow_pickle=False)
        if row not in self._checked:
            assert zlib.crc32(mel.data) == crc
            self._checked.add(row)
        return mel

    def write_index(self, keys: Sequence[bytes], lengths: NDArray[np.int64]) -> None:
        """Write an index without mels."""
        pairs = zip(keys, lengths.tolist(), strict=True)
        index = [[key.hex(), length, 0] for key, length in pairs]
        (self.folder / "index.json").write_text(json.dumps(index))

    def lengths(self) -> NDArray[np.int64]:
        """Read the lengths from the index."""
        return np.array([length for _, length, _ in self._rows()], np.int64)

    def _rows(self) -> list[list[Any]]:
        if self._index is None:
            self._index = json.loads((self.folder / "index.json").read_text())
        return self._index

    def _path(self, key: str) -> Path:
        # a folder for each of 256 first bytes: one folder of a million files is slow to list
        folder = self.folder / key[:2]
        folder.mkdir(exist_ok=True)
        return folder / f"{key}.npy"


STORES = {"shards": ShardStore, "SQLite": SqliteStore, ".npy files": FileStore}


def main(arguments: list[str] | None = None) -> None:
    """Measure all stores and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.prepared", description=__doc__)
    parser.add_argument("--mels", type=int, default=2000, help="how many mels are stored")
    parser.add_argument("--folder", type=Path, help="where; a temporary folder by default")
    options = parser.parse_args(arguments)
    print("| | " + " | ".join(STORES) + " |", *["|---" * (len(STORES) + 1) + "|"], sep="\n")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        columns = [
            measure(name, Path(folder) / str(place), options.mels)
            for place, name in enumerate(STORES)
        ]
    for line in columns[0]:
        print(f"| {line} | " + " | ".join(column[line] for column in columns) + " |")


def measure(name: str, folder: Path, n_mels: int) -> dict[str, str]:
    """Return the figures of one store, by their names in the table."""
    folder.mkdir()
    begin = time.perf_counter()
    STORES[name](folder).write(made_mels(n_mels))
    took = time.perf_counter() - begin
    files = [path for path in folder.rglob("*") if path.is_file()]
    one = [in_workers(1, read_all, name, folder, n_mels) for _ in range(3)]
    two = [in_workers(2, read_all, name, folder, n_mels) for _ in range(3)]
    index = folder / "million"
    index.mkdir()
    make_index(name, index)
    opened = min(in_workers(1, open_index, name, index, 0))
    return {
        "mels written in a second": f"{n_mels / took:,.0f}",
        "files, bytes": f"{len(files):,}, {sum(p.stat().st_size for p in files) / 1e6:,.1f} MB",
        "mels read in a second, one worker": f"{max(rate for ((rate, _),) in one):,.0f}",
        "two workers together": f"{max(sum(rate for rate, _ in pair) for pair in two):,.0f}",
        "memory that each worker adds": f"{max(size for _, size in two[0]):.1f} MB",
        "lengths of a million mels, from the start": f"{opened[0]:.2f} s, {opened[1]:.0f} MB",
    }


def made_mels(count: int) -> Iterator[Mel]:
    """Yield mels with as many frames as those of LJ Speech, and random values."""
    chance = np.random.default_rng(0)
    for n_frames in chance.integers(SHORTEST, LONGEST, count).tolist():
        yield Mel(chance.bytes(16), chance.standard_normal((N_MELS, n_frames), np.float32))


def make_index(name: str, folder: Path) -> None:
    """Write the index of a million mels that do not exist."""
    chance = np.random.default_rng(1)
    keys = np.frombuffer(chance.bytes(16 * MILLION), "S16").tolist()
    keys = [key.ljust(16, b"\0") for key in keys]
    STORES[name](folder).write_index(keys, N_MELS * chance.integers(SHORTEST, LONGEST, MILLION))


def read_all(name: str, folder: Path, n_mels: int, seed: int) -> tuple[float, float]:
    """Read all mels twice in random order; return mels per second, and megabytes of memory."""
    store = STORES[name](folder)
    order = np.random.default_rng(seed).permutation(np.tile(np.arange(n_mels), 2)).tolist()
    before, begin = private_megabytes(), time.perf_counter()
    for row in order:
        store.read(row)
    return len(order) / (time.perf_counter() - begin), private_megabytes() - before


def open_index(name: str, folder: Path, _: int, seed: int) -> tuple[float, float]:
    """Read the lengths of all mels; return seconds, and megabytes of memory."""
    before, begin = private_megabytes(), time.perf_counter()
    store = STORES[name](folder)
    assert len(store.lengths()) == MILLION
    return time.perf_counter() - begin, private_megabytes() - before


def in_workers(count: int, job: Any, *arguments: Any) -> list[tuple[float, float]]:
    """Call a function in fresh processes at the same time."""
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        pool.map(abs, range(100))  # all of them have started and imported
        calls = [pool.apply_async(job, (*arguments, seed)) for seed in range(count)]
        return [call.get() for call in calls]


def private_megabytes() -> float:
    """Return the memory that this process shares with no file and no other process."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) / 1000


if __name__ == "__main__":
    sys.exit(main())
