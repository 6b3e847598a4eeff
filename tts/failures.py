"""Failures of the machine in the middle of a run, as one line each that says what to do.

They come as a ``RuntimeError`` from somewhere deep, and what kind they are stands in their text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tts.errors import TrainingError

# CUDA, Metal; the CPU on Linux and macOS; on Windows
_NO_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)
_DEAD_WORKER = re.compile(
    r"DataLoader worker \(pid(?:\(s\))? (?P<pid>[\d, ]+)\)"
    r"(?: is killed by signal: (?P<signal>[\w ]+))?"
)


def explained(error: RuntimeError, batch: str, config: Mapping[str, Any]) -> TrainingError | None:
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
