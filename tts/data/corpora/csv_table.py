"""Reads a folder of recordings with a CSV or TSV table, whose columns the configuration names.

The delimiter is found by trials: it is the one that splits the first rows into equal numbers of
fields. Tables that are separated by tab or ``|`` seldom quote their fields, and their texts may
contain quotation marks. Tables that are separated by comma or semicolon are read as quoted.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from tts.core.errors import InputError, listed
from tts.data.corpora.corpus import FolderCorpus, require_folder
from tts.data.corpora.csv_quotes import merged_rows_fault, open_quote_fault
from tts.data.corpora.manifest import (
    Faults,
    ManifestRow,
    encoding_fault,
    read_text,
    recording_id,
    usable_rows,
)
from tts.data.corpora.names import AUDIO_SUFFIXES

#: A column of a table: its name, or its number from 1; None: there is no such column.
ColumnRef = str | int | None

DELIMITERS = ("\t", "|", ";", ",")
_QUOTING = (",", ";")
# Lines that are used to find the delimiter
_SAMPLE = 50


@dataclass(frozen=True)
class TableFormat:
    """Describes how to read a table.

    Attributes:
        wav: column of the recordings: its name, or its number from 1 if there is no header.
        text: column of the texts.
        speaker: column of the speakers' names, if there is one.
        delimiter: one character; None: the delimiter is found.
        header: whether the first row names the columns; None: it does if a column above is a name.
        quoted: whether fields may be quoted; None: only if the delimiter is comma or semicolon.
        encoding: Python's name of the encoding; by default UTF-8, with or without a byte order
            mark.
    """

    wav: ColumnRef = "wav"
    text: ColumnRef = "text"
    speaker: ColumnRef = None
    delimiter: str | None = None
    header: bool | None = None
    quoted: bool | None = None
    encoding: str = "utf-8-sig"

    def __post_init__(self) -> None:
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise InputError(f"data.delimiter={self.delimiter!r}: must be one character, or null")
        if self.encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
            object.__setattr__(self, "encoding", "utf-8-sig")

    @property
    def columns(self) -> dict[str, str | int]:
        """Return the columns that the table must have, by key."""
        columns = {"wav": self.wav, "text": self.text, "speaker": self.speaker}
        return {key: column for key, column in columns.items() if column is not None}

    @property
    def has_header(self) -> bool:
        """Return whether the first row names the columns."""
        if self.header is not None:
            return self.header
        return any(isinstance(column, str) for column in self.columns.values())


class CsvCorpus(FolderCorpus):
    """Reads recordings that are listed in a table.

    Args:
        root: the folder.
        file: the table, relative to the folder.
        columns: ``wav``, ``text`` and ``speaker`` of ``TableFormat``.
        delimiter: as in ``TableFormat``.
        header: as in ``TableFormat``.
        quoted: as in ``TableFormat``.
        encoding: as in ``TableFormat``.
        wav_root: the folder of the recordings, if it is not ``root``. A recording whose ending is
            missing in the table is a ``.wav``.
        **options: the options of ``Corpus``.
    """

    def __init__(
        self,
        root: str | Path,
        file: str | Path,
        columns: Mapping[str, ColumnRef] | None = None,
        delimiter: str | None = None,
        header: bool | None = None,
        quoted: bool | None = None,
        encoding: str = "utf-8",
        wav_root: str | Path | None = None,
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        if unknown := set(columns or {}) - {"wav", "text", "speaker"}:
            raise InputError(f"data.columns.{min(unknown)}: the columns are wav, text and speaker")
        self.format = TableFormat(
            **(columns or {}),
            delimiter=delimiter,
            header=header,
            quoted=quoted,
            encoding=encoding,
        )
        self.file = self.root / Path(file).expanduser()
        self.wav_root = self.root if wav_root is None else self.root / Path(wav_root).expanduser()

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        require_folder(self.root, "set data.root to the corpus")
        return read_table(self.file, self.wav_root, self.format, faults)


def read_table(path: Path, wav_root: Path, form: TableFormat, faults: Faults) -> list[ManifestRow]:
    """Read the rows of a table.

    Args:
        path: the file.
        wav_root: the folder that its recordings are relative to.
        form: how to read the table.
        faults: receives a line for each row that cannot be used.

    Raises:
        InputError: the file is missing or empty, or lacks a column.
    """
    rows = _rows(path, form, faults)
    first = next(rows, None)
    if first is None:
        return usable_rows(path, [], faults)
    if faults and form.has_header:
        raise InputError(faults[0])  # a fault of the header, without which no column is known
    width = len(first.fields)
    places = _places(path, form, first.fields if form.has_header else None, width)
    folder, table = os.path.normpath(wav_root), []
    is_recording = partial(_is_recording, folder)
    for row in rows if form.has_header else chain([first], rows):
        if len(row.lines) > 1 and (
            fault := merged_rows_fault(
                row.begin, row.lines, row.delimiter, width, places["wav"], is_recording
            )
        ):
            raise InputError(f"{row.where}: {fault}")
        if len(row.fields) != width:
            faults.append(
                f"{row.where}: {len(row.fields)} field(s), expected {width} as in the first row; "
                "is there a delimiter in a text that is not quoted, or a quotation mark? "
                "(data.quoted)"
            )
            continue
        cells = {key: " ".join(row.fields[place].split()) for key, place in places.items()}
        wav = _wav_path(folder, cells["wav"])
        speaker = cells.get("speaker", "")
        table.append(ManifestRow(recording_id(wav, folder), wav, cells["text"], row.where, speaker))
    return usable_rows(path, table, faults)


class _Row(NamedTuple):
    """Holds the first line, the fields and all lines of a row, and the delimiter of its table."""

    begin: int
    where: str
    fields: list[str]
    lines: list[str]
    delimiter: str


def _rows(path: Path, form: TableFormat, faults: Faults) -> Iterator[_Row]:
    """Yield each row that is not blank."""
    text, start = read_text(path, form.encoding), 0
    lines = list(io.StringIO(text, newline=""))
    try:
        delimiter = form.delimiter or _delimiter(path, text, form)
        dialect = _dialect(delimiter, form.quoted)
        reader = csv.reader(lines, **dialect)
        for fields in reader:
            where, own = f"{path.name}:{start + 1}", lines[start : reader.line_num]
            start = reader.line_num
            if start == len(lines) and (fault := open_quote_fault(own, dialect)):
                raise InputError(f"{where}: {fault}")
            if not any(field.strip() for field in fields):
                continue
            if fault := encoding_fault(path, where, "".join(fields)):
                faults.append(f"{fault}, or set data.encoding")
            else:
                yield _Row(start - len(own) + 1, where, fields, own, delimiter)
    except csv.Error as error:
        raise InputError(
            f"{path.name}:{start + 1}: {error}; if a quotation mark is not closed, set "
            "data.quoted=false"
        ) from None


def _dialect(delimiter: str, quoted: bool | None) -> dict[str, Any]:
    if delimiter in _QUOTING if quoted is None else quoted:
        return {"delimiter": delimiter}
    return {"delimiter": delimiter, "quoting": csv.QUOTE_NONE, "quotechar": None}


def _delimiter(path: Path, text: str, form: TableFormat) -> str:
    """Return the delimiter that gives the named columns, or rows of equal length."""
    lines = [line for line in text.splitlines()[:_SAMPLE] if line.strip()]
    names = {column for column in form.columns.values() if isinstance(column, str)}
    scores = {}
    for candidate in DELIMITERS:
        rows = list(csv.reader(lines, **_dialect(candidate, form.quoted)))
        if rows and len(rows[0]) > 1:
            n_fields, n_rows = Counter(map(len, rows)).most_common(1)[0]
            has_names = names <= {name.strip() for name in rows[0]}
            scores[candidate] = (has_names, n_rows / len(rows), n_fields)
    if lines and not scores:
        raise InputError(
            f"{path}: not a table by tab, |, semicolon or comma; name its data.delimiter"
        )
    return max(scores, key=scores.__getitem__, default=DELIMITERS[0])


def _places(
    path: Path, form: TableFormat, header: Sequence[str] | None, width: int
) -> dict[str, int]:
    """Return the places of the columns, counted from 0."""
    names = [" ".join(name.split()) for name in header or []]
    places = {}
    for key, column in form.columns.items():
        if isinstance(column, int):
            if not 1 <= column <= width:
                raise InputError(f"data.columns.{key}={column}: {path} has {width} columns")
            places[key] = column - 1
        elif column not in names:
            known = f"it has {listed(names, 12)}" if names else "data.header=false names none"
            raise InputError(
                f"data.columns.{key}={column}: no such column in {path}, {known}; name it, or "
                "give its number (the first is 1), or another data.delimiter"
            )
        else:
            places[key] = names.index(column)
    return places


def _is_recording(folder: str, cell: str) -> bool:
    """Return whether a field names a recording: by its ending, or because the recording exists."""
    if not cell or " " in cell or "\0" in cell:
        return False
    return cell.lower().endswith(AUDIO_SUFFIXES) or os.path.isfile(_wav_path(folder, cell))


def _wav_path(folder: str, cell: str) -> str:
    if not cell:
        return ""
    ending = "" if cell.lower().endswith(AUDIO_SUFFIXES) else ".wav"
    return os.path.normpath(os.path.join(folder, cell + ending))
