"""Handles the signals that ask a training to stop.

A cluster sends SIGTERM or SIGUSR1 before it takes a machine away; SIGINT is Ctrl-C. Before the
training starts, a signal ends the process at once, because nothing can be lost. During training
the handler only records the signal: :class:`tts.callbacks.StopOnSignal` looks for it between two
steps, saves and ends the run. Work that may be left unfinished, as the samples of a validation, is
left at once. While the run ends, further signals are ignored, because they would interrupt the
saving; only Ctrl-C after another signal ends the process at once.

Python runs a handler only between two of its own instructions. A process that waits in C++, as it
does for up to half an hour until all ranks have met, would ignore the signal. So a thread watches
whether a handler answers, and ends the process if it does not and the training has not begun.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, ClassVar, TypeVar

from tts.core.errors import EXIT_INTERRUPTED, EXIT_STOPPED, RunStopped, one_line
from tts.core.output import print_error

#: The signals that are handled; SIGUSR1 does not exist everywhere.
NAMES = ("SIGTERM", "SIGUSR1", "SIGINT")
#: Where a run was stopped that had not begun.
BEFORE_TRAINING = "before training began"
_MOST_SECONDS_TO_END = 600
#: Seconds before a signal is repeated whose error was lost.
_PAUSE = 0.05
#: Seconds that the handler has before training; then the thread ends the process.
_SECONDS_TO_ANSWER = 5.0
#: Written into the pipe of signals to end the thread; no signal has this number.
_NO_SIGNAL = 0

Result = TypeVar("Result")


def _is_handled_here(number: int) -> bool:
    """Return whether the handler of a signal is ours, alone or among those of Lightning."""
    handler = signal.getsignal(number)
    parts = getattr(handler, "signal_handlers", [handler])
    return any(getattr(part, "__func__", None) is StopSignals._handle for part in parts)


def _forget_pipe() -> None:
    """Let a forked process keep its signals to itself: it has inherited the pipe of its parent."""
    if StopSignals.is_watched:
        with suppress(ValueError):  # a fork of another thread
            signal.set_wakeup_fd(-1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pipe)


class WorkLeft(BaseException):
    """Leaves a block of :meth:`StopSignals.interrupting`; no ``except Exception`` catches it."""


class StopSignals:
    """Holds the handlers of the signals in :data:`NAMES`.

    Attributes:
        received: the name of the first signal that came during training, or None.
    """

    #: The error of a signal that came before training, for code that swallows or replaces it.
    early: ClassVar[RunStopped | None] = None
    #: Whether a thread reads the signals from a pipe.
    is_watched: ClassVar[bool] = False
    #: Set as soon as a handler has run inside the watched block.
    _answered: ClassVar[threading.Event] = threading.Event()

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
            with former_handlers(existing(NAMES).values()), self._watched():
                self.install()
                yield
        finally:
            sys.unraisablehook = before
            StopSignals.early = None

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Watch inside the block that a signal before training ends this process, also in C++."""
        if threading.current_thread() is not threading.main_thread() or os.name == "nt":
            yield
            return
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        watch = threading.Thread(target=self._watch, args=(reader,), daemon=True)
        StopSignals._answered.clear()
        watch.start()
        StopSignals.is_watched = True
        try:
            yield
        finally:
            StopSignals.is_watched = False
            signal.set_wakeup_fd(before)
            os.write(writer, bytes([_NO_SIGNAL]))
            watch.join()
            os.close(reader)
            os.close(writer)

    def _watch(self, reader: int) -> None:
        """End the process if no handler answers a signal that came before training."""
        while (number := os.read(reader, 1)[0]) != _NO_SIGNAL:
            if not _is_handled_here(number) or self._answered.wait(_SECONDS_TO_ANSWER):
                continue
            if not (self._training or self._leaving):
                stop = stopped(signal.Signals(number).name, BEFORE_TRAINING)
                print_error(one_line(stop))
                os._exit(stop.status)

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
        self._answered.set()
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
