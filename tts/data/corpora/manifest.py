"""What a corpus says about itself, row by row, and what is wrong with some of the rows.

The readers give what can be used and note a line for what cannot (a missing recording, an empty
text, a name that occurs twice), so that an hour of training never ends on row 11,384.
Formats: LJ Speech 1.1's README; the ``filelists/`` of NVIDIA's Tacotron 2, and of Mellotron for
several speakers.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tts.core.errors import InputError

# What NVIDIA's filelists write in place of the folder of recordings
PLACEHOLDER = "DUMMY/"
#: Endings of recordings.
AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus")

#: What is wrong with rows, one line each.
Faults = list[str]

_OTHER_DELIMITERS = "\t;,"
# Bytes that are no UTF-8, as "surrogateescape" reads them
_UNDECODED = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Utterance:
    """A recording and what is said in it.

    Attributes:
        id: name, unique in its corpus and fit for a file name.
        wav: the recording.
        text: what is spoken, numbers and abbreviations written out where the corpus offers that.
        where: the line that says so, such as "metadata.csv:12", for messages.
        speaker: number of the speaker, 0 where there is only one.
    """

    id: str
    wav: Path
    text: str
    where: str
    speaker: int = 0


class ManifestRow(NamedTuple):
    """A row of a manifest, whatever its format.

    Attributes:
        id: as in ``Utterance``.
        wav: the recording.
        text: what is spoken.
        where: the row.
        speaker: name of the speaker, "" where nobody is named.
    """

    id: str
    wav: str
    text: str
    where: str
    speaker: str = ""


def read_metadata(path: Path, faults: Faults) -> list[ManifestRow]:
    """Read LJ Speech's ``id|text|normalised text``, with recordings in ``wavs/`` beside it.

    The third column is used, and the second where the third is absent or empty.

    Args:
        path: the file.
        faults: gets a line for each row that cannot be used.

    Raises:
        InputError: the file is missing or empty, or is no such table at all.
    """
    wavs = os.path.join(path.parent, "wavs")
    found = []
    for where, fields in _rows(path, faults, (2, 3), "id|text or id|text|normalised text"):
        name, text = fields[0], fields[-1] or fields[1]
        wav = os.path.join(wavs, f"{name}.wav")
        found.append(ManifestRow(name.replace("/", "-"), wav, text, where))
    return usable_rows(path, found, faults)


def read_filelist(
    path: Path, root: Path, wav_root: Path | None = None, *, faults: Faults
) -> list[ManifestRow]:
    """Read a filelist of ``wav|text`` or ``wav|text|speaker``.

    Args:
        path: the filelist.
        root: what relative recordings are relative to.
        wav_root: takes the place of ``root`` for recordings, and of the ``DUMMY/`` that
            NVIDIA's lists begin with.
        faults: gets a line for each row that cannot be used.

    Raises:
        InputError: the file is missing or empty, or is no such list at all.
    """
    folder = os.path.normpath(root if wav_root is None else wav_root)
    found = []
    for where, fields in _rows(path, faults, (2, 3), "wav|text or wav|text|speaker"):
        written = fields[0] if wav_root is None else fields[0].removeprefix(PLACEHOLDER)
        wav = os.path.normpath(os.path.join(folder, written)) if written else ""
        found.append(
            ManifestRow(recording_id(wav, folder), wav, fields[1], where, "".join(fields[2:]))
        )
    return usable_rows(path, found, faults)


def read_text(path: Path, encoding: str = "utf-8-sig") -> str:
    """Read a text file; bytes that are not in the encoding become lone surrogates.

    Args:
        path: the file.
        encoding: ``utf-8-sig`` takes UTF-8 with and without the byte order mark that spreadsheet
            programs write.

    Raises:
        InputError: it cannot be read, is UTF-16, or there is no such encoding.
    """
    try:
        data = path.read_bytes()
        if encoding == "utf-8-sig" and (data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data):
            raise InputError(f"{path}: not UTF-8 but probably UTF-16; {_to_utf8(path, 'utf-16')}")
        return data.decode(encoding, errors="surrogateescape")
    except LookupError:
        raise InputError(f"data.encoding={encoding}: there is no such encoding") from None
    except UnicodeError as error:
        raise InputError(f"{path}: not {encoding} ({error}); set data.encoding") from None
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise InputError(f"{path}: {reason}; check data.root") from None


def encoding_fault(path: Path, where: str, line: str) -> str | None:
    """Say what is wrong with a line that holds bytes of another encoding; None if none does."""
    if line.isascii() or (match := _UNDECODED.search(line)) is None:
        return None
    byte = ord(match[0]) - 0xDC00
    return f"{where}: not UTF-8 (byte 0x{byte:02x}), perhaps cp1252; {_to_utf8(path, 'cp1252')}"


def usable_rows(manifest: Path, entries: list[ManifestRow], faults: Faults) -> list[ManifestRow]:
    """Give the entries that can be trained on, each id once, and note what is wrong with others.

    Raises:
        InputError: there is none at all, or the texts are plainly no texts.
    """
    if not entries and not faults:
        raise InputError(f"{manifest}: it is empty; expected a row for each recording")
    _refuse_numbers(manifest, entries)
    listing, named = _Listing(), any(entry.speaker for entry in entries)
    kept: dict[str, ManifestRow] = {}
    for entry in entries:
        fault = _fault(entry, listing, named)
        if fault is None and (first := kept.setdefault(entry.id, entry)) is not entry:
            fault = f"{entry.id!r} stands in {first.where} already; remove one of the two rows"
        if fault is not None:
            faults.append(f"{entry.where}: {fault}")
    return list(kept.values())


def recording_id(wav: str, folder: str) -> str:
    """Name a recording by its path in the corpus; stems alone repeat in speakers' folders."""
    if wav.startswith(folder + os.sep):
        wav = wav[len(folder) + 1 :]
    return os.path.splitext(wav)[0].lstrip(f".{os.sep}").replace(os.sep, "-")


def _rows(
    path: Path, faults: Faults, n_fields: tuple[int, ...], expected: str
) -> Iterator[tuple[str, list[str]]]:
    """Give each row that is not blank as its place and its stripped fields."""
    # newline=None: lines end in any of the three ways
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


def _fault(entry: ManifestRow, listing: _Listing, named: bool) -> str | None:
    """What is wrong with an entry by itself."""
    if not entry.id:
        return "the first field is empty; write the recording's name"
    if not entry.text:
        return f"{entry.id!r} has no text; write it or remove the row"
    if entry.text.lower().endswith(AUDIO_SUFFIXES) and " " not in entry.text:
        return f"the text is {entry.text!r}; are the columns in another order?"
    if named and not entry.speaker:
        return f"{entry.id!r} has no speaker, other rows have; write it or remove the row"
    if not listing.has(entry.wav):
        hint = "set data.wav_root" if PLACEHOLDER in Path(entry.wav).as_posix() else "add it"
        return f"recording {entry.wav} is missing; {hint} or remove the row"
    return None


def _refuse_numbers(manifest: Path, entries: Iterable[ManifestRow]) -> None:
    """A column of durations or codes is no text, whatever is to become of faulty rows."""
    texts = [entry for entry in entries if entry.text]
    numbers = [entry for entry in texts if not any(map(str.isalpha, entry.text))]
    if len(numbers) * 2 > len(texts) > 2:
        first = numbers[0]
        raise InputError(
            f"{manifest}: {len(numbers)} of {len(texts)} texts have no letter in them, first "
            f"{first.where}: {first.text!r}; is the text in another column? (numbers that are "
            "read aloud have to be written in words)"
        )


def _to_utf8(path: Path, encoding: str) -> str:
    return f"save it as UTF-8 (iconv -f {encoding} -t utf-8 {path.name})"


class _Listing:
    """Which files there are: a folder is listed once, which is far less than asking for each."""

    def __init__(self) -> None:
        self._folders: dict[str, frozenset[str]] = {}

    def has(self, path: str) -> bool:
        if "\0" in path:
            return False  # which a file system would not even look for
        folder, name = os.path.split(path)
        if folder not in self._folders:
            try:
                self._folders[folder] = frozenset(os.listdir(folder or "."))
            except OSError:
                self._folders[folder] = frozenset()
        # the second question is for file systems that know a name in several spellings
        return name in self._folders[folder] or os.path.isfile(path)
