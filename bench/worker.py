"""Runs one implementation of one row in a process of its own: ``python -m bench.worker ROW NAME``.

Every line on standard input asks for one timed call. The answer is a line of JSON with the seconds
of the call, and the bytes by which it raised the resident memory. The process ends with its input.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from pathlib import Path

from bench.rows import table

PROCESS = Path("/proc/self")


class Memory:
    """Measures the growth of the resident memory; resets Linux's peak value if that is allowed."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            (PROCESS / "clear_refs").write_text("5")
        self._before = self._bytes("VmRSS")

    def peak(self) -> int:
        """Return the bytes of the peak above those at the start."""
        return self._bytes("VmHWM") - self._before

    def _bytes(self, key: str) -> int:
        try:
            for line in (PROCESS / "status").read_text().splitlines():
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
        except OSError:
            pass
        # the peak since the start of the process: kilobytes on Linux, bytes on macOS
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


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
