"""Runs work in threads, with the results in the order of the items.

Threads are enough: reading, resampling, transforms and neural engines all release Python's global
lock, and a thread starts without seconds of imports.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    ahead_of_use: int | None = None,
) -> Generator[Result, None, None]:
    """Call a function with each item in threads, and yield the results in the order of the items.

    Only a few items are taken ahead of the results. Close the iterator (``contextlib.closing``) to
    stop before the items end.

    Args:
        function: called with each item.
        items: taken one by one, when a thread has room for the next.
        workers: number of threads.
        ahead_of_use: number of items that may be started and not yet yielded; twice the workers by
            default.
    """
    started: deque[Future[Result]] = deque()
    most = 2 * workers if ahead_of_use is None else ahead_of_use
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                started.append(pool.submit(function, item))
                if len(started) > most:
                    yield started.popleft().result()
            while started:
                yield started.popleft().result()
        finally:
            for future in started:
                future.cancel()


def n_cores() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
