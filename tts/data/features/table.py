"""``CorpusTable``: what is known of the utterances of a prepared corpus, a row for each.

Numbers are a structured array and strings one file of bytes, both mapped into memory: a million
utterances are there at once and cost nothing before they are asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts.core.errors import InputError
from tts.data.corpora.manifest import Utterance

Rows = NDArray[np.int64]

#: Parts of a corpus; a row holds the place in this tuple.
PARTS = ("train", "val", "test")
_ABOUT, _ROWS, _STRINGS = "corpus.json", "rows.npy", "strings.bin"

ROW = np.dtype(
    [
        ("at", "<u8"),  # byte at which the strings begin
        ("name", "<u4"),  # bytes of each string
        ("text", "<u4"),
        ("where", "<u4"),
        ("speaker", "<i4"),
        ("mel", "<i8"),  # entry of the mel and of the wave; -1 if it is not stored
        ("wave", "<i8"),
        ("recorded", "<u8"),  # samples of the recording
        ("samples", "<u8"),  # samples that training sees, at the rate of the mel contract
        ("rate", "<u4"),  # of the recording, Hz
        ("frames", "<u4"),
        ("part", "u1"),
    ]
)


class RecordingColumns(NamedTuple):
    """Numbers of a row that come from its recording."""

    mel: int
    wave: int
    rate: int
    recorded: int
    samples: int
    frames: int


class StringColumn(Sequence[str]):
    """One of the strings of some rows, read when it is asked for."""

    def __init__(self, table: CorpusTable, field: str, rows: Rows) -> None:
        self._table, self._field, self._rows = table, field, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return StringColumn(self._table, self._field, self._rows[index])
        return self._table.string(int(self._rows[index]), self._field)

    def __iter__(self) -> Iterator[str]:
        return self._table.strings(self._field, self._rows)

    def joined(self) -> bytes:
        """All of them, with line breaks between."""
        return self._table.joined(self._field, self._rows)


class CorpusTable:
    """The utterances of a corpus.

    Files are opened when they are first read, in each process anew.

    Args:
        folder: as ``write_table`` makes it.

    Raises:
        InputError: it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows: NDArray[Any] | None = None
        self._bytes: NDArray[np.uint8] | None = None
        try:
            self.about: dict[str, Any] = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
            self._check()
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise InputError(f"{folder}: not a prepared corpus ({error}); delete it") from None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def rows(self) -> NDArray[Any]:
        """All rows, ``ROW``."""
        if self._rows is None:
            rows: NDArray[Any] = np.load(self.folder / _ROWS, mmap_mode="r", allow_pickle=False)
            self._rows = rows
        return self._rows

    def part(self, name: str) -> Rows:
        """The rows of "train", "val" or "test"."""
        (rows,) = np.nonzero(self.rows["part"] == PARTS.index(name))
        return rows

    def column(self, field: str, rows: Rows | None = None) -> StringColumn:
        """Names, texts or places ("name", "text", "where") of some rows, or of all."""
        return StringColumn(self, field, np.arange(len(self)) if rows is None else rows)

    def string(self, row: int, field: str) -> str:
        """One string of a row."""
        at, size = self._place(self.rows[row], field)
        return bytes(self._blob[at : at + size]).decode()

    def strings(self, field: str, rows: Rows) -> Iterator[str]:
        """One string of each of some rows."""
        blob = self._blob.data
        chosen = self.rows[rows]
        starts, sizes = self._place(chosen, field)
        for at, size in zip(starts.tolist(), sizes.tolist(), strict=True):
            yield str(blob[at : at + size], "utf-8")

    def joined(self, field: str, rows: Rows) -> bytes:
        """One string of each of some rows, with line breaks between."""
        starts, sizes = self._place(self.rows[rows], field)
        ends = np.cumsum(sizes + 1)
        # of each byte of the result, the place that it comes from
        begins = ends - sizes - 1
        places = np.arange(ends[-1]) + np.repeat(starts - begins, sizes + 1)
        joined = self._blob[np.minimum(places, self._blob.size - 1)]
        joined[ends - 1] = ord("\n")
        return bytes(joined[:-1].tobytes())

    def __getstate__(self) -> dict[str, Any]:
        """Leave what is open behind: a worker opens its own."""
        return self.__dict__ | {"_rows": None, "_bytes": None}

    def _check(self) -> None:
        if self.rows.dtype != ROW or not len(self.rows):
            raise ValueError("other columns than expected")
        last = self.rows[-1]
        end = int(last["at"]) + sum(int(last[field]) for field in ("name", "text", "where"))
        if self._blob.size != end:
            raise ValueError(f"{_STRINGS} has {self._blob.size} bytes, expected {end}")

    @property
    def _blob(self) -> NDArray[np.uint8]:
        if self._bytes is None:
            self._bytes = np.memmap(self.folder / _STRINGS, np.uint8, mode="r")
        return self._bytes

    def _place(self, row: Any, field: str) -> Any:
        before = {"name": (), "text": ("name",), "where": ("name", "text")}[field]
        start = row["at"].astype(np.int64)
        for other in before:
            start = start + row[other]
        return start, row[field].astype(np.int64)


def table_bytes(
    about: dict[str, Any],
    utterances: Sequence[Utterance],
    parts: Sequence[int],
    entries: Sequence[RecordingColumns],
) -> tuple[str, dict[str, bytes]]:
    """The files of a table, and a key that names their content.

    Args:
        about: the corpus as a whole.
        utterances: one for each row.
        parts: place of each in ``PARTS``.
        entries: what comes from the recordings.
    """
    rows = np.zeros(len(utterances), ROW)
    strings = [(u.id.encode(), u.text.encode(), u.where.encode()) for u in utterances]
    sizes = np.array([[len(string) for string in three] for three in strings], np.int64)
    ends = sizes.sum(1).cumsum()
    rows["at"][1:] = ends[:-1]
    rows["name"], rows["text"], rows["where"] = sizes.T
    rows["speaker"] = [utterance.speaker for utterance in utterances]
    rows["part"] = parts
    for field, values in zip(RecordingColumns._fields, zip(*entries, strict=True), strict=True):
        rows[field] = values
    files = {
        _ABOUT: (json.dumps(about, indent=1, sort_keys=True) + "\n").encode(),
        _STRINGS: b"".join(string for three in strings for string in three),
        _ROWS: _npy(rows),
    }
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(files[name])
    return digest.hexdigest()[:16], files


def _npy(array: NDArray[Any]) -> bytes:
    import io

    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()
