"""Loads batches in processes that end with the training, whatever happens to either.

Python asks the processes of a loader once to end, and waits for them without a limit; torch waits
without a limit for a batch. Here the processes are ended before Python waits, and the wait for a
batch has a limit.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import multiprocessing.util
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from torch.utils.data import DataLoader

from tts.core.signals import existing, former_handlers, outlive_signals

#: Seconds that processes have to end by themselves when a loader is closed.
PATIENCE = 5.0


class WorkerLoader(DataLoader[Any]):
    """Loads the batches of a sampler, in ``num_workers`` processes or in this one.

    Args:
        dataset: the dataset.
        num_workers: number of processes; they stay alive between epochs.
        timeout: seconds to wait for a batch of the processes.
        **options: other options of ``DataLoader``.
    """

    def __init__(
        self, dataset: Any, *, num_workers: int = 0, timeout: float = 0.0, **options: Any
    ) -> None:
        if num_workers:
            options |= {
                "timeout": timeout,
                "persistent_workers": True,
                "worker_init_fn": outlive_signals,
                "multiprocessing_context": start_method(),
            }
        super().__init__(dataset, num_workers=num_workers, **options)

    def __iter__(self) -> Any:
        """Return an iterator over the batches; it starts the processes if none run."""
        before = set(multiprocessing.active_children())
        try:
            return super().__iter__()
        finally:
            started = [p for p in multiprocessing.active_children() if p not in before]
            if started:
                # Python calls this before it waits for its child processes
                multiprocessing.util.Finalize(None, kill, (started,), exitpriority=100)

    def close(self) -> None:
        """End the processes; a loader that is iterated again starts others."""
        iterator: Any = getattr(self, "_iterator", None)
        self._iterator = None
        if iterator is None:
            return
        with _default_handler_of_children():
            limit = threading.Timer(PATIENCE, kill, (list(iterator._workers),))
            limit.daemon = True
            limit.start()
            try:
                # Lightning ends the processes of a loader in the same way
                iterator._shutdown_workers()
            finally:
                limit.cancel()
                kill(iterator._workers)


def kill(workers: Sequence[multiprocessing.process.BaseProcess]) -> None:
    """End processes that are still alive at once; loaders have nothing to save."""
    with _default_handler_of_children():
        for worker in workers:
            if worker.is_alive():
                worker.kill()
        for worker in workers:
            worker.join(PATIENCE)


def start_method() -> str | None:
    """Return how to start the processes; None leaves it to Python.

    Inside a process of joblib, Python would start them as processes of joblib, which have
    attributes that others lack.
    """
    name = multiprocessing.get_start_method(allow_none=True)
    known = multiprocessing.get_all_start_methods()
    return None if name is None or name in known else known[0]


@contextmanager
def _default_handler_of_children() -> Iterator[None]:
    """Let the end of a child process raise nothing: torch's handler takes it for a failure."""
    numbers = existing(("SIGCHLD",)).values()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with former_handlers(numbers), suppress(ValueError):
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        yield
