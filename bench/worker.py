"""Runs one implementation of one row in a process of its own: ``python -m bench.worker ROW NAME``.

Every line on standard input asks for one timed call. The answer is a line of JSON with the seconds
of the call, and the bytes by which it raised the resident memory. The process ends with its input.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path

from bench.rows import table
from tts.core.memory import peak_resident_bytes, proc_status_bytes

PROCESS = Path("/proc/self")


class Memory:
    """Measures the growth of the resident memory; resets Linux's peak value if that is allowed."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            (PROCESS / "clear_refs").write_text("5")
        self._before = proc_status_bytes("VmRSS") or peak_resident_bytes() or 0

    def peak(self) -> int:
        """Return the bytes of the peak above those at the start."""
        return (peak_resident_bytes() or 0) - self._before


def main(row: str, implementation: str) -> None:
    """Build the implementation, print "ready", then answer requests."""
    import torch

    chosen = table()[row]
    torch.set_num_threads(chosen.threads)
    work = chosen.build(implementation)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    memory = Memory()
    for _ in sys.stdin:
        start = time.perf_counter()
        work()
        seconds = time.perf_counter() - start
        sys.stdout.write(json.dumps({"seconds": seconds, "peak_bytes": memory.peak()}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
