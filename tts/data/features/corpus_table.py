"""Keeps the facts of each utterance of a prepared corpus in one row.

Numbers are one structured array and strings one file of bytes. Both are mapped into memory: a
corpus of a million utterances opens at once, and its pages are read when they are needed.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tts.core.errors import InputError
from tts.data.corpora.manifest import Utterance

Rows = NDArray[np.int64]

#: Parts of a corpus; a row holds the place of its part in this tuple.
PARTS = ("train", "val", "test")
_ABOUT, _ROWS, _STRINGS = "corpus.json", "rows.npy", "strings.bin"
# in the order in which they lie in the file
_FIELDS = ("name", "text", "where")

ROW = np.dtype(
    [
        ("at", "<u8"),  # byte at which the strings of the row begin, one behind the other
        ("name", "<u4"),  # bytes of each string
        ("text", "<u4"),
        ("where", "<u4"),
        ("speaker", "<i4"),
        ("mel", "<i8"),  # entry of the mel and of the wave in their shards; -1 if not stored
        ("wave", "<i8"),
        ("recorded", "<u8"),  # samples of the recording
        ("samples", "<u8"),  # samples that training sees, at the rate of the mel contract
        ("rate", "<u4"),  # of the recording, Hz
        ("frames", "<u4"),
        ("part", "u1"),
    ]
)


class StringColumn(Sequence[str]):
    """Reads one of the strings of some rows, each when it is asked for."""

    def __init__(self, table: CorpusTable, field: str, rows: Rows) -> None:
        self._table, self._field, self._rows = table, field, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return StringColumn(self._table, self._field, self._rows[index])
        return self._table.string(int(self._rows[index]), self._field)

    def __iter__(self) -> Iterator[str]:
        return self._table.strings(self._rows, self._field)


class CorpusTable:
    """Reads the rows of a corpus.

    Each process maps the files into memory when it first reads them.

    Args:
        folder: holds the files of ``table_files``.

    Raises:
        InputError: a file is missing or damaged.
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
        """Return all rows, of type ``ROW``."""
        if self._rows is None:
            rows: NDArray[Any] = np.load(self.folder / _ROWS, mmap_mode="r", allow_pickle=False)
            self._rows = rows
        return self._rows

    def part(self, name: str) -> Rows:
        """Return the rows of "train", "val" or "test"."""
        (rows,) = np.nonzero(self.rows["part"] == PARTS.index(name))
        return rows

    def column(self, field: str, rows: Rows | None = None) -> StringColumn:
        """Return the names, texts or places ("name", "text", "where") of some rows, or of all."""
        return StringColumn(self, field, np.arange(len(self)) if rows is None else rows)

    def string(self, row: int, field: str) -> str:
        """Return the name, text or place of one row."""
        return next(self.strings(np.array([row]), field))

    def strings(self, rows: Rows, field: str) -> Iterator[str]:
        """Yield the name, text or place of each of some rows."""
        data, chosen = self._blob.data, self.rows[rows]
        starts = chosen["at"].astype(np.int64)
        for earlier in _FIELDS[: _FIELDS.index(field)]:
            starts += chosen[earlier]
        for start, size in zip(starts.tolist(), chosen[field].tolist(), strict=True):
            yield str(data[start : start + size], "utf-8")

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the mapped files: each loader worker maps them itself."""
        return self.__dict__ | {"_rows": None, "_bytes": None}

    def _check(self) -> None:
        if self.rows.dtype != ROW or not len(self.rows):
            raise ValueError("other columns than expected")
        last = self.rows[-1]
        end = int(last["at"]) + sum(int(last[field]) for field in _FIELDS)
        if self._blob.size != end:
            raise ValueError(f"{_STRINGS} has {self._blob.size} bytes, expected {end}")

    @property
    def _blob(self) -> NDArray[np.uint8]:
        if self._bytes is None:
            self._bytes = np.memmap(self.folder / _STRINGS, np.uint8, mode="r")
        return self._bytes


def table_files(
    about: dict[str, Any], utterances: Sequence[Utterance], columns: Mapping[str, ArrayLike]
) -> tuple[str, dict[str, bytes]]:
    """Return a key that names the content of a table, and the bytes of its files by name.

    Args:
        about: facts of the corpus as a whole.
        utterances: one for each row.
        columns: values of the columns that do not follow from the utterances.
    """
    rows = np.zeros(len(utterances), ROW)
    strings = [(u.id.encode(), u.text.encode(), u.where.encode()) for u in utterances]
    sizes = np.array([[len(string) for string in three] for three in strings], np.int64)
    rows["at"][1:] = sizes.sum(1).cumsum()[:-1]
    rows["name"], rows["text"], rows["where"] = sizes.T
    rows["speaker"] = [utterance.speaker for utterance in utterances]
    for name, values in columns.items():
        rows[name] = values
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, rows, allow_pickle=False)
    files = {
        _ABOUT: (json.dumps(about, indent=1, sort_keys=True) + "\n").encode(),
        _ROWS: buffer.getvalue(),
        _STRINGS: b"".join(string for three in strings for string in three),
    }
    # in the order of their names: the key of a corpus must not change
    digest = hashlib.sha256(b"".join(files.values()))
    return digest.hexdigest()[:16], files
