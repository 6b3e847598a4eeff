"""Starts threads that a service waits for when it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class ThreadGroup:
    """Starts threads, and waits for all of them.

    Args:
        name: of each thread.
        daemon: whether Python may end while they run.
    """

    def __init__(self, name: str, *, daemon: bool = False) -> None:
        self._name, self._daemon = name, daemon
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def start(self, run: Callable[..., object], *arguments: Any) -> None:
        """Call a function in a thread of its own."""
        thread = threading.Thread(target=run, args=arguments, name=self._name, daemon=self._daemon)
        with self._lock:  # a thread that has not started yet cannot be waited for
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
            thread.start()

    def join(self) -> None:
        """Wait until the threads that have been started are over."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join()
