"""Shows on standard error that something takes time: a bar in a terminal, else lines.

What takes less than a second shows nothing. After that, a user can tell a slow command from one
that hangs: a terminal gets a bar, and a log file gets a line at once and another after ten seconds
and more, up to a minute. Where one activity is part of another, only the inner one prints lines.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tts.core.output import TolerantStream, console, print_error, printable
from tts.core.ranks import is_first_rank

if TYPE_CHECKING:
    from rich.progress import Progress

#: Seconds of silence before the first sign, and at first and at most between two lines.
FIRST_AFTER, AGAIN_AFTER, AGAIN_AT_MOST = 1.0, 10.0, 60.0

# activities that run now; each is part of the one before it
_running: list[_Activity] = []
# two bars would overwrite each other; the activity that has none prints lines
_bar_is_free = threading.Lock()


@contextmanager
def progress(description: str, total: float) -> Iterator[Callable[[float], None]]:
    """Show progress during the block, and yield a function that advances it by an amount."""
    with _shown(_Activity(description, total)) as activity:
        yield lambda amount: activity.set(activity.done + amount)
        activity.set(total)  # a sum of fractions may end slightly below the total


@contextmanager
def download_progress(description: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show progress during the block, and yield a function of bytes done and in all."""
    with _shown(_Activity(description, None, is_download=True)) as activity:
        yield activity.set


@contextmanager
def announced(description: str, after: float | None = None) -> Iterator[None]:
    """Name an activity of unknown length in lines, if the block takes some time.

    Args:
        description: names the activity.
        after: seconds until the first line, one second by default.
    """
    with _shown(_Activity(description, None, after=after, has_bar=False)):
        yield


class _Activity:
    """Holds how far an activity is, and draws it."""

    def __init__(
        self,
        description: str,
        total: float | None,
        *,
        is_download: bool = False,
        has_bar: bool = True,
        after: float | None = None,
    ) -> None:
        self.description = printable(description)
        self.total = total
        self.done = 0.0
        self.has_bar = has_bar
        self._after = FIRST_AFTER if after is None else after
        self._is_download = is_download
        self._begin = time.monotonic()
        self._bar: Progress | None = None

    def set(self, done: float, total: float | None = None) -> None:
        """Set how much is done, and how much there is if that is known only now."""
        self.done, self.total = done, self.total if total is None else total
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self.done, total=self.total)

    def show_until(self, ended: threading.Event) -> None:
        """Show the activity, from some time after its begin until its end."""
        if ended.wait(min(self._after, threading.TIMEOUT_MAX)):
            return
        is_terminal = isinstance(sys.stderr, TolerantStream) and sys.stderr.isatty()
        if self.has_bar and is_terminal and _bar_is_free.acquire(blocking=False):
            try:
                self._draw_bar_until(ended)
            finally:
                _bar_is_free.release()
            return
        pause = AGAIN_AFTER
        self._print_line()
        while not ended.wait(pause):
            pause = min(1.5 * pause, AGAIN_AT_MOST)
            self._print_line()

    def _print_line(self) -> None:
        if _running and _running[-1] is self:
            print_error(self._line())

    def _line(self) -> str:
        if self._is_download:
            of_all = f" of {self.total / 1e6:.1f}" if self.total else ""
            return f"{self.description}: {self.done / 1e6:.1f}{of_all} MB"
        seconds = time.monotonic() - self._begin
        if not self.total or not self.done:
            since = f" {seconds:.0f} s" if seconds > 5 else ""
            return f"{self.description} ...{since}"
        left = f"{seconds * max(0.0, self.total / self.done - 1):.0f} s left"
        return f"{self.description}: {min(1.0, self.done / self.total):.0%}, {left}"

    def _draw_bar_until(self, ended: threading.Event) -> None:
        from rich import progress as rich

        columns: list[rich.ProgressColumn] = [
            rich.TextColumn("{task.description}", markup=False),
            rich.BarColumn(),
        ]
        if self._is_download:
            columns += [rich.DownloadColumn(), rich.TransferSpeedColumn()]
        else:
            left = rich.TimeRemainingColumn(elapsed_when_finished=True)
            columns += [rich.TaskProgressColumn(), left]
        # by default rich redirects standard output to standard error as well, even from a pipe
        is_shared = sys.stdout is not None and sys.stdout.isatty()
        with rich.Progress(
            *columns, console=console(stderr=True), redirect_stdout=is_shared
        ) as bar:
            bar.add_task(self.description, total=self.total)
            self._bar = bar
            self.set(self.done)
            ended.wait()
            self.set(self.done)


@contextmanager
def _shown(activity: _Activity) -> Iterator[_Activity]:
    """Show an activity during the block; of several ranks that do the same, the first shows it."""
    if not is_first_rank():
        yield activity
        return
    ended = threading.Event()
    thread = threading.Thread(target=activity.show_until, args=(ended,), daemon=True)
    _running.append(activity)
    thread.start()
    try:
        yield activity
    finally:
        ended.set()
        thread.join()
        _running.remove(activity)
