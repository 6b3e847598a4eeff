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
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tts.errors import EXIT_INTERRUPTED, EXIT_STOPPED, GO_ON, RunStopped

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
            for number in _numbers():
                signal.signal(number, self._handle)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals inside the block, and put the former handlers back."""
        before = {number: signal.getsignal(number) for number in _numbers()}
        self.install()
        try:
            yield
        finally:
            if threading.current_thread() is threading.main_thread():
                for number, handler in before.items():
                    signal.signal(number, handler or signal.SIG_DFL)

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
            raise RunStopped(f"stopped by {name} before training began", EXIT_STOPPED)
        self.received = self.received or name


def stopped(name: str, step: int, saved_in: str | None) -> RunStopped:
    """The error with which a run leaves that was asked to stop in the middle."""
    if name == "SIGINT":
        words, status = "interrupted", EXIT_INTERRUPTED
    else:
        words, status = f"stopped by {name}", EXIT_STOPPED
    if saved_in is None:
        return RunStopped(f"{words} at step {step}; nothing was saved, see callbacks", status)
    return RunStopped(f"{words} at step {step}, saved in {saved_in}; {GO_ON}", status)


def outlive_signals(worker: int = 0) -> None:
    """Keep a loader's worker alive when its whole process group is asked to stop.

    The process that trains decides when its workers end. The second SIGTERM kills them, which is
    what Python sends to workers that do not end by themselves.
    """
    for number in _numbers():
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _once)


def _once(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)


def _numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
