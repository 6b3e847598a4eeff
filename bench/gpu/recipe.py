"""Runs ``train.py`` itself on a corpus of tones, on one device and on all of them."""

from __future__ import annotations

import csv
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from bench.gpu.rows import Value
from bench.gpu.work import Bench

LOG_EVERY = 2


def recipe(bench: Bench) -> Iterator[tuple[str, Value]]:
    """Yield the time of a step of each network; each device has a batch of the same size."""
    n_devices = torch.cuda.device_count() if bench.is_gpu else 1
    with tempfile.TemporaryDirectory() as folder:
        for network, options in bench.sizes.recipe.items():
            options = [*options, f"trainer.max_steps={bench.sizes.steps}"]
            yield f"{network}-one", _run(bench, Path(folder), options, 1)
            if n_devices == 1:
                yield f"{network}-all", Value(None, "left out: there is one device")
                continue
            found = _run(bench, Path(folder), options, n_devices)
            yield f"{network}-all", Value(found.value, f"{n_devices} devices")


def _run(bench: Bench, folder: Path, options: list[str], n_devices: int) -> Value:
    """Train, and return the milliseconds of a step from the log of the run, without its first."""
    from tts.config import compose, resolved
    from tts.train import run_training

    here, output = bench.device.index or 0, Path(tempfile.mkdtemp(dir=folder))
    devices = [f"trainer.gpus={n_devices}" if n_devices > 1 else f"trainer.gpus=[{here}]"]
    if not bench.is_gpu:
        devices = ["trainer.accelerator=cpu", "trainer.devices=1"]
    overrides = [
        *("data=synthetic", "data.engine=tones", *options),
        *(*devices, "trainer.precision=auto", "trainer.max_epochs=-1"),
        f"trainer.strategy={'ddp' if n_devices > 1 else 'auto'}",
        *(f"paths.data_dir={folder}/data", f"paths.output_dir={output}", "callbacks.samples=null"),
        *("trainer.limit_val_batches=0", "callbacks.checkpoint=null", "callbacks.progress=null"),
        f"trainer.log_every_n_steps={LOG_EVERY}",
    ]
    run_training(resolved(compose(overrides)), output)
    with (output / "metrics.csv").open() as file:
        logged = [row.get("train/steps_per_second") for row in csv.DictReader(file)]
    rates = [float(rate) for rate in logged if rate]
    return Value(1000 / statistics.median(rates[1:]))
