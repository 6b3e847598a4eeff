"""What everything that is built once has in common: whole or not at all, parallel, with a bar.

Threads, not processes: reading, resampling, transforms and neural engines all release the
interpreter's lock, and a thread needs no seconds of imports.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import socket
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tts.core.errors import InputError

_log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Fill a folder that takes its name only when it is complete.

    If an exception ends the block, nothing is left. What a killed process left behind is removed
    when the same folder is built next. If another process completes ``target`` meanwhile, that
    one stays.

    Yields:
        An empty folder beside ``target``.

    Raises:
        InputError: the folder or what goes into it cannot be written.
    """
    partial = target.with_name(f"{target.name}.tmp-{socket.gethostname()}-{os.getpid()}")
    try:
        remove_leftovers(target)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        _move(partial, target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror}; choose another") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def remove_leftovers(target: Path) -> None:
    """Remove the partial folders of processes of this machine that no longer run."""
    remove_leftovers_in(target.parent, re.escape(target.name))


def remove_leftovers_in(folder: Path, name: str = ".*") -> None:
    """The same for all targets in a folder whose names match a pattern."""
    pattern = re.compile(rf"{name}\.tmp-{re.escape(socket.gethostname())}-(\d+)")
    for partial in folder.glob("*.tmp-*"):
        match = pattern.fullmatch(partial.name)
        if match and not _runs(int(match[1])):
            shutil.rmtree(partial, ignore_errors=True)


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    ahead_of_use: int | None = None,
) -> Generator[Result, None, None]:
    """Map in threads, with results in the order of the items and only a few items ahead.

    Close the iterator (``contextlib.closing``) to stop before the items end.

    Args:
        function: called with each item.
        items: taken as there is room for them.
        workers: threads.
        ahead_of_use: items that may be begun and not yet given; twice the workers by default.
    """
    ahead: deque[Future[Result]] = deque()
    most = 2 * workers if ahead_of_use is None else ahead_of_use
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                ahead.append(pool.submit(function, item))
                if len(ahead) > most:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


@contextlib.contextmanager
def one_process(lock: Path, what: str) -> Iterator[None]:
    """Let no other process do the same meanwhile; it waits, and says so.

    The system forgets the lock when a process ends, however it ends.
    """
    from filelock import FileLock, Timeout

    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        _log.info("%s: another process is at it; waiting for it", what)
        held.acquire()
    except NotImplementedError:
        _log.warning("%s: there are no locks here; let no two runs begin at once", lock.parent)
    try:
        yield
    finally:
        held.release()


def n_cores() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def progress(description: str, total: float) -> Iterator[Callable[[float], None]]:
    """Show a progress bar on standard error; the value is called with each advance."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    # rich would take what goes to standard output along to standard error, even out of a pipe
    console, is_shared = Console(stderr=True), sys.stdout.isatty()
    with Progress(*columns, console=console, redirect_stdout=is_shared) as bar:
        task = bar.add_task(description, total=total)
        yield lambda amount: bar.advance(task, amount)
        bar.update(task, completed=total)  # sums of fractions may fall a hair short


def _move(partial: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        target.rmdir()  # an empty folder is in nobody's way
    try:
        partial.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _runs(process: int) -> bool:
    """Tell whether another process with this number runs; where that is unknown, say yes."""
    if process == os.getpid():
        return False
    if os.name != "posix":
        return True  # there, signal 0 would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
