"""Writes files and folders that are either complete or absent.

Everything is written under a temporary name next to its place and then renamed, so that a process
that is killed half way leaves what was there before.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tts.core.errors import InputError

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to ``path``, and rename it to ``path`` if the block succeeds.

    Raises:
        OSError: the place cannot be written; nothing is left behind.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that a user has named for writing; it appears when the block succeeds.

    Raises:
        InputError: the place cannot be written; nothing is left behind.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error


@contextmanager
def atomic_folder(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield an empty folder to fill, and rename it to ``target`` if the block succeeds.

    If an exception ends the block, nothing is left, and missing parents are not made. The next
    process that builds the same folder removes what a killed process has left.

    Args:
        target: the name of the complete folder; an empty folder there is replaced.
        replace: replace a folder with content as well. Without it, a folder that another process
            completes meanwhile stays as it is.

    Raises:
        InputError: the folder or its content cannot be written.
    """
    place = target.resolve()
    temporary = _nearest_folder(place) / f"{place.name}.tmp-{socket.gethostname()}-{os.getpid()}"
    try:
        remove_leftovers(place)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        yield temporary
        place.parent.mkdir(parents=True, exist_ok=True)
        _rename_folder(temporary, place, replace)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{target}: cannot be written ({reason}); choose another folder") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_leftovers(target: Path) -> None:
    """Remove the temporary folders of ``target`` that dead processes of this machine have left."""
    place = target.resolve()
    remove_leftovers_in(_nearest_folder(place), re.escape(place.name))


def remove_leftovers_in(folder: Path, name: str = ".*") -> None:
    """Remove such temporary folders of all targets in a folder whose names match a pattern."""
    pattern = re.compile(rf"{name}\.tmp-{re.escape(socket.gethostname())}-(\d+)")
    for temporary in folder.glob("*.tmp-*"):
        match = pattern.fullmatch(temporary.name)
        if match and not _is_running(int(match[1])):
            shutil.rmtree(temporary, ignore_errors=True)


def disk_full_reason(error: BaseException) -> str | None:
    """Return why the disk takes no more data, if that caused an error, else None."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _DISK_FULL:
            return os.strerror(cause.errno or 0).lower()
        # torch reports a failed write as a RuntimeError that was raised while handling an OSError
        cause = cause.__cause__ or cause.__context__
    return None


def _nearest_folder(place: Path) -> Path:
    """Return the parent of a place or, if that does not exist yet, its first parent that does."""
    return next(parent for parent in place.parents if parent.exists())


def _rename_folder(new: Path, place: Path, replace: bool) -> None:
    with suppress(OSError):
        place.rmdir()  # succeeds for an empty folder only, which may be replaced
    # a folder with content cannot be replaced in one step: it gets another name first
    former = new.with_name(f"{new.name}.old")
    if replace and place.exists():
        place.rename(former)
    try:
        new.rename(place)
    except OSError:
        if not place.is_dir():
            raise
    shutil.rmtree(former, ignore_errors=True)


def _is_running(process: int) -> bool:
    """Return whether another process with this number runs; True where nobody can know."""
    if process == os.getpid():
        return False
    if os.name != "posix":
        return True  # on Windows, sending signal 0 would end the process
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
