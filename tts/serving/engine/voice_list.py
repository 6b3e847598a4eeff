"""Reads the list of voices (``voices.yaml``) without torch, so that mistakes are found at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from tts.core.errors import InputError, listed, one_line, printable_name
from tts.core.ranges import Text, check_fields
from tts.pretrained.importers.plain_yaml import parse_plain_yaml
from tts.pretrained.publication import PUBLICATION

#: Value of ``vocoder`` that needs no file.
NO_VOCODER_FILE = "griffin_lim"
#: Largest file of voices, bytes.
LARGEST_LIST = 1 << 20

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class VoiceEntry:
    """Describes one voice: where its networks are, and how it speaks unless a request says so.

    Attributes:
        id: the name that clients use: small letters, digits, ``_``, ``.`` and ``-``.
        acoustic: a Tacotron 2: a file, or another name of a checkpoint
            (:mod:`tts.pretrained.sources`).
        vocoder: a WaveGlow, or ``"griffin_lim"``.
        name: the name that people read; the id when it is empty.
        speaker: name of the speaker, if the acoustic model has several.
        language: language code, such as ``"en-US"``.
        licence: what may be done with the voice, in a few words.
        description: whatever listeners should know.
        lexicon: a file of pronunciations that come before those of the acoustic model.
        bridge: convert mels for a vocoder with another mel contract, if that is exact.
        precision: ``"float32"`` or ``"int8"``.
        options: fields of :class:`tts.inference.Options` that differ from their defaults.

    Raises:
        InputError: a value is not legal.
    """

    id: str
    acoustic: Annotated[str, Text(null=False)]
    vocoder: Annotated[str, Text(null=False)] = NO_VOCODER_FILE
    name: str = ""
    speaker: str | None = None
    language: str = "en"
    licence: str | None = None
    description: str = ""
    lexicon: str | None = None
    bridge: bool = False
    precision: Literal["float32", "int8"] = "float32"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self)
        if not _ID.fullmatch(self.id):
            raise InputError(
                f"id={printable_name(self.id)}: use up to 64 small letters, digits, _, . and -, "
                "the first a letter or digit"
            )
        if not isinstance(self.options, Mapping):
            raise InputError("options: it must be a section of keys and values")
        if not self.name:
            object.__setattr__(self, "name", self.id)


#: The voice that comes with the package.
PACKAGE_VOICE = VoiceEntry(
    id="lj",
    acoustic="voice_acoustic",
    name="LJ",
    language="en-US",
    licence="made from LJ Speech, which is in the public domain; always say that a machine speaks",
    description="A compact Tacotron 2 with Griffin-Lim, which comes with tacoglow.",
)


def read_voice_list(path: str | Path | None) -> list[VoiceEntry]:
    """Read a list of voices; None stands for the voice of the package.

    Paths in the file are relative to its folder.

    Raises:
        InputError: the file cannot be read, or an entry is wrong; the message names file and voice.
    """
    if path is None:
        return [PACKAGE_VOICE]
    path = Path(path)
    entries = _content(path)
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: it must be a list of voices, each with id and acoustic")
    voices = [_entry(path, number, entry) for number, entry in enumerate(entries, start=1)]
    ids = [voice.id for voice in voices]
    for number, name in enumerate(ids, start=1):
        if name in ids[: number - 1]:
            raise InputError(f"{path}: voice {number} has the id {name} of another voice")
    return voices


def _content(path: Path) -> Any:
    try:
        if path.stat().st_size > LARGEST_LIST:
            raise InputError(f"{path}: larger than {LARGEST_LIST} bytes; it cannot be a voice list")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or one_line(error)}") from None
    try:
        return parse_plain_yaml(content)
    except Exception as error:
        raise InputError(f"{path}: not a YAML file ({one_line(error)})") from None


def _entry(path: Path, number: int, entry: Any) -> VoiceEntry:
    """Return one voice of a list, with paths that do not depend on the working folder."""
    if not isinstance(entry, dict):
        raise InputError(f"{path}: voice {number} must have keys, at least id and acoustic")
    known = [each.name for each in fields(VoiceEntry)]
    where = f"{path}: voice {printable_name(entry.get('id', number))}"
    if unknown := [printable_name(key) for key in entry if key not in known]:
        raise InputError(f"{where}: unknown key {unknown[0]}; known: {listed(known, 40)}")
    if missing := [key for key in ("id", "acoustic") if entry.get(key) is None]:
        raise InputError(f"{where}: {missing[0]} is missing")
    given = {key: value for key, value in entry.items() if value is not None}
    for key in ("acoustic", "vocoder", "lexicon"):
        if isinstance(given.get(key), str):
            given[key] = _from_folder(path.parent, given[key])
    try:
        return VoiceEntry(**given)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _from_folder(folder: Path, source: str) -> str:
    """Return the path of a file or a published voice beside the list, other names unchanged."""
    beside = folder / Path(source).expanduser()
    return str(beside) if beside.is_file() or (beside / PUBLICATION).is_file() else source
