"""Compares two processes of one thread each with one process of two threads.

    python -m bench.scaling                  # about ten minutes
    python -m bench.scaling --steps 20 --repeats 1

It runs ``train.py`` on a corpus of tones, in turn, and prints medians. Both layouts have the same
global batch and learn the same (see tests/training/test_scaling.py), so only the steps per second
differ. The machine needs two free cores. Other load slows down threads more than processes, because
threads wait for one another at every product.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from bench.measure import describe_machine

ROOT = Path(__file__).parents[1]
#: Number of utterances in a step, over all processes.
GLOBAL_BATCH = {"tacotron2_compact": 16, "waveglow_compact": 4}
LOG_EVERY = 5
HEADER = (
    "| network | layout | utterances in a step | ms per step | utterances per second | efficiency |"
)


class Layout(NamedTuple):
    """Describes how the work is distributed.

    Attributes:
        processes: number of processes.
        threads: number of threads of each process.
        share: share of the global batch that a step computes.
    """

    processes: int
    threads: int
    share: float = 1.0

    def __str__(self) -> str:
        plural = "es" if self.processes > 1 else ""
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{self.processes} process{plural} x {threads}"


ALONE = Layout(1, 1, share=0.5)
THREADS = Layout(1, 2)
PROCESSES = Layout(2, 1)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if all runs could be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling")
    parser.add_argument(
        "--steps", type=int, default=40, help="steps of each run; the first ones are not counted"
    )
    parser.add_argument("--repeats", type=int, default=3, help="how often each run is repeated")
    options = parser.parse_args(arguments)
    if options.steps < 2 * LOG_EVERY or options.repeats < 1:
        parser.error(f"at least {2 * LOG_EVERY} steps, and one repeat")
    print(describe_machine(), HEADER, "|---" * 6 + "|", sep="\n")
    with tempfile.TemporaryDirectory() as folder:
        for model in GLOBAL_BATCH:
            print(*rows(model, options.steps, options.repeats, Path(folder)), sep="\n", flush=True)
    return 0


def rows(model: str, steps: int, repeats: int, folder: Path) -> list[str]:
    """Return a line of Markdown for each layout; the efficiency compares with those above."""
    seconds: dict[Layout, list[float]] = {ALONE: [], THREADS: [], PROCESSES: []}
    for repeat in range(repeats):
        for number, layout in enumerate(seconds):
            output = folder / f"{model}_{repeat}_{number}"
            seconds[layout].append(seconds_per_step(model, layout, steps, folder, output))
    per_second, lines = {}, []
    for layout, measured in seconds.items():
        size, step = round(GLOBAL_BATCH[model] * layout.share), statistics.median(measured)
        per_second[layout] = size / step
        efficiency = ""
        if layout == PROCESSES:
            of_threads = per_second[layout] / per_second[THREADS]
            of_one = per_second[layout] / (2 * per_second[ALONE])
            efficiency = f"{of_threads:.0%} of 1 x 2 threads, {of_one:.0%} of twice 1 x 1"
        cells = [model, str(layout), str(size), f"{1000 * step:.0f}", f"{size / step:.1f}"]
        lines.append(f"| {' | '.join([*cells, efficiency])} |")
    return lines


def seconds_per_step(model: str, layout: Layout, steps: int, folder: Path, output: Path) -> float:
    """Train, and return the median seconds per step from the run's log, without its first steps."""
    batch_size = round(GLOBAL_BATCH[model] * layout.share) // layout.processes
    options = [
        *(f"model={model}", "data=synthetic", "data.engine=tones", "data.minutes=4"),
        *(f"paths.data_dir={folder}/data", f"hydra.run.dir={output}"),
        *(f"data.batch_size={batch_size}", f"trainer.max_steps={steps}", "trainer.max_epochs=-1"),
        *("trainer.accelerator=cpu", f"trainer.devices={layout.processes}"),
        *("trainer.limit_val_batches=0", "callbacks.samples=null", "callbacks.checkpoint=null"),
        f"trainer.log_every_n_steps={LOG_EVERY}",
    ]
    if layout.processes > 1:
        options.append("trainer.strategy=ddp")
    environment = {**os.environ, "OMP_NUM_THREADS": str(layout.threads)}
    command = [sys.executable, "train.py", *options]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(run.stderr.strip() or run.stdout.strip())
    with (output / "metrics.csv").open() as file:
        logged = [row.get("train/steps_per_second") for row in csv.DictReader(file)]
    rates = [float(rate) for rate in logged if rate]
    return 1 / statistics.median(rates[1:])


if __name__ == "__main__":
    sys.exit(main())
