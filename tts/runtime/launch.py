"""Starts a training in this process, or one process for each device.

Lightning's own launcher starts the further processes by running the command line again, which
under Hydra's multirun means the whole sweep: ranks then train different jobs, or wait for one
another for ever. Here the parent resolves the configuration, writes it down, and starts every
rank from that file with torch's elastic launcher; rank 0 hands the metrics back through a file.
The parent never touches a process group, so one job leaves nothing behind for the next.
"""

from __future__ import annotations

import atexit
import dataclasses
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tts.core.errors import RESUME_HINT, InputError, RunStopped, TrainingError
from tts.core.signals import existing, former_handlers, stopped
from tts.runtime import slurm
from tts.runtime.devices import resolve_devices

Train = Callable[[dict[str, Any], Path, Sequence[str] | None], dict[str, float]]

#: Signals that the ranks get when this process gets them
FORWARDED = existing(("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1"))
#: Seconds that the ranks have from then on to finish a step, save and leave
GRACE_SECONDS = 60
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_TRAINING_FAILED = 3
EXIT_LOST_PEER = 4


def launch(
    train: Train,
    config: dict[str, Any],
    output_dir: Path,
    overrides: Sequence[str] | None = None,
) -> dict[str, float]:
    """Call ``train`` in this process, or in one process for each device, and return the metrics.

    Args:
        train: a function of a module, so that other processes can import it.
        config: resolved, plain containers.
        output_dir: the folder of this run.
        overrides: options that ``config`` came from.

    Raises:
        InputError: the devices asked for are not there, or a rank stopped on bad input.
        TrainingError: a rank died, or cannot go on.
        RunStopped: a signal asked for it; the last step is saved.
    """
    options = config["trainer"]
    devices = resolve_devices(options["gpus"], options["accelerator"], options["devices"])
    output_dir.mkdir(parents=True, exist_ok=True)
    if options["num_nodes"] > 1 and not externally_launched():
        raise InputError(
            f"trainer.num_nodes={options['num_nodes']}: start the command on every node, with "
            "torchrun or srun; see docs/scaling.md"
        )
    # one device is trained on in this process, unless its strategy would leave a process group
    alone = devices.count == 1 and not str(options["strategy"]).startswith(("ddp", "fsdp"))
    if alone or externally_launched():
        with _same_environment():
            metrics = train(config, output_dir, overrides)
        # not now: the next trial of a sweep goes on with this group
        atexit.register(leave_group)
        return metrics
    run = {
        "train": f"{train.__module__}:{train.__name__}",
        "config": config,
        "output_dir": str(output_dir),
        "overrides": None if overrides is None else list(overrides),
        "launcher": os.getpid(),
    }
    return _launch_ranks(run, devices.count)


def externally_launched() -> bool:
    """Whether torchrun or SLURM has already started the ranks."""
    # in an interactive allocation of SLURM nobody starts them: it has no job of ours
    tasks = int(os.environ.get("SLURM_NTASKS", "1")) if slurm.job_id() is not None else 1
    return "LOCAL_RANK" in os.environ or tasks > 1


def leave_group() -> None:
    """End the process group of this rank, if there is one, and with it the threads of Gloo.

    One that still holds the tensors of the last collective while the interpreter ends asks for
    Python's lock, is ended for it, and takes the process down with SIGABRT.
    """
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def _launch_ranks(run: dict[str, Any], n_ranks: int) -> dict[str, float]:
    # not in the run's folder: another process may be training there, as rank 0 will find out
    with tempfile.TemporaryDirectory(prefix="tacoglow-") as folder:
        run_file, result_file = Path(folder) / "run.json", Path(folder) / "result.json"
        run_file.write_text(json.dumps(run))
        _run_ranks(run_file, result_file, n_ranks)
        metrics: dict[str, float] = json.loads(result_file.read_text())
    return metrics


def _run_ranks(run_file: Path, result_file: Path, n_ranks: int) -> None:
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    _quieten_launcher()
    launcher = elastic_launch(_local_launch(n_ranks, LaunchConfig), sys.executable)
    try:
        with _environment_of_ranks(n_ranks):
            launcher("-m", "tts.runtime.worker", str(run_file), str(result_file))
    except ChildFailedError as error:
        raise _stopped(result_file) or _explain(error.failures, _reason(result_file)) from None
    except SignalException as error:
        killed = stopped(error.sigval.name, f"before the ranks could save; {RESUME_HINT}")
        raise _stopped(result_file) or killed from None


def _quieten_launcher() -> None:
    """The ranks have already said what went wrong; torch would say it again, at length."""
    talkative = ("torch.distributed.elastic", "torch.distributed.launcher", "torchelastic")
    for name in [name for name in logging.root.manager.loggerDict if name.startswith(talkative)]:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _stopped(result_file: Path) -> RunStopped | None:
    """What rank 0 said when all ranks had saved and left."""
    result = json.loads(result_file.read_text()) if result_file.is_file() else {}
    return RunStopped(result["stopped"], result["status"]) if "stopped" in result else None


def reason_file(result_file: Path) -> Path:
    """Where the first rank that fails says why, in one line."""
    return result_file.with_suffix(".reason")


def _reason(result_file: Path) -> str:
    file = reason_file(result_file)
    return file.read_text() if file.is_file() else ""


def _explain(failures: dict[int, Any], reason: str = "") -> InputError | TrainingError:
    """One error for the deaths of several ranks: the cause, not who lost whom."""
    codes = {rank: failure.exitcode for rank, failure in failures.items()}
    said = reason or "see the message of the rank above"
    if EXIT_BAD_INPUT in codes.values():
        return InputError(f"the run stopped on bad input: {said}")
    if EXIT_TRAINING_FAILED in codes.values():
        return TrainingError(f"the run cannot go on: {said}")
    causes = {rank: code for rank, code in codes.items() if code != EXIT_LOST_PEER} or codes
    rank, code = next(iter(causes.items()))
    ended = f"rank {rank} ended with exit code {code}; the other ranks were stopped"
    return TrainingError(f"{ended}: {reason}" if reason else ended)


@contextmanager
def _same_environment() -> Iterator[None]:
    """Put back what a training in this process sets, ``LOCAL_RANK`` and seeds among it."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _environment_of_ranks(n_ranks: int) -> Iterator[None]:
    """What the ranks inherit: this package, and their share of the cores; leaves no trace."""
    package = str(Path(__file__).resolve().parents[2])
    python_path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    threads = os.environ.get("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // n_ranks)))
    # torch's launcher sets handlers in the main thread, and leaves them set
    with _same_environment(), former_handlers(FORWARDED.values()):
        os.environ.update(
            PYTHONPATH=python_path,
            OMP_NUM_THREADS=threads,
            TORCHELASTIC_SIGNALS_TO_HANDLE=",".join(FORWARDED),
        )
        yield


def _local_launch(n_ranks: int, launch_config: Any) -> Any:
    # releases of torch without this option take the names from the environment
    signals = {"signals_to_handle": ",".join(FORWARDED)}
    known = {field.name for field in dataclasses.fields(launch_config)}
    return launch_config(
        **{name: value for name, value in signals.items() if name in known},
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=n_ranks,
        run_id=str(os.getpid()),
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        max_restarts=0,
        monitor_interval=0.5,
        shutdown_timeout=GRACE_SECONDS,
    )
