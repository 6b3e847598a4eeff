"""Stops the trials of joblib as single runs are stopped: each saves its last step, and then ends.

joblib itself kills its processes as soon as an error leaves its loop, as that of Ctrl-C does. Here
the process of the sweep passes the signal on to the trials and goes on to wait for them. After a
second signal, or if a trial does not end in time, joblib kills them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from hydra.core.utils import JobReturn

from tts.core.output import print_error
from tts.core.signals import NAMES, existing, former_handlers, stopped
from tts.sweep.trial_record import TrialState

#: Seconds that the trials have to finish a step, save and end.
GRACE_SECONDS = 60.0


def let_trials_save(
    launch: Callable[[], Sequence[JobReturn]], seconds: float = GRACE_SECONDS
) -> Sequence[JobReturn]:
    """Run trials in processes of this one, and let them save when a signal comes.

    Args:
        launch: a function that starts the trials, waits for them and returns their records.
        seconds: time after the signal at which the trials are killed.

    Raises:
        KeyboardInterrupt: a second signal came, or the time is over.
        RunStopped: a signal came, and no record says so.
    """
    received: list[str] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(signal.Signals(number).name)
        print_error(f"{received[0]}: the trials save and end; once more ends them at once")
        for process in multiprocessing.active_children():
            with contextlib.suppress(OSError):
                if process.pid is not None:
                    os.kill(process.pid, number)
        timer.start()

    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    with former_handlers(existing(NAMES).values()):
        for number in existing(NAMES).values():
            signal.signal(number, handle)
        try:
            returns = launch()
        except Exception:
            if not received:
                raise
            returns = []  # a process that had not begun its trial has died of the signal
        finally:
            timer.cancel()
    states = [getattr(job.return_value, "state", None) for job in returns]
    if received and TrialState.INTERRUPTED not in states:
        raise stopped(received[0], "with all of its trials")
    return returns
