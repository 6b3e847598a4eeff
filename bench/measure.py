"""Measures rows by interleaved calls, and the highest speed of the machine.

All implementations of a row are called in turn, so that other load on the machine slows them down
alike. Medians and their ratios are reported.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.rows import Row

ROOT = Path(__file__).parents[1]


class BenchError(Exception):
    """Says why a row cannot be measured."""


@dataclass(frozen=True)
class Machine:
    """Holds the measured rates for 1 and 2 threads.

    Attributes:
        flops: floating-point operations per second in a large matrix product.
        bytes: bytes per second read from memory.
    """

    flops: dict[int, float]
    bytes: dict[int, float]


@dataclass(frozen=True)
class Result:
    """Holds the result of a row.

    Attributes:
        seconds: median time of one unit, for each implementation.
        peak_bytes: memory that a call adds at its peak, for each implementation.
        floor_seconds: time of one unit at the machine's highest speed; None if unknown.
    """

    seconds: dict[str, float]
    peak_bytes: dict[str, int]
    floor_seconds: float | None


class Worker:
    """Runs one implementation in a process that waits for calls, see :mod:`bench.worker`."""

    def __init__(self, name: str, row: Row, implementation: str) -> None:
        self.what = f"{name}, {implementation}"
        command = [sys.executable, "-m", "bench.worker", name, implementation]
        environment = {**os.environ, "OMP_NUM_THREADS": str(row.threads)}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        self.seconds: list[float] = []
        self.peak_bytes = 0
        self._read()

    def call(self, warm_up: bool = False) -> None:
        """Make one timed call; the time of a warm-up is discarded."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = json.loads(self._read())
        if not warm_up:
            self.seconds.append(answer["seconds"])
        self.peak_bytes = answer["peak_bytes"]

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()

    def _read(self) -> str:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = self.process.stdout.readline()
        if not line:
            lines = self.process.stderr.read().strip().splitlines() or ["no message"]
            raise BenchError(f"{self.what}: {lines[-1]}")
        return line


def measure(name: str, row: Row, machine: Machine) -> Result:
    """Time all implementations of a row.

    Raises:
        BenchError: an implementation failed, for example because the reference could not be
            installed.
    """
    names = ["ours", *(["reference"] if row.has_reference else []), *row.others]
    workers: dict[str, Worker] = {}
    try:
        for implementation in names:
            workers[implementation] = Worker(name, row, implementation)
        for turn in range(row.pairs + 1):
            if turn == 0 and row.pairs == 1:
                continue  # a warm-up would take too long
            for worker in workers.values():
                worker.call(warm_up=turn == 0)
    finally:
        for worker in workers.values():
            worker.close()
    per_call = row.per_call or {}
    seconds = {
        key: statistics.median(worker.seconds) / per_call.get(key, per_call.get("ours", 1))
        for key, worker in workers.items()
    }
    floor = _floor(row, machine)
    floor = None if floor is None else floor / per_call.get("ours", 1)
    return Result(seconds, {key: worker.peak_bytes for key, worker in workers.items()}, floor)


def _floor(row: Row, machine: Machine) -> float | None:
    """Return the seconds of one call if only its arithmetic, or its reading, took time."""
    times = []
    if row.flops is not None:
        times.append(row.flops / machine.flops[row.threads])
    if row.bytes is not None:
        times.append(row.bytes / machine.bytes[row.threads])
    return max(times) if times else None


def measure_machine() -> Machine:
    """Measure the best time of a product of 1536 x 1536 matrices, and of a way to read 256 MB.

    torch's product can use MKL, which on some CPUs does not use the widest instructions. So
    oneDNN's product is measured too, and the faster one counts.
    """
    import torch

    from tts.core.threads import torch_threads
    from tts.models.kernels.products import onednn_linear

    flops, read = {}, {}
    a, b = torch.randn(1536, 1536), torch.randn(1536, 1536)
    values = torch.ones(64 * 2**20)
    for threads in (1, 2):
        with torch_threads(threads):
            product = min(_best(lambda: a @ b), _best(lambda: onednn_linear(a, b)))
            reading = min(_best(values.sum), _best(lambda: values.dot(values)))
            flops[threads] = 2 * 1536**3 / product
            read[threads] = values.nbytes / reading
    return Machine(flops, read)


def _best(work: object, repeats: int = 7) -> float:
    assert callable(work)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def describe_machine() -> str:
    """Return the processor, the number of cores, the system, and the versions that matter."""
    import torch

    import tts

    return (
        f"{processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}, tts {tts.__version__}"
    )


def processor() -> str:
    """Return the name of the processor, as far as the system reports it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
