"""Provides the open files that the processes of a data loader need.

Each batch travels from process to process as open files, one for each tensor. Without enough of
them, torch's processes print errors without end and deliver nothing.
"""

from __future__ import annotations

import sys

from tts.core.errors import InputError

if sys.platform != "win32":
    import resource

#: What the training process has open in any case, in pipes for each process of its two loaders, and
#: in the batches that the processes of one loader hold at a time.
_BASE, _PIPES, _BATCHES = 48, 8, 16
#: The limit is raised to this number where the system allows it.
_ENOUGH = 4096


def needed_open_files(num_workers: int) -> int:
    """Return about how many files a training with so many processes of each loader has open."""
    return _BASE + (_PIPES + _BATCHES) * num_workers


def provide_open_files(num_workers: int) -> None:
    """Raise this process's limit of open files as far as a training needs it.

    Args:
        num_workers: number of processes of each loader; with 0, nothing is needed.

    Raises:
        InputError: the system does not allow as many.
    """
    if not num_workers or sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    needed = needed_open_files(num_workers)
    wanted = max(needed, _ENOUGH) if hard == endless else min(max(needed, _ENOUGH), hard)
    if soft != endless and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft != endless and soft < needed:
        raise InputError(
            f"data.num_workers={num_workers}: its processes need about {needed} open files, and "
            f"the system allows {soft}; raise the limit (ulimit -n), or set data.num_workers=0"
        )
