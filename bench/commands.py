"""Measures whole commands: start-up, the first step, the share of time spent on data.

The result is the median of a few runs, each in a process of its own. LJ Speech is read from
``LJSPEECH_ROOT``. Without it a synthetic corpus of tones is used, and the table says so.
"""

from __future__ import annotations

import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import ROOT, BenchError

_IMPORT = "import time; t = time.perf_counter(); import tts; print(time.perf_counter() - t)"
_QUIET = ("logger=csv", "callbacks.samples=null", "trainer.limit_val_batches=0")


@dataclass(frozen=True)
class Figure:
    """Holds one measurement of a command.

    Attributes:
        title: what was measured.
        value: seconds, or a share from 0 to 1.
        goal: largest value that meets the goal.
        unit: ``"s"`` or ``"%"``.
    """

    title: str
    value: float
    goal: float
    unit: str

    def line(self) -> str:
        """Return one line of Markdown."""
        scale = 100 if self.unit == "%" else 1
        cells = [self.title, f"{scale * self.value:.3g}", f"{scale * self.goal:g}"]
        return f"| {' | '.join(cells)} | {self.unit} |"


HEADER = "| what | measured | goal, at most | unit |\n|---|---|---|---|"


def figures() -> dict[str, Callable[[], Figure]]:
    """Return the functions that measure, by their short names."""
    return {
        "import": import_time,
        "help": help_time,
        "first-step": first_step,
        "data-wait": data_wait,
    }


def import_time() -> Figure:
    """Measure the seconds of ``import tts``, without the start of Python."""
    seconds = statistics.median(float(_run("-c", _IMPORT)) for _ in range(5))
    return Figure("`import tts`", seconds, 0.1, "s")


def help_time() -> Figure:
    """Measure the seconds of ``python train.py --help``."""
    seconds = statistics.median(_timed("train.py", "--help") for _ in range(5))
    return Figure("`python train.py --help`", seconds, 1.0, "s")


def first_step() -> Figure:
    """Measure the seconds of a training of one step with a prepared corpus."""
    with _folder() as folder:
        command = ("train.py", "experiment=demo", "data.engine=tones", "trainer.max_steps=1")
        command += (*_QUIET, *_inside(folder))
        _run(*command)
        seconds = statistics.median(_timed(*command) for _ in range(3))
    return Figure("`train.py experiment=demo`, one step, from launch to end", seconds, 10.0, "s")


def data_wait() -> Figure:
    """Measure the share of an epoch's time that is spent waiting for batches."""
    root = os.environ.get("LJSPEECH_ROOT")
    corpus = "LJ Speech" if root else "tones"
    chosen = ("data=ljspeech",) if root else ("data=synthetic", "data.engine=tones")
    with _folder() as folder:
        command = ("train.py", "model=tacotron2_compact", *chosen, "trainer.log_every_n_steps=1")
        command += ("name=wait", *_QUIET, *_inside(folder))
        _run(*command, "trainer.max_steps=1", "trainer.max_epochs=-1")
        _run(*command, "trainer.max_epochs=1", "name=epoch")
        (path,) = (folder / "logs" / "epoch").rglob("metrics.csv")
        with path.open() as file:
            waits = [float(row["train/data_wait"]) for row in csv.DictReader(file)]
    title = f"waiting for data, an epoch of the compact Tacotron 2 on {corpus}, cached"
    return Figure(title, statistics.mean(waits), 0.02, "%")


def _inside(folder: Path) -> tuple[str, ...]:
    return (f"paths.data_dir={folder}/data", f"paths.log_dir={folder}/logs")


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _timed(*arguments: str) -> float:
    start = time.perf_counter()
    _run(*arguments)
    return time.perf_counter() - start


def _run(*arguments: str) -> str:
    """Return the standard output of a Python command in the repository.

    Raises:
        BenchError: the command failed.
    """
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise BenchError(f"{' '.join(arguments[:3])} ...: {lines[-1]}")
    return done.stdout
