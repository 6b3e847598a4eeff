"""Signals that ask a training to stop: what they do, and what they must not do.

SIGTERM and SIGUSR1 are what a cluster sends before it takes a machine away, SIGINT is Ctrl-C.
Before training has begun they end the process at once, as there is nothing to lose. During
training a signal is only noted: :class:`tts.callbacks.StopOnSignal` asks for it between two steps,
saves and leaves. While leaving they are ignored, so that a second one cannot spoil
the first; only Ctrl-C, pressed twice, ends everything at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from tts.core.errors import EXIT_INTERRUPTED, EXIT_STOPPED, RunStopped

#: What is listened to; SIGUSR1 does not exist everywhere.
NAMES = ("SIGTERM", "SIGUSR1", "SIGINT")


class StopSignals:
    """Handlers for the signals in :data:`NAMES`.

    Attributes:
        received: name of the signal that came during training, or None.
    """

    def __init__(self) -> None:
        self.received: str | None = None
        self._training = False
        self._leaving = False

    def install(self) -> None:
        """Handle the signals from here on, if this is the main thread."""
        if threading.current_thread() is threading.main_thread():
            for number in existing(NAMES).values():
                signal.signal(number, self._handle)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals inside the block, and put the former handlers back."""
        with former_handlers(existing(NAMES).values()):
            self.install()
            yield

    def training(self, is_on: bool) -> None:
        """Say whether there is something to save."""
        self._training = is_on

    def leave(self) -> None:
        """Ignore what comes from now on."""
        self._leaving = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if name == "SIGINT" and (self.received or self._leaving or not self._training):
            raise KeyboardInterrupt  # pressed twice: now
        if self._leaving:
            return
        if not self._training:
            self._leaving = True
            raise stopped(name, "before training began")
        self.received = self.received or name


def stopped(name: str, where: str) -> RunStopped:
    """The error with which a run leaves that a signal asked to stop; `where` says the rest."""
    if name == "SIGINT":
        return RunStopped(f"interrupted {where}", EXIT_INTERRUPTED)
    return RunStopped(f"stopped by {name} {where}", EXIT_STOPPED)


def outlive_signals(worker: int = 0) -> None:
    """Keep a loader's worker alive when its whole process group is asked to stop.

    The process that trains decides when its workers end. The second SIGTERM kills them, which is
    what Python sends to workers that do not end by themselves.
    """
    for number in existing(NAMES).values():
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _once)


def _once(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)


def existing(names: Iterable[str]) -> dict[str, signal.Signals]:
    """The signals of these names that this system has."""
    return {name: getattr(signal, name) for name in names if hasattr(signal, name)}


@contextmanager
def former_handlers(signals: Iterable[signal.Signals]) -> Iterator[None]:
    """Put the handlers of these signals back after the block, if this is the main thread."""
    before = {number: signal.getsignal(number) for number in signals}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)
