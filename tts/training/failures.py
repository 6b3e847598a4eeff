"""Turns failures in the middle of a run into one line that says what the user can do.

PyTorch raises a plain ``RuntimeError`` when memory is short or a loader process dies. Only the text
of the error tells which of these happened.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tts.core.errors import InputError, TrainingError, one_line
from tts.core.files import disk_full_reason

# the words of CUDA and Metal, of the CPU on Linux and macOS, of the CPU on Windows, of cuBLAS and
# cuDNN, and of NCCL
_NO_MEMORY = re.compile(
    r"out of memory|can't allocate memory|not enough memory|STATUS_ALLOC_FAILED|CUDA calloc",
    re.IGNORECASE,
)
_DEAD_WORKER = re.compile(
    r"DataLoader worker \(pid(?:\(s\))? (?P<pid>[\d, ]+)\)"
    r"(?: is killed by signal: (?P<signal>[\w ]+))?"
)
_LATE_WORKER = re.compile(r"DataLoader timed out after (?P<seconds>[\d.]+) seconds")
_NO_FILES = re.compile(r"too many open files|received \d items of ancdata", re.IGNORECASE)


@contextmanager
def explain_failures(batch: object, config: Mapping[str, Any], output_dir: Path) -> Iterator[None]:
    """Replace the known failures of a training by errors of one line.

    Args:
        batch: an object whose ``str`` names the batch that is being computed.
        config: the configuration of the run.
        output_dir: the folder of the run.

    Raises:
        InputError: the Trainer refuses an option.
        TrainingError: memory or disk is full, or a process that loads data has died, does not
            answer, or cannot be started.
        KeyboardInterrupt: the user pressed Ctrl-C.
    """
    from lightning_fabric.utilities.exceptions import MisconfigurationException

    try:
        yield
    except MisconfigurationException as error:
        raise InputError(one_line(error)) from None
    except SystemExit as error:
        # Lightning turns Ctrl-C into SystemExit
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        raise KeyboardInterrupt from None
    except ValueError as error:
        # Lightning can check this option only when it knows the number of batches
        if "`val_check_interval`" not in str(error):
            raise
        raise InputError(f"trainer: {one_line(error)}") from None
    except RuntimeError as error:
        if (failure := machine_failure(error, str(batch), config)) is None:
            raise
        raise failure from None
    except OSError as error:
        if (failure := _shortage(error)) is not None:
            raise failure from None
        if (reason := disk_full_reason(error)) is None:
            raise
        hint = "make room, then resume with ckpt_path=last"
        raise TrainingError(f"{error.filename or output_dir}: {reason}; {hint}") from None


def machine_failure(
    error: RuntimeError, batch: str, config: Mapping[str, Any]
) -> TrainingError | None:
    """Return an error of one line if memory was short or a loader process died, else None.

    Args:
        error: the error that was raised.
        batch: words that name the batch that was being computed.
        config: the configuration of the run.
    """
    if isinstance(error, TrainingError):
        return None
    text = str(error)
    if _NO_MEMORY.search(text):
        return TrainingError(f"out of memory at {batch}; {memory_advice(config)}")
    if _NO_FILES.search(text):
        return _shortage(OSError(errno.EMFILE, text))
    if match := _LATE_WORKER.search(text):
        return TrainingError(
            f"no batch came from the processes that load data within {float(match['seconds']):g} "
            f"seconds at {batch}: see whether their disk answers; data.worker_timeout is the "
            "limit, and data.num_workers=0 loads without them; then resume with ckpt_path=last"
        )
    if match := _DEAD_WORKER.search(text):
        # while the run waits for data, PyTorch names the signal only in the error underneath
        underneath = _DEAD_WORKER.search(str(error.__cause__))
        if underneath is not None and not match["signal"]:
            match = underneath
        cause = f"was ended by {match['signal']}" if match["signal"] else "ended"
        return TrainingError(
            f"a process that loads data (pid {match['pid'].strip()}) {cause} at {batch}: if the "
            "machine ran out of memory, lower data.num_workers; then resume with ckpt_path=last"
        )
    return None


def _shortage(error: OSError) -> TrainingError | None:
    """Return an error of one line if the system allows no more open files or processes."""
    hint = "or lower data.num_workers; then resume with ckpt_path=last"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return TrainingError(f"too many open files: raise the limit (ulimit -n), {hint}")
    if error.errno in (errno.EAGAIN, errno.ENOMEM):
        reason = f"{error.strerror}".lower()
        return TrainingError(
            f"a process that loads data cannot be started ({reason}): make room for it, {hint}"
        )
    return None


def memory_advice(config: Mapping[str, Any]) -> str:
    """Return which keys to lower if the memory of the device is too small."""
    data = config["data"]
    if "segment_length" in config["model"]["datamodule"]:
        advice = "lower data.batch_size or model.datamodule.segment_length"
    elif data["frames_per_batch"] is not None:
        advice = f"lower data.frames_per_batch={data['frames_per_batch']}"
    else:
        advice = "lower data.batch_size, or bound it with data.frames_per_batch or data.max_seconds"
    return f"{advice}; trainer.accumulate_grad_batches keeps the step as large as it was"
