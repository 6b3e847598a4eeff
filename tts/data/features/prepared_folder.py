"""Knows the layout of a prepared folder; docs/prepared.md says why it is like this.

prepared.json                    the contract
mels.index, mels-00000.float32   log-mels, by the hash of the recording
waves.index, waves-00000.int16   samples, where they are stored
tokens-KEY.index, ...            symbol ids, by the hash of the text, for each tokenizer
gta-KEY.index, ...               mels that an acoustic model predicts
corpus-KEY/                      the rows of one corpus, and which ids belong to them
report.json                      what the preparation printed
.local/                          facts of this machine: the index of recordings, locks, notes;
the user may delete it
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from tts.core.errors import InputError
from tts.core.files import atomic_folder, atomic_writer
from tts.data.features.contract import Contract
from tts.data.features.shards import Shards

_log = logging.getLogger(__name__)

HEADER, LOCAL, CORPUS = "prepared.json", ".local", "corpus-"


def mel_shards(folder: Path) -> Shards:
    """Return the mels of a prepared folder."""
    return Shards(folder, "mels", np.float32)


def wave_shards(folder: Path) -> Shards:
    """Return the samples of a prepared folder."""
    return Shards(folder, "waves", np.int16)


def read_header(folder: Path) -> Contract:
    """Return the contract of a prepared folder.

    Raises:
        InputError: the folder has no sound header.
    """
    try:
        return Contract.from_dict(json.loads((folder / HEADER).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = error if isinstance(error, InputError) else f"no sound {HEADER} in it"
        raise InputError(f"{folder}: not a prepared folder: {reason}") from None


def has_contract(folder: Path, contract: Contract) -> bool:
    """Return whether a folder was prepared under a contract."""
    try:
        return not read_header(folder).differences(contract)
    except InputError:
        return False


def claim(folder: Path, contract: Contract) -> None:
    """Write the header of a new folder, or check that an existing one has the same contract.

    A damaged cache is emptied. A folder that the user has named is never emptied.

    Raises:
        InputError: the folder holds something else.
    """
    if not (folder / HEADER).exists():
        foreign = sorted(path.name for path in folder.iterdir() if path.name != LOCAL)
        if foreign and contract.complete:
            raise InputError(
                f"{folder}: holds {foreign[0]!r} and no {HEADER}; choose an empty folder"
            )
        with atomic_writer(folder / HEADER) as file:
            text = json.dumps(contract.to_dict(), indent=1, sort_keys=True)
            file.write(f"{text}\n".encode())
        return
    try:
        stored = read_header(folder)
    except InputError as error:
        if contract.complete:
            raise InputError(f"{error}; delete it, or choose another data.prepared") from None
        _log.warning("%s; computing it again", error)
        for path in folder.iterdir():
            if path.name != LOCAL:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return claim(folder, contract)
    if differences := stored.differences(contract):
        raise InputError(
            f"{folder}: was prepared with other settings: {', '.join(differences)}; "
            "choose another data.prepared"
        )


def write_table(folder: Path, name: str, files: Mapping[str, bytes]) -> None:
    """Write the files of a table, unless they are there already.

    Raises:
        InputError: the folder cannot be written.
    """
    with suppress(OSError):
        if all((folder / name / file).read_bytes() == data for file, data in files.items()):
            return
    shutil.rmtree(folder / name, ignore_errors=True)
    with atomic_folder(folder / name) as partial:
        for file, data in files.items():
            (partial / file).write_bytes(data)
