"""GPUs for trials side by side: each process of the launcher keeps a share of its own.

Without it all trials would train on the first. A process that is replaced leaves its place to
another, as locks are given back when a process ends.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tts.core.locks import try_lock

# the place of this process, held until it ends
_held: list[object] = []


def take_gpus(folder: Path, parallel: int) -> None:
    """Let this process see its share of the GPUs, once and for all.

    Args:
        folder: of the sweep; places are lock files in it.
        parallel: trials at a time.
    """
    import torch

    count = torch.cuda.device_count()
    if _held or count < 2 or parallel < 2:
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))
    mine = gpu_share(visible.split(","), _place(folder, parallel), parallel)
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(mine)


def gpu_share(gpus: Sequence[str], place: int, parallel: int) -> list[str]:
    """GPUs of one of ``parallel`` places: equally many for each, and at least one."""
    each = max(len(gpus) // parallel, 1)
    first = place * each % len(gpus)
    return list(gpus[first : first + each])


def _place(folder: Path, parallel: int) -> int:
    for place in range(parallel):
        if lock := try_lock(folder / f".place_{place}.lock"):
            _held.append(lock)
            return place
    return 0
