"""Reads manifests, the tables that list the recordings of a corpus with their texts.

The readers return the rows that can be used, and add a line for each row that cannot (a missing
recording, an empty text, a name that occurs twice). So all faults are known before a training
starts, and none of them stops it after an hour.
Formats: the README of LJ Speech 1.1; the ``filelists/`` of NVIDIA's Tacotron 2, and those of
Mellotron for several speakers.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from tts.core.errors import InputError
from tts.data.corpora.missing_recordings import MissingRecordings
from tts.data.corpora.names import AUDIO_SUFFIXES, PLACEHOLDER

#: The faults of rows, in one line each.
Faults = list[str]
#: What to do about a row or a recording that cannot be used: stop, or leave it out and report it.
OnError = Literal["raise", "skip"]

# Rows whose folders are searched for missing recordings
_N_SAMPLED = 20
_OTHER_DELIMITERS = "\t;,"
# Characters of a fault, enough for two long paths
_MOST_CHARACTERS = 800
# Bytes by which UTF-16 is recognised
_UTF16_SAMPLE = 4096
# Bytes that are not UTF-8, as "surrogateescape" decodes them
_UNDECODED = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Utterance:
    """Holds a recording and its text.

    Attributes:
        id: name that is unique in the corpus and can be part of a file name.
        wav: the recording.
        text: the spoken text; numbers and abbreviations are written out if the corpus offers that.
        where: the line of the manifest, such as "metadata.csv:12", for messages.
        speaker: number of the speaker; 0 if there is only one.
    """

    id: str
    wav: Path
    text: str
    where: str
    speaker: int = 0


class ManifestRow(NamedTuple):
    """Holds a row of a manifest of any format.

    Attributes:
        id: as in ``Utterance``.
        wav: path of the recording.
        text: the spoken text.
        where: the line of the manifest.
        speaker: name of the speaker; "" if the row names none.
    """

    id: str
    wav: str
    text: str
    where: str
    speaker: str = ""


def read_metadata(path: Path, faults: Faults) -> list[ManifestRow]:
    """Read LJ Speech's ``id|text|normalised text``, whose recordings are in ``wavs/`` next to it.

    The text is the third column, or the second if the third is absent or empty.

    Args:
        path: the file.
        faults: receives a line for each row that cannot be used.

    Raises:
        InputError: the file is missing or empty, or is not such a table.
    """
    wavs = os.path.join(path.parent, "wavs")
    rows = []
    for where, fields in rows_by_bar(path, faults, (2, 3), "id|text or id|text|normalised text"):
        name, text = fields[0], fields[-1] or fields[1]
        wav = os.path.join(wavs, f"{name}.wav")
        rows.append(ManifestRow(name.replace("/", "-"), wav, text, where))
    return usable_rows(path, rows, faults)


def read_filelist(
    path: Path, root: Path, wav_root: Path | None = None, *, faults: Faults
) -> list[ManifestRow]:
    """Read a filelist of ``wav|text`` or ``wav|text|speaker``.

    Args:
        path: the filelist.
        root: the folder that relative paths of recordings start from.
        wav_root: replaces ``root`` for recordings, and the ``DUMMY/`` at the beginning of the
            paths in NVIDIA's lists.
        faults: receives a line for each row that cannot be used.

    Raises:
        InputError: the file is missing or empty, or is not such a list.
    """
    folder = os.path.normpath(root if wav_root is None else wav_root)
    rows = []
    for where, fields in rows_by_bar(path, faults, (2, 3), "wav|text or wav|text|speaker"):
        written = fields[0] if wav_root is None else fields[0].removeprefix(PLACEHOLDER)
        wav = os.path.normpath(os.path.join(folder, written)) if written else ""
        rows.append(
            ManifestRow(recording_id(wav, folder), wav, fields[1], where, "".join(fields[2:]))
        )
    return usable_rows(path, rows, faults)


def read_text(path: Path, encoding: str = "utf-8-sig") -> str:
    """Read a text file; bytes that the encoding does not have become lone surrogates.

    Args:
        path: the file.
        encoding: ``utf-8-sig`` accepts UTF-8 with and without the byte order mark, which
            spreadsheet programs write.

    Raises:
        InputError: the file cannot be read, is UTF-16, or there is no such encoding.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is no file; check data.root")
        data = path.read_bytes()
        if encoding == "utf-8-sig" and _looks_like_utf16(data):
            raise InputError(f"{path}: not UTF-8 but probably UTF-16; {_to_utf8(path, 'utf-16')}")
        return data.decode(encoding, errors="surrogateescape")
    except LookupError:
        raise InputError(f"data.encoding={encoding}: there is no such encoding") from None
    except UnicodeError as error:
        raise InputError(f"{path}: not {encoding} ({error}); set data.encoding") from None
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise InputError(f"{path}: {reason}; check data.root") from None


def _looks_like_utf16(data: bytes) -> bool:
    """Return whether a file begins as UTF-16 does, or has a NUL in many of its characters.

    A NUL by itself is a fault of its line only.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    sample = data[:_UTF16_SAMPLE]
    return len(sample) > 2 and sample.count(0) > len(sample) // 4


def encoding_fault(path: Path, where: str, line: str) -> str | None:
    """Return a fault if a line has NUL bytes or bytes that are not UTF-8, else None."""
    if "\0" in line:
        return f"{where}: holds a NUL byte, which is no text; remove it from {path.name}"
    if line.isascii() or (match := _UNDECODED.search(line)) is None:
        return None
    byte = ord(match[0]) - 0xDC00
    return f"{where}: not UTF-8 (byte 0x{byte:02x}), perhaps cp1252; {_to_utf8(path, 'cp1252')}"


def usable_rows(manifest: Path, rows: list[ManifestRow], faults: Faults) -> list[ManifestRow]:
    """Return the rows that can be used, each id once.

    Args:
        manifest: the file, for messages.
        rows: all rows.
        faults: receives a line for each row that cannot be used.

    Raises:
        InputError: there is no row, or most texts hold no letter.
    """
    if not rows and not faults:
        raise InputError(f"{manifest}: it is empty; expected a row for each recording")
    _refuse_numbers(manifest, rows)
    folders, named = _FolderListings(), any(row.speaker for row in rows)
    places = [_folder_of(manifest), *_existing_folders(rows)]
    missing = MissingRecordings(places, (row.wav for row in rows))
    kept: dict[str, ManifestRow] = {}
    for row in rows:
        fault = _fault(row, folders, missing, named)
        if fault is None and (first := kept.setdefault(row.id, row)) is not row:
            fault = f"{row.id!r} stands in {first.where} already; {_remedy(row, first)}"
        if fault is not None:
            faults.append(f"{row.where}: {_abridged(fault)}")
    return list(kept.values())


def _abridged(fault: str) -> str:
    """Return a fault without the middle of a name of thousands of characters."""
    if len(fault) <= _MOST_CHARACTERS:
        return fault
    return f"{fault[: _MOST_CHARACTERS // 2]}…{fault[-_MOST_CHARACTERS // 2 :]}"


def _remedy(row: ManifestRow, first: ManifestRow) -> str:
    """Return what to do about two rows of one id."""
    if os.path.normpath(row.wav) == os.path.normpath(first.wav):
        return "remove one of the two rows"
    names = f"{os.path.basename(first.wav)} and {os.path.basename(row.wav)}"
    if os.path.dirname(row.wav) != os.path.dirname(first.wav):
        names = f"{first.wav} and {row.wav}"
    return f"rename one of the recordings ({names}), or remove one of the two rows"


def recording_id(wav: str, folder: str) -> str:
    """Return the id of a recording: its path in the corpus with ``-`` for ``/``.

    File names alone are not unique, because they repeat in the folders of speakers.
    """
    if wav.startswith(folder + os.sep):
        wav = wav[len(folder) + 1 :]
    return os.path.splitext(wav)[0].lstrip(f".{os.sep}").replace(os.sep, "-")


def rows_by_bar(
    path: Path, faults: Faults, n_fields: tuple[int, ...], expected: str
) -> Iterator[tuple[str, list[str]]]:
    """Yield the place and the stripped fields of each row of ``|``-separated text.

    Args:
        path: the file; blank lines are passed over.
        faults: receives a line for each row that has another number of fields, or is not UTF-8.
        n_fields: the legal numbers of fields.
        expected: the fields, for messages.

    Raises:
        InputError: the file cannot be read.
    """
    # newline=None accepts all three kinds of line end
    for number, line in enumerate(io.StringIO(read_text(path), newline=None), 1):
        if not line.strip():
            continue
        where = f"{path.name}:{number}"
        fields = [field.strip() for field in line.split("|")]
        if fault := encoding_fault(path, where, line):
            faults.append(fault)
        elif len(fields) in n_fields:
            yield where, fields
        else:
            hint = _hint(line) if len(fields) == 1 else ""
            faults.append(f"{where}: {len(fields)} field(s), expected {expected}{hint}")


def _hint(line: str) -> str:
    other = next((repr(char) for char in _OTHER_DELIMITERS if char in line), None)
    return f"; separated by {other}? data=csv reads tables of any kind" if other else ""


def _fault(
    row: ManifestRow, folders: _FolderListings, missing: MissingRecordings, named: bool
) -> str | None:
    """Return the fault of a single row, or None."""
    if not row.id:
        return "the first field is empty; write the recording's name"
    if not row.text:
        return f"{row.id!r} has no text; write it or remove the row"
    if row.text.lower().endswith(AUDIO_SUFFIXES) and " " not in row.text:
        return f"the text is {row.text!r}; are the columns in another order?"
    if named and not row.speaker:
        return f"{row.id!r} has no speaker, other rows have; write it or remove the row"
    return None if folders.has(row.wav) else missing.fault(row.wav)


def _refuse_numbers(manifest: Path, rows: Iterable[ManifestRow]) -> None:
    """Refuse a column of numbers or codes as texts, even if faulty rows are to be skipped."""
    texts = [row for row in rows if row.text]
    numbers = [row for row in texts if not any(map(str.isalpha, row.text))]
    if len(numbers) * 2 > len(texts) > 2:
        first = numbers[0]
        raise InputError(
            f"{manifest}: {len(numbers)} of {len(texts)} texts have no letter in them, first "
            f"{first.where}: {first.text!r}; is the text in another column? (numbers that are "
            "read aloud have to be written in words)"
        )


def _to_utf8(path: Path, encoding: str) -> str:
    return f"save it as UTF-8 (iconv -f {encoding} -t utf-8 {path.name})"


def _folder_of(manifest: Path) -> str:
    return str(manifest if manifest.is_dir() else manifest.parent)


def _existing_folders(rows: Sequence[ManifestRow]) -> list[str]:
    """Return the folder of the first recordings, which may lie outside that of the manifest."""
    folders = {os.path.dirname(row.wav) for row in rows[:_N_SAMPLED] if "\0" not in row.wav}
    return sorted(folder for folder in folders if folder and os.path.isdir(folder))


class _FolderListings:
    """Tells which files exist; it lists each folder once, which is faster than a query per file."""

    def __init__(self) -> None:
        self._folders: dict[str, frozenset[str]] = {}

    def has(self, path: str) -> bool:
        if "\0" in path:
            return False  # a file system raises ValueError for such a path
        folder, name = os.path.split(path)
        if folder not in self._folders:
            try:
                self._folders[folder] = frozenset(os.listdir(folder or "."))
            except OSError:
                self._folders[folder] = frozenset()
        # some file systems know a name in several spellings, which the listing does not show
        return name in self._folders[folder] or os.path.isfile(path)
