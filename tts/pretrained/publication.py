"""Describes published voices: folders, and copies of them on the Hugging Face Hub.

A published voice has a file ``publication.json`` that lists all its files with their SHA-256, and
says which of them hold networks. By it, a folder of :mod:`tts.publish` is told from any other one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tts.core.download import sha256
from tts.core.errors import InputError, one_line, printable_name

#: File of a published voice that describes it, and the value of its "kind".
PUBLICATION, KIND = "publication.json", "tacoglow publication"
#: Name of a network -> the file that holds it.
NETWORK_FILES = {"Tacotron2": "acoustic.safetensors", "WaveGlow": "vocoder.safetensors"}
# far above what a card, its pictures and ten sounds need
_LARGEST = 1 << 20
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Publication:
    """Holds what ``publication.json`` says.

    Attributes:
        files: the SHA-256 of each file, by its path below the folder; the description itself is
            not among them.
    """

    files: Mapping[str, str]

    @property
    def networks(self) -> list[str]:
        """Return the names of the networks that are among the files."""
        return [network for network, file in NETWORK_FILES.items() if file in self.files]

    def network_file(self, where: str, network: str | None) -> str:
        """Return the name of the file of a network.

        Args:
            where: the published voice, for messages.
            network: "Tacotron2" or "WaveGlow"; None: the only one that there is.

        Raises:
            InputError: there is no such network; or there are two, and none is named.
        """
        there = self.networks
        if network is None and len(there) > 1:
            names = " or ".join(NETWORK_FILES[each] for each in there)
            raise InputError(f"{where}: holds two networks; name a file in it: {names}")
        wanted = there[0] if network is None and there else network
        if wanted not in there:
            raise InputError(
                f"{where}: holds no {wanted or 'network'}; it has {' and '.join(there) or 'none'}"
            )
        return NETWORK_FILES[str(wanted)]

    def check(self, where: str, file: Path, name: str) -> Path:
        """Return a file after comparing it with its SHA-256.

        Args:
            where: the published voice, for messages.
            file: the file.
            name: its path below the folder of the voice.

        Raises:
            InputError: the file is missing, or is another one than was published.
        """
        if not file.is_file():
            raise InputError(f"{where}: {name} is missing; copy the whole folder again")
        if sha256(file) != self.files[name]:
            raise InputError(
                f"{where}: {file} is not the file that was published (its SHA-256 differs); remove "
                "it, and copy or pull it again"
            )
        return file

    def to_json(self) -> str:
        """Return the text of ``publication.json``."""
        return json.dumps({"kind": KIND, "files": dict(sorted(self.files.items()))}, indent=1)


def read_publication(file: Path, where: str) -> Publication:
    """Read ``publication.json``.

    Args:
        file: the file.
        where: the published voice, for messages.

    Raises:
        InputError: the file cannot be read, or is no description of a published voice.
    """
    try:
        if file.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        return _checked(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else one_line(error)
        raise InputError(f"{where}: {PUBLICATION} cannot be read ({reason})") from None


def _checked(content: Any) -> Publication:
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ValueError("another program wrote it")
    files = content.get("files")
    if not isinstance(files, dict):
        raise ValueError("it lists no files")
    for name, digest in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise ValueError(f"{printable_name(name)} lies outside its folder")
        if not isinstance(digest, str) or len(digest) != 64 or not set(digest) <= _DIGITS:
            raise ValueError(f"{printable_name(name)} has no SHA-256")
    return Publication(files)


def is_published(folder: Path) -> bool:
    """Tell whether a folder is a published voice, and holds no files of anybody else."""
    if not (folder / PUBLICATION).is_file():
        return False
    try:
        named = read_publication(folder / PUBLICATION, str(folder)).files
    except InputError:
        return False
    there = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return {path.as_posix() for path in there} <= {PUBLICATION, *named}
