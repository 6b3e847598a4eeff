"""Measures the main memory that this process has held."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

#: Where Linux tells about this process.
_STATUS = Path("/proc/self/status")


def peak_resident_bytes() -> int | None:
    """Return the most main memory that this process has held since its program began.

    Where Linux's ``/proc`` has that, it is read there: ``ru_maxrss`` is inherited from the process
    that started this one, however large that was.

    Returns:
        None on Windows, which does not report it.
    """
    if (peak := proc_status_bytes("VmHWM")) is not None:
        return peak
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def proc_status_bytes(key: str) -> int | None:
    """Return a number of bytes from Linux's table about this process; None where it is not there.

    Args:
        key: ``"VmRSS"`` for the memory that is held now, ``"VmHWM"`` for its peak.
    """
    with suppress(OSError, ValueError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024
    return None
