"""What a corpus says about itself: ``metadata.csv`` of LJ Speech, and ``wav|text`` filelists.

Both parsers refuse what would go wrong later (a missing recording, an empty text, a name that
occurs twice) and name the line, so that an hour of training never ends on row 11,384.
Formats: LJ Speech 1.1's README; the ``filelists/`` of NVIDIA's Tacotron 2.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tts.errors import InputError

# What NVIDIA's filelists write in place of the folder of recordings
PLACEHOLDER = "DUMMY/"


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


def read_metadata(path: Path) -> list[Utterance]:
    """Read LJ Speech's ``id|text|normalised text``, with recordings in ``wavs/`` beside it.

    The third column is used, and the second where the third is absent or empty.

    Raises:
        InputError: the file is missing, empty or not UTF-8, or a row is at fault.
    """
    wavs = path.parent / "wavs"
    found = []
    for where, fields in _rows(path):
        if len(fields) not in (2, 3):
            raise InputError(
                f"{where}: {len(fields)} field(s), expected id|text or id|text|normalised text"
            )
        name, text = fields[0], fields[-1] or fields[1]
        found.append(Utterance(name.replace("/", "-"), wavs / f"{name}.wav", text, where))
    return _checked(path, found)


def read_filelist(path: Path, root: Path, wav_root: Path | None = None) -> list[Utterance]:
    """Read a filelist of ``wav|text``.

    Args:
        path: the filelist.
        root: what relative recordings are relative to.
        wav_root: takes the place of ``root`` for recordings, and of the ``DUMMY/`` that
            NVIDIA's lists begin with.

    Raises:
        InputError: the file is missing, empty or not UTF-8, or a row is at fault.
    """
    folder = Path(os.path.normpath(root if wav_root is None else wav_root))
    found = []
    for where, fields in _rows(path):
        if len(fields) != 2:
            raise InputError(f"{where}: {len(fields)} field(s), expected wav|text")
        written = fields[0] if wav_root is None else fields[0].removeprefix(PLACEHOLDER)
        wav = Path(os.path.normpath(folder / written))
        found.append(Utterance(_id_of(wav, folder), wav, fields[1], where))
    return _checked(path, found)


def by_id(utterances: Iterable[Utterance]) -> dict[str, Utterance]:
    """Index utterances by their id.

    Raises:
        InputError: two of them share an id.
    """
    found: dict[str, Utterance] = {}
    for utterance in utterances:
        first = found.setdefault(utterance.id, utterance)
        if first is not utterance:
            raise InputError(
                f"{utterance.where}: {utterance.id!r} stands in {first.where} already; "
                "remove one of the two rows"
            )
    return found


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Give each row that is not blank as its place and its stripped fields."""
    try:
        # utf-8-sig: spreadsheet programs write a byte order mark
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path.name}:{number}", [field.strip() for field in line.split("|")]
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise InputError(f"{path}: {reason}; check data.root") from None


def _checked(path: Path, utterances: list[Utterance]) -> list[Utterance]:
    if not utterances:
        raise InputError(f"{path}: it is empty; expected a row for each recording")
    by_id(utterances)
    for utterance in utterances:
        _check(utterance)
    return utterances


def _check(utterance: Utterance) -> None:
    if not utterance.id:
        raise InputError(f"{utterance.where}: the first field is empty; write the recording's name")
    if not utterance.text:
        raise InputError(
            f"{utterance.where}: {utterance.id!r} has no text; write it or remove the row"
        )
    if not utterance.wav.is_file():
        hint = "set data.wav_root" if PLACEHOLDER in utterance.wav.as_posix() else "add it"
        raise InputError(
            f"{utterance.where}: recording {utterance.wav} is missing; {hint} or remove the row"
        )


def _id_of(wav: Path, folder: Path) -> str:
    """Name a recording by its path in the corpus; stems alone repeat in speakers' folders."""
    name = wav.relative_to(folder) if wav.is_relative_to(folder) else wav.relative_to(wav.anchor)
    return "-".join(name.with_suffix("").parts)
