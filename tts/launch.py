"""Starts a training in this process, or one process for each device.

Lightning's own launcher starts the further processes by running the command line again, which
under Hydra's multirun means the whole sweep: ranks then train different jobs, or wait for one
another for ever. Here the parent resolves the configuration, writes it down, and starts every
rank from that file with torch's elastic launcher; rank 0 hands the metrics back through a file.
The parent never touches a process group, so one job leaves nothing behind for the next.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tts.devices import resolve_devices
from tts.errors import InputError, TrainingError

EXIT_BAD_INPUT = 2
EXIT_TRAINING_FAILED = 3
EXIT_LOST_PEER = 4


def launch(config: dict[str, Any], output_dir: Path) -> dict[str, float]:
    """Train as ``config`` says, and return the metrics.

    Args:
        config: resolved, plain containers.
        output_dir: the folder of this run.

    Raises:
        InputError: the devices asked for are not there, or a rank stopped on bad input.
        TrainingError: a rank died, or cannot go on.
    """
    options = config["trainer"]
    devices = resolve_devices(options["gpus"], options["accelerator"], options["devices"])
    output_dir.mkdir(parents=True, exist_ok=True)
    if devices.count == 1 or externally_launched():
        from tts.train import train

        return train(config, output_dir)
    return _launch_ranks(config, output_dir, devices.count)


def externally_launched() -> bool:
    """Whether torchrun or SLURM has already started the ranks."""
    return "LOCAL_RANK" in os.environ or int(os.environ.get("SLURM_NTASKS", "1")) > 1


def _launch_ranks(config: dict[str, Any], output_dir: Path, n_ranks: int) -> dict[str, float]:
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    run_file, result_file = output_dir / "run.json", output_dir / "result.json"
    run_file.write_text(json.dumps({"config": config, "output_dir": str(output_dir)}, indent=1))
    result_file.unlink(missing_ok=True)
    # the ranks have already said what went wrong; the launcher would say it again, at length
    for name in (
        "torch.distributed.elastic",
        "torch.distributed.launcher",
        "torchelastic-events-null",
    ):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    launcher = elastic_launch(_local_launch(n_ranks, LaunchConfig), sys.executable)
    try:
        with _environment_of_ranks(n_ranks):
            launcher("-m", "tts.worker", str(run_file), str(result_file))
    except ChildFailedError as error:
        raise _explain(error.failures) from None
    except SignalException:
        raise KeyboardInterrupt from None
    metrics: dict[str, float] = json.loads(result_file.read_text())
    return metrics


def _explain(failures: dict[int, Any]) -> InputError | TrainingError:
    """One error for the deaths of several ranks: the cause, not who lost whom."""
    codes = {rank: failure.exitcode for rank, failure in failures.items()}
    said = "see the message of the rank above"
    if EXIT_BAD_INPUT in codes.values():
        return InputError(f"the run stopped on bad input ({said})")
    if EXIT_TRAINING_FAILED in codes.values():
        return TrainingError(f"the run cannot go on ({said})")
    causes = {rank: code for rank, code in codes.items() if code != EXIT_LOST_PEER} or codes
    rank, code = next(iter(causes.items()))
    return TrainingError(f"rank {rank} ended with exit code {code}; the other ranks were stopped")


@contextmanager
def _environment_of_ranks(n_ranks: int) -> Iterator[None]:
    """What the ranks inherit: this package, and their share of the cores; leaves no trace."""
    package = str(Path(__file__).resolve().parents[1])
    python_path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    threads = os.environ.get("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // n_ranks)))
    before = dict(os.environ)
    os.environ.update(PYTHONPATH=python_path, OMP_NUM_THREADS=threads)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _local_launch(n_ranks: int, launch_config: Any) -> Any:
    return launch_config(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=n_ranks,
        run_id=str(os.getpid()),
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        max_restarts=0,
        monitor_interval=0.5,
    )
