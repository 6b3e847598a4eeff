"""Folders that are whole or not there: filled beside their place, then renamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tts.core.errors import InputError
from tts.core.files import atomic_folder

#: What every export has, and how it is recognised.
DESCRIPTION, KIND = "description.json", "tacoglow export"


def check_replaceable(folder: Path) -> None:
    """See whether a folder may be written: it is missing, empty, or an older export.

    Raises:
        InputError: it holds something else, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not _is_export(folder):
        raise InputError(f"{folder}: holds something else than an export; choose another folder")


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to fill, which takes the place of ``folder`` when all went well.

    Raises:
        InputError: as :func:`check_replaceable`, or the place cannot be written; nothing is left
            behind.
    """
    check_replaceable(folder)
    with atomic_folder(folder, replace=True) as temporary:
        yield temporary
        check_replaceable(folder)


def _is_export(folder: Path) -> bool:
    """Whether a description of ours is there, and nothing beside it but the files that it names."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        named = {part["file"] for part in description["parts"].values()}
        kind = description["kind"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    return kind == KIND and {entry.name for entry in folder.iterdir()} <= {DESCRIPTION, *named}
