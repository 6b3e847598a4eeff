"""Divides the GPUs among trials that run at the same time.

Each process of the launcher keeps its own share; without this all trials would train on the first
GPU. The operating system releases a lock when its process dies, so a process that replaces another
one gets its place.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tts.core.locks import try_lock

# the lock of this process's place, held until the process ends
_held: list[object] = []


def take_gpus(folder: Path, parallel: int) -> None:
    """Make only its share of the GPUs visible to this process; later calls change nothing.

    Args:
        folder: folder of the sweep; each place is a lock file in it.
        parallel: number of trials at a time.
    """
    import torch

    count = torch.cuda.device_count()
    if _held or count < 2 or parallel < 2:
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))
    share = gpu_share(visible.split(","), _place(folder, parallel), parallel)
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(share)


def gpu_share(gpus: Sequence[str], place: int, parallel: int) -> list[str]:
    """Return the GPUs of one of ``parallel`` places: the same number for each, and at least one."""
    n_gpus = max(len(gpus) // parallel, 1)
    first = place * n_gpus % len(gpus)
    return list(gpus[first : first + n_gpus])


def _place(folder: Path, parallel: int) -> int:
    """Lock the first free place and return its number; 0 if none is free."""
    for place in range(parallel):
        if lock := try_lock(folder / f".place_{place}.lock"):
            _held.append(lock)
            return place
    return 0
