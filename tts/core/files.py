"""Writes files and folders that are either complete or absent.

Everything is written under a temporary name next to its place and then renamed, so that a process
that is killed half way leaves what was there before.

In a folder where other users may write, a temporary name that can be guessed is dangerous: somebody
could put a link there, and the file that it points to would be overwritten. Therefore the names are
random, and a file or a folder is only ever made anew. What a dead process of this machine has left
is removed by the next process that writes in the same folder.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tts.core.errors import InputError

# The system takes 255 bytes for a name, of which the rest of a temporary name needs some.
_MOST_NAME_BYTES = 120
# Temporary files and folders of this process; another one with its number may have left others.
_in_work: set[str] = set()
# Folders whose litter this process has removed: reading a large folder for every file takes long.
_tidied: set[Path] = set()
# a folder that is missing, a file where a folder should be, a loop of symbolic links, and so on
_OF_USERS = {
    *(errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR),
    *(errno.ELOOP, errno.ENAMETOOLONG, errno.EROFS, errno.ENOTEMPTY),
}
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to ``path``, and rename it to ``path`` if the block succeeds.

    Raises:
        OSError: the place cannot be written; nothing is left behind.
    """
    descriptor, temporary = _new_file(path)
    os.close(descriptor)
    with _work_on(temporary, path):
        yield temporary


def require_writable(folder: Path, named: str) -> None:
    """Check that a folder, which may not exist yet, can be made and written; nothing is left there.

    Args:
        folder: the folder.
        named: what the user has said, for the message, such as ``output=x.wav``.

    Raises:
        InputError: the nearest folder that exists cannot be written.
    """
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{named}: {there} cannot be written ({reason})") from None


def no_follow(path: str, flags: int) -> int:
    """Open a file, but not one that a symbolic link points to: an ``opener`` for :func:`open`.

    It is for files whose names can be guessed, and to which a process appends.
    """
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0), 0o666)


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
        descriptor, temporary = _new_file(path)
        with _work_on(temporary, path), open(descriptor, "wb") as file:
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
    place = Path(os.path.realpath(target))  # resolve() would raise for a loop of links
    name = f"{_shortened(place.name)}.tmp-{_owner()}-{secrets.token_hex(4)}"
    temporary = _nearest_folder(place) / name
    _in_work.add(str(temporary))
    try:
        remove_leftovers(place)
        temporary.mkdir()
        yield temporary
        place.parent.mkdir(parents=True, exist_ok=True)
        _rename_folder(temporary, place, replace)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{target}: cannot be written ({reason}); choose another folder") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _in_work.discard(str(temporary))


def check_own_folder(folder: Path, is_own: Callable[[Path], bool], what: str) -> None:
    """Check that a folder may be written: that it is missing, empty, or an older one of its kind.

    Args:
        folder: the folder.
        is_own: tells whether a folder with content is one of its kind, with no files of others.
        what: the kind, as "an export", for the message.

    Raises:
        InputError: the folder holds something else, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not is_own(folder):
        raise InputError(f"{folder}: holds something else than {what}; choose another folder")


@contextmanager
def own_folder(folder: Path, is_own: Callable[[Path], bool], what: str) -> Iterator[Path]:
    """Yield a folder to fill, which takes the place of ``folder`` if the block succeeds.

    The arguments are those of :func:`check_own_folder`.

    Raises:
        InputError: the folder holds something else, or cannot be written; nothing is left behind.
    """
    check_own_folder(folder, is_own, what)
    with atomic_folder(folder, replace=True) as temporary:
        yield temporary
        check_own_folder(folder, is_own, what)


@contextmanager
def working_folder(name: str) -> Iterator[Path]:
    """Yield an empty folder among the temporary files of the system, and remove it after the block.

    A process that is killed leaves its folder; the next one that works under the same name on this
    machine removes it.
    """
    place = Path(tempfile.gettempdir())
    remove_leftovers_in(place, re.escape(name))
    folder = place / f"{name}.tmp-{_owner()}-{secrets.token_hex(4)}"
    _in_work.add(str(folder))
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _in_work.discard(str(folder))


def remove_leftovers(target: Path) -> None:
    """Remove the temporary folders of ``target`` that dead processes of this machine have left."""
    place = Path(os.path.realpath(target))  # resolve() would raise for a loop of links
    remove_leftovers_in(_nearest_folder(place), re.escape(_shortened(place.name)))


def remove_leftovers_in(folder: Path, name: str = ".*") -> None:
    """Remove such temporary folders of all targets in a folder whose names match a pattern."""
    pattern = re.compile(rf"{name}\.tmp-{re.escape(socket.gethostname())}-(\d+)(-[0-9a-f]+)?")
    for temporary in folder.glob("*.tmp-*"):
        match = pattern.fullmatch(temporary.name)
        if match and _is_litter(temporary, int(match[1])):
            shutil.rmtree(temporary, ignore_errors=True)


def _new_file(path: Path) -> tuple[int, Path]:
    """Make a temporary file for ``path``; return its descriptor, open for writing, and its name."""
    if path.parent not in _tidied:
        _tidied.add(path.parent)
        _remove_dead_files(path.parent)
    while True:
        name = f"{_shortened(path.name)}.{_owner()}-{secrets.token_hex(4)}.tmp"
        temporary = path.with_name(name)
        _in_work.add(str(temporary))
        try:
            return no_follow(str(temporary), os.O_WRONLY | os.O_CREAT | os.O_EXCL), temporary
        except OSError as error:
            _in_work.discard(str(temporary))
            if not isinstance(error, FileExistsError):
                raise


@contextmanager
def _work_on(temporary: Path, path: Path) -> Iterator[None]:
    """Rename a temporary file to ``path`` after the block, or remove it if the block fails."""
    try:
        yield
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        _in_work.discard(str(temporary))


def _remove_dead_files(folder: Path) -> None:
    """Remove the temporary files that dead processes of this machine have left in a folder."""
    pattern = re.compile(rf".*\.{re.escape(socket.gethostname())}-(\d+)-[0-9a-f]{{8}}\.tmp")
    with suppress(OSError):
        for temporary in folder.glob("*.tmp"):
            match = pattern.fullmatch(temporary.name)
            if match and _is_litter(temporary, int(match[1])):
                temporary.unlink(missing_ok=True)


def _owner() -> str:
    """Return what names this process, as long as it lives."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _shortened(name: str) -> str:
    """Return the beginning of a name, so long that the system takes a temporary name with it."""
    while len(os.fsencode(name)) > _MOST_NAME_BYTES:
        name = name[:-1]
    return name


def _is_litter(temporary: Path, process: int) -> bool:
    """Return whether nobody works on a temporary file or folder of a process of this machine."""
    if process == os.getpid():
        return str(temporary) not in _in_work
    return not _is_running(process)


def file_fault(error: OSError) -> str | None:
    """Return what a user can correct about a file that the system refuses, in one line, or None."""
    if error.filename is not None and error.errno in _OF_USERS | _DISK_FULL:
        return f"{os.fsdecode(error.filename)}: cannot be written or read ({error.strerror})"
    if error.errno in _DISK_FULL:
        return f"a file cannot be written ({error.strerror}); make room and start again"
    return None


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
    if os.name != "posix":
        return True  # on Windows, sending signal 0 would end the process
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
