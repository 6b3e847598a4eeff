"""Failures in the middle of a run, as one line each that says what to do.

Those of the machine come as a ``RuntimeError`` from somewhere deep, and their text tells what kind
they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tts.core.errors import InputError, TrainingError, one_line
from tts.core.files import disk_full_reason

# CUDA, Metal; the CPU on Linux and macOS; on Windows
_NO_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)
_DEAD_WORKER = re.compile(
    r"DataLoader worker \(pid(?:\(s\))? (?P<pid>[\d, ]+)\)"
    r"(?: is killed by signal: (?P<signal>[\w ]+))?"
)


@contextmanager
def explain_failures(batch: object, config: Mapping[str, Any], output_dir: Path) -> Iterator[None]:
    """Around the training: what is known of a failure is raised in its place.

    Args:
        batch: its ``str`` says which batch is computed.
        config: of the run.
        output_dir: of the run.

    Raises:
        InputError: what the Trainer refuses.
        TrainingError: out of memory or disk, or a process that loads data is dead.
        KeyboardInterrupt: Ctrl-C.
    """
    from lightning_fabric.utilities.exceptions import MisconfigurationException

    try:
        yield
    except MisconfigurationException as error:
        raise InputError(one_line(error)) from None
    except SystemExit as error:
        # what Lightning makes of Ctrl-C
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        raise KeyboardInterrupt from None
    except ValueError as error:
        # what only the number of batches can tell
        if "`val_check_interval`" not in str(error):
            raise
        raise InputError(f"trainer: {one_line(error)}") from None
    except RuntimeError as error:
        if (failure := machine_failure(error, str(batch), config)) is None:
            raise
        raise failure from None
    except OSError as error:
        if (reason := disk_full_reason(error)) is None:
            raise
        hint = "make room, then go on with ckpt_path=last"
        raise TrainingError(f"{error.filename or output_dir}: {reason}; {hint}") from None


def machine_failure(
    error: RuntimeError, batch: str, config: Mapping[str, Any]
) -> TrainingError | None:
    """The one line for a failure, or None if it is none of these.

    Args:
        error: what was raised.
        batch: which batch was computed, in words.
        config: of the run.
    """
    if isinstance(error, TrainingError):
        return None
    text = str(error)
    if _NO_MEMORY.search(text):
        return TrainingError(f"out of memory at {batch}; {_how_to_need_less(config)}")
    if "DataLoader worker" in text and (match := _DEAD_WORKER.search(text)):
        how = f"by {match['signal']}" if match["signal"] else "of itself"
        return TrainingError(
            f"a process that loads data (pid {match['pid'].strip()}) ended {how} at {batch}: if "
            "the machine ran out of memory, lower data.num_workers; go on with ckpt_path=last"
        )
    return None


def _how_to_need_less(config: Mapping[str, Any]) -> str:
    data = config["data"]
    if "segment_length" in config["model"]["datamodule"]:
        lower = "lower data.batch_size or model.datamodule.segment_length"
    elif data["frames_per_batch"] is not None:
        lower = f"lower data.frames_per_batch={data['frames_per_batch']}"
    else:
        lower = "lower data.batch_size, or bound it with data.frames_per_batch or data.max_seconds"
    return f"{lower}; trainer.accumulate_grad_batches keeps the step as large as it was"
