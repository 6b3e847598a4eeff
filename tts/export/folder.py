"""Recognises the folders of exports, and replaces one by another that is complete."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tts.core.errors import InputError
from tts.core.files import atomic_folder

#: File that every export has, and the value of its "kind", by which an export is recognised.
DESCRIPTION, KIND = "description.json", "tacoglow export"


def check_replaceable(folder: Path) -> None:
    """Check that a folder may be written: that it is missing, empty, or an older export.

    Raises:
        InputError: the folder holds something else, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not _is_export(folder):
        raise InputError(f"{folder}: holds something else than an export; choose another folder")


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill, which takes the place of ``folder`` if the block succeeds.

    Raises:
        InputError: see :func:`check_replaceable`; or the folder cannot be written, and then nothing
            is left behind.
    """
    check_replaceable(folder)
    with atomic_folder(folder, replace=True) as temporary:
        yield temporary
        check_replaceable(folder)


def _is_export(folder: Path) -> bool:
    """Tell whether a folder holds a description of an export and no files that it does not name."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        named = {part["file"] for part in description["parts"].values()}
        kind = description["kind"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    return kind == KIND and {entry.name for entry in folder.iterdir()} <= {DESCRIPTION, *named}
