"""Locks files against other processes; the system releases a lock when its process ends."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tts.core.files import no_follow

if TYPE_CHECKING:
    from filelock import BaseFileLock

if sys.platform != "win32":
    import fcntl

_log = logging.getLogger(__name__)


@contextmanager
def wait_for_lock(path: Path, task: str) -> Iterator[None]:
    """Hold a lock during the block; wait for another process that holds it.

    Args:
        path: the lock file.
        task: what the other process is doing, for the message that the user sees.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _log.info("%s: another process is doing this; waiting for it", task)
        lock.acquire()
    except NotImplementedError:
        _log.warning("%s: this disk has no locks; do not start two runs at once", path.parent)
    try:
        yield
    finally:
        lock.release()


def try_lock(path: Path) -> BaseFileLock | None:
    """Return a held lock, or None if another process holds it.

    The caller keeps the object: the lock ends with it, with its ``release()``, or as a context.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


@contextmanager
def process_lock(path: Path, patience: float) -> Iterator[bool]:
    """Hold a lock of this process alone during the block, and yield whether that succeeded.

    The lock is one of ``lockf`` and not of filelock's ``flock``, because forked workers of a data
    loader must not inherit it: they may live a little longer than the process.

    Args:
        path: the lock file.
        patience: seconds to wait for another process.
    """
    with open(path, "a", opener=no_follow) as file:
        until = time.monotonic() + patience
        while not (is_held := _lock_file(file)) and time.monotonic() <= until:
            time.sleep(0.2)
        yield is_held


def _lock_file(file: TextIO) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # a file system without locks
    return True
