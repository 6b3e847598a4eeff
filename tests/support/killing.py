"""Kills work in a process of its own at many moments, for tests of what a kill leaves."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterator


def killed_at_moments(work: Callable[[], object], times: int) -> Iterator[float]:
    """Run work again and again, kill it at a random moment of its duration, and yield that moment.

    The process is a fork: it needs no time to start, so that the moments fall into the work.
    """
    context, chance = multiprocessing.get_context("fork"), random.Random(0)
    begin = time.monotonic()
    process = context.Process(target=_run, args=(work,))
    process.start()
    process.join()
    assert process.exitcode == 0
    duration = time.monotonic() - begin
    for _ in range(times):
        moment = chance.uniform(0, duration)
        process = context.Process(target=_run, args=(work,))
        process.start()
        process.join(moment)
        process.kill()
        process.join()
        yield moment


def _run(work: Callable[[], object]) -> None:
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)
