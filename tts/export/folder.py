"""Folders that are whole or not there: filled beside their place, then renamed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tts.core.errors import InputError

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
    place = folder.resolve()
    # where the parents are still to be made, beside the first of them
    beside = next(parent for parent in place.parents if parent.exists())
    temporary = beside / f"{place.name}.tmp{os.getpid()}"
    try:
        temporary.mkdir()
        yield temporary
        check_replaceable(folder)
        _replace(temporary, place)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(new: Path, place: Path) -> None:
    """Folders are not replaced in one step: the older one steps aside first."""
    place.parent.mkdir(parents=True, exist_ok=True)
    older = new.with_name(f"{new.name}.old")
    if place.exists():
        place.rename(older)
    new.rename(place)
    shutil.rmtree(older, ignore_errors=True)


def _is_export(folder: Path) -> bool:
    """Whether a description of ours is there, and nothing beside it but the files that it names."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        named = {part["file"] for part in description["parts"].values()}
        kind = description["kind"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    return kind == KIND and {entry.name for entry in folder.iterdir()} <= {DESCRIPTION, *named}
