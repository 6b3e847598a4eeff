"""Starts a training in this process, or in one process for each device.

Lightning's own launcher starts the further processes by running the command line again. Under
Hydra's multirun that is the whole sweep: ranks then train different jobs, or wait for each other
without end. Here the parent resolves the configuration, writes it to a file, and lets torch's
elastic launcher start every rank with that file; rank 0 writes the metrics to another file. The
parent never joins a process group, so one job leaves nothing behind for the next.

The ranks are commands, although the launcher can also call a function. Then it would report only
the first rank that it finds dead, which is often a healthy one that has lost its peer; and a rank
that fails must end by ``os._exit`` (see :mod:`tts.runtime.worker`), so that it could not return its
reason in any case.
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

#: Signals that this process passes on to the ranks.
FORWARDED = existing(("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1"))
#: Seconds that the ranks then have to finish a step, save and end.
GRACE_SECONDS = 60
#: Seconds that the others have to end when a rank has died. They cannot save without it, and with
#: NCCL they wait for it where no signal reaches them. A rank that stops with the others, a little
#: later than they, needs some of this time.
LOST_PEER_SECONDS = 10
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
        overrides: the options that ``config`` was composed from.

    Returns:
        The last value of every metric.

    Raises:
        InputError: the devices asked for are not there, or a rank stopped on bad input.
        TrainingError: a rank died, or cannot continue.
        RunStopped: a signal asked for it; the last step is saved.
    """
    _check_srun()
    options = config["trainer"]
    devices = resolve_devices(options["gpus"], options["accelerator"], options["devices"])
    output_dir.mkdir(parents=True, exist_ok=True)
    if options["num_nodes"] > 1 and not externally_launched():
        raise InputError(
            f"trainer.num_nodes={options['num_nodes']}: start the command on every node, with "
            "torchrun or srun; see docs/scaling.md"
        )
    _check_started(devices.count * options["num_nodes"])
    # one device needs no other process, unless its strategy would leave a process group behind
    is_single = devices.count == 1 and not str(options["strategy"]).startswith(("ddp", "fsdp"))
    if is_single or externally_launched():
        with _same_environment():
            metrics = train(config, output_dir, overrides)
        # not earlier, because the next trial of a sweep uses the same group
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


def _check_srun() -> None:
    """Refuse a command that SLURM has started once although it has allocated several tasks.

    Lightning takes SLURM's word for the number of ranks. This process would wait for the others
    for half an hour, and ignore SIGTERM in the meantime.
    """
    allocated, started = slurm.allocated_tasks(), slurm.started_tasks()
    if "LOCAL_RANK" not in os.environ and started < allocated > 1:
        raise InputError(
            f"SLURM allocated {allocated} tasks, but this command was started once: type srun "
            "before it, `srun python train.py ...`, or allocate one task, --ntasks=1; see "
            "docs/scaling.md"
        )


def _check_started(n_wanted: int) -> None:
    """Refuse ranks of torchrun or srun that are not as many as the options ask for.

    On a CPU they would otherwise train apart from one another, in the same folder.
    """
    launcher, started = "torchrun", int(os.environ.get("WORLD_SIZE", n_wanted))
    if "LOCAL_RANK" not in os.environ:
        # a single task may still start its own ranks
        launcher, started = "srun", slurm.allocated_tasks()
        started = n_wanted if started == 1 else started
    if started != n_wanted:
        raise InputError(
            f"{launcher} started {started} processes, but trainer.devices and trainer.num_nodes "
            f"ask for {n_wanted}: give both the same number; see docs/scaling.md"
        )


def externally_launched() -> bool:
    """Return whether torchrun or SLURM has already started the ranks."""
    return "LOCAL_RANK" in os.environ or slurm.allocated_tasks() > 1


def leave_group() -> None:
    """End the process group of this rank, if there is one, and with it the threads of Gloo.

    A thread that still holds tensors of the last collective when the interpreter ends would ask for
    Python's lock; Python would end the thread, and the whole process would die of SIGABRT.
    """
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def _launch_ranks(run: dict[str, Any], n_ranks: int) -> dict[str, float]:
    # not in the run's folder: another process may train there, which only rank 0 finds out
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
        with _environment_of_ranks(n_ranks), _ended_soon():
            launcher("-m", "tts.runtime.worker", str(run_file), str(result_file))
    except ChildFailedError as error:
        raise _read_stop(result_file) or _explain(error.failures, _reason(result_file)) from None
    except SignalException as error:
        killed = stopped(error.sigval.name, f"before the ranks could save; {RESUME_HINT}")
        raise _read_stop(result_file) or killed from None


@contextmanager
def _ended_soon() -> Iterator[None]:
    """Let torch's launcher give up the other ranks soon after one has died, not after 30 s."""
    from torch.distributed.elastic.multiprocessing import api

    processes: Any = api.PContext
    before = processes.close

    def close(context: Any, death_sig: Any = None, timeout: int = LOST_PEER_SECONDS) -> None:
        before(context, death_sig, timeout)

    # where it has found a dead rank, it calls this without a time
    processes.close = close
    try:
        yield
    finally:
        processes.close = before


def _quieten_launcher() -> None:
    """Silence torch's launcher: the ranks have printed the error, and it would print it again."""
    loggers = ("torch.distributed.elastic", "torch.distributed.launcher", "torchelastic")
    for name in [name for name in logging.root.manager.loggerDict if name.startswith(loggers)]:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _read_stop(result_file: Path) -> RunStopped | None:
    """Return the stop that rank 0 reported after all ranks had saved and ended."""
    result = json.loads(result_file.read_text()) if result_file.is_file() else {}
    return RunStopped(result["stopped"], result["status"]) if "stopped" in result else None


def reason_file(result_file: Path) -> Path:
    """Return the file in which the first rank that fails writes why, in one line."""
    return result_file.with_suffix(".reason")


def _reason(result_file: Path) -> str:
    file = reason_file(result_file)
    return file.read_text() if file.is_file() else ""


def _explain(failures: dict[int, Any], reason: str = "") -> InputError | TrainingError:
    """Return one error for all failed ranks: the cause, not the ranks that only lost a peer."""
    codes = {rank: failure.exitcode for rank, failure in failures.items()}
    message = reason or "see the message of the rank above"
    if EXIT_BAD_INPUT in codes.values():
        return InputError(f"the run stopped on bad input: {message}")
    if EXIT_TRAINING_FAILED in codes.values():
        return TrainingError(f"the run cannot continue: {message}")
    causes = {rank: code for rank, code in codes.items() if code != EXIT_LOST_PEER} or codes
    rank, code = next(iter(causes.items()))
    ended = f"rank {rank} ended with exit code {code}; the other ranks were stopped"
    return TrainingError(f"{ended}: {reason}" if reason else ended)


@contextmanager
def _same_environment() -> Iterator[None]:
    """Restore the variables that a training in this process sets, such as ``LOCAL_RANK``."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _environment_of_ranks(n_ranks: int) -> Iterator[None]:
    """Set what the ranks inherit, this package and their share of the cores, for the block."""
    package = str(Path(__file__).resolve().parents[2])
    python_path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    threads = os.environ.get("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // n_ranks)))
    # torch's launcher sets signal handlers in the main thread and does not restore them
    with _same_environment(), former_handlers(FORWARDED.values()):
        os.environ.update(
            PYTHONPATH=python_path,
            OMP_NUM_THREADS=threads,
            TORCHELASTIC_SIGNALS_TO_HANDLE=",".join(FORWARDED),
        )
        yield


def _local_launch(n_ranks: int, launch_config: Any) -> Any:
    # releases of torch without this option read the names from the environment
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
