"""Handles the signals that ask a training to stop.

A cluster sends SIGTERM or SIGUSR1 before it takes a machine away; SIGINT is Ctrl-C. Before the
training starts, a signal ends the process at once, because nothing can be lost. During training
the handler only records the signal: :class:`tts.callbacks.StopOnSignal` looks for it between two
steps, saves and ends the run. Work that may be left unfinished, as the samples of a validation, is
left at once. While the run ends, further signals are ignored, because they would interrupt the
saving; only Ctrl-C after another signal ends the process at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, ClassVar, TypeVar

from tts.core.errors import EXIT_INTERRUPTED, EXIT_STOPPED, RunStopped

#: The signals that are handled; SIGUSR1 does not exist everywhere.
NAMES = ("SIGTERM", "SIGUSR1", "SIGINT")
#: Where a run was stopped that had not begun.
BEFORE_TRAINING = "before training began"
_MOST_SECONDS_TO_END = 600
#: Seconds before a signal is repeated whose error was lost.
_PAUSE = 0.05

Result = TypeVar("Result")


class WorkLeft(BaseException):
    """Leaves a block of :meth:`StopSignals.interrupting`; no ``except Exception`` catches it."""


class StopSignals:
    """Holds the handlers of the signals in :data:`NAMES`.

    Attributes:
        received: the name of the first signal that came during training, or None.
    """

    #: The error of a signal that came before training, for code that swallows or replaces it.
    early: ClassVar[RunStopped | None] = None

    def __init__(self) -> None:
        self.received: str | None = None
        self._training = False
        self._leaving = False
        self._interruptible = False
        self._repeated = False

    def install(self) -> None:
        """Handle the signals from now on, if this is the main thread.

        Raises:
            RunStopped: a signal has come already, and its error was lost.
        """
        if StopSignals.early is not None:
            raise StopSignals.early
        if threading.current_thread() is threading.main_thread():
            for number in existing(NAMES).values():
                signal.signal(number, self._handle)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals inside the block, and restore the former handlers after it."""
        before = sys.unraisablehook
        sys.unraisablehook = partial(self._raise_again, before)
        try:
            with former_handlers(existing(NAMES).values()):
                self.install()
                yield
        finally:
            sys.unraisablehook = before
            StopSignals.early = None

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Leave the block as soon as a signal comes, or do not enter it if one has come.

        Raises:
            WorkLeft: a signal came.
        """
        if self.received is not None:
            raise WorkLeft
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    def _raise_again(self, before: Callable[[Any], Any], lost: Any) -> None:
        """Repeat a signal whose error Python has lost, because it was raised in a callback."""
        is_early = StopSignals.early is not None
        if lost.exc_type is WorkLeft:
            self._interruptible = self._repeated = True
        elif not (is_early and lost.exc_type in (RunStopped, KeyboardInterrupt)):
            before(lost)
            return
        pause = threading.Timer(_PAUSE, os.kill, (os.getpid(), signal.SIGTERM))
        pause.daemon = True
        pause.start()

    def training(self, is_on: bool) -> None:
        """Set whether a training runs, so that there is a state to save."""
        self._training = is_on

    def leave(self) -> None:
        """Ignore the signals from now on, because the run is ending."""
        self._leaving = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self._repeated:
            self._repeated = False
            self._leave_work()
            return
        before_training = not (self._leaving or self._training)
        if before_training:
            StopSignals.early = StopSignals.early or stopped(name, BEFORE_TRAINING)
        if name == "SIGINT" and (self.received or before_training):
            raise KeyboardInterrupt  # pressed twice, or nothing can be lost
        if before_training:
            assert StopSignals.early is not None
            raise StopSignals.early
        self.received = self.received or name
        self._leave_work()

    def _leave_work(self) -> None:
        if self._interruptible and not self._leaving:
            self._interruptible = False
            raise WorkLeft


def early_stop_first(action: Callable[[], Result]) -> Result:
    """Call a function; if a signal came before training, raise its error and no other.

    The handler raises wherever the process is. Code of other packages may turn this error into one
    of its own, or lose it.

    Raises:
        RunStopped: a signal came.
    """
    try:
        result = action()
    except (RunStopped, KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        if StopSignals.early is None:
            raise
    else:
        if StopSignals.early is None:
            return result
    raise StopSignals.early


def stopped(name: str, where: str) -> RunStopped:
    """Return the error that ends a run after a signal; `where` completes the message."""
    if name == "SIGINT":
        return RunStopped(f"interrupted {where}", EXIT_INTERRUPTED)
    return RunStopped(f"stopped by {name} {where}", EXIT_STOPPED)


def outlive_signals(worker: int = 0) -> None:
    """Keep a data loader's worker alive when a signal goes to its whole process group.

    The process that trains needs the worker until its step is done. It ends the worker itself, see
    ``tts.data.loading.worker_loader``.

    Args:
        worker: the number that torch passes to such a function; not used.
    """
    for number in existing(NAMES).values():
        signal.signal(number, signal.SIG_IGN)


def ignore_while_ending() -> None:
    """Ignore the signals until this process has ended, which takes ten minutes at most.

    Python resets other handlers long before it has ended, and a signal would then replace the exit
    status of the run.
    """
    if threading.current_thread() is threading.main_thread():
        for number in existing(NAMES).values():
            signal.signal(number, signal.SIG_IGN)
        if hasattr(signal, "alarm"):
            signal.alarm(_MOST_SECONDS_TO_END)


def existing(names: Iterable[str]) -> dict[str, signal.Signals]:
    """Return the signals of these names that this system has."""
    return {name: getattr(signal, name) for name in names if hasattr(signal, name)}


@contextmanager
def former_handlers(signals: Iterable[signal.Signals]) -> Iterator[None]:
    """Restore the handlers of these signals after the block, if this is the main thread."""
    before = {number: signal.getsignal(number) for number in signals}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)
