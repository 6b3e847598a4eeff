"""Measures one part in a process of its own, which can fail or be ended: see ``start``.

A kernel that fails leaves a process in which no other one runs, so every part has a process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.gpu.parts import part
from bench.gpu.rows import Value

ROOT = Path(__file__).parents[2]
#: Seconds that a part has to end after it was asked to.
GRACE = 5


class PartError(Exception):
    """Says in one line why a part did not come to its end."""


def start(name: str, device: str, is_small: bool, seconds: float) -> Iterator[tuple[str, Value]]:
    """Measure a part in another process, and yield what it found.

    Raises:
        PartError: the part failed or took too long; what it found before has been yielded.
    """
    command = [sys.executable, "-m", "bench.gpu.worker", name, device, str(int(is_small))]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(
            command, stdout=out, stderr=err, cwd=ROOT, start_new_session=True
        )
        try:
            status = process.wait(seconds)
            why = f"exit status {status}"
        except subprocess.TimeoutExpired:
            status, why = 1, f"it was ended after its {seconds:g} s"
        finally:
            _end(process)
        out.seek(0)
        for line in out:
            key, value, note = json.loads(line)
            yield key, Value(value, note)
        err.seek(0)
        if status:
            last = [line.strip() for line in err if line.strip()][-1:]
            raise PartError("; ".join([why, *last]))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with those that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def measure(name: str, device: str, is_small: bool) -> Iterator[tuple[str, Value]]:
    """Measure a part in this process."""
    import torch

    from bench.gpu.sizes import FULL, SMALL
    from bench.gpu.work import Bench

    return part(name)(Bench(torch.device(device), SMALL if is_small else FULL))


def main(name: str, device: str, is_small: str) -> None:
    """Print a line of JSON for each row."""
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what anything else prints does not belong to the results
    for key, found in measure(name, device, is_small == "1"):
        results.write(json.dumps([key, found.value, found.note]) + "\n")
        results.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
