"""Shows progress bars on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(description: str, total: float) -> Iterator[Callable[[float], None]]:
    """Show a progress bar during the block, and yield a function that advances it by an amount."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    # by default rich redirects standard output to standard error as well, even from a pipe
    console, is_shared = Console(stderr=True), sys.stdout.isatty()
    with Progress(*columns, console=console, redirect_stdout=is_shared) as bar:
        task = bar.add_task(description, total=total)
        yield lambda amount: bar.advance(task, amount)
        bar.update(task, completed=total)  # a sum of fractions may end slightly below the total


@contextmanager
def download_progress(description: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar of bytes during the block, and yield a function of bytes done and in all."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
