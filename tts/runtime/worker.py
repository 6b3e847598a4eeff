"""Runs one rank of a distributed training: ``python -m tts.runtime.worker RUN.json RESULT.json``.

A rank reads the resolved configuration and does not use Hydra; see :mod:`tts.runtime.launch`.
"""

from __future__ import annotations

import json
import logging
import os
import pkgutil
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import NoReturn

from tts.core.errors import InputError, RunStopped, TrainingError, one_line
from tts.core.output import LogHandler, print_error, protect_streams
from tts.runtime.launch import (
    EXIT_BAD_INPUT,
    EXIT_FAILED,
    EXIT_LOST_PEER,
    EXIT_TRAINING_FAILED,
    leave_group,
    reason_file,
)


def main(run_file: str, result_file: str) -> None:
    """Train as one rank; rank 0 writes the metrics.

    Args:
        run_file: JSON with the function, its arguments and the launcher's process id.
        result_file: where rank 0 writes the metrics, or that the run was stopped.
    """
    protect_streams()
    # as Hydra does in a run of one process
    logging.basicConfig(level=logging.INFO, handlers=[LogHandler()])
    rank = int(os.environ.get("RANK", "0"))
    run = json.loads(Path(run_file).read_text())
    end_with(run["launcher"])
    train = pkgutil.resolve_name(run["train"])
    try:
        metrics = train(run["config"], Path(run["output_dir"]), run["overrides"])
    except (InputError, TrainingError) as error:
        _write_reason(one_line(error), result_file)
        _leave(EXIT_BAD_INPUT if isinstance(error, InputError) else EXIT_TRAINING_FAILED)
    except RunStopped as stop:
        if rank == 0:
            stopped = {"stopped": one_line(stop), "status": stop.status}
            Path(result_file).write_text(json.dumps(stopped))
        _leave(stop.status)
    except KeyboardInterrupt:
        _leave(EXIT_LOST_PEER)
    except Exception as error:
        if _lost_peer(error):
            _leave(EXIT_LOST_PEER)  # the rank that failed first writes the reason
        _write_reason(f"{type(error).__name__}: {one_line(error)}", result_file)
        traceback.print_exc()
        _leave(EXIT_FAILED)
    if rank == 0:
        Path(result_file).write_text(json.dumps(metrics))
    leave_group()


def end_with(parent: int, every_seconds: float = 1.0) -> None:
    """End this process when the launcher ends: a resumed run must be alone in its folder.

    Args:
        parent: the process id of the launcher.
        every_seconds: how often to look.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every_seconds)
        os._exit(EXIT_LOST_PEER)

    threading.Thread(target=watch, daemon=True, name="parent watch").start()


def _write_reason(reason: str, result_file: str) -> None:
    """Write the reason for the parent; only the first rank does, as the others would repeat it."""
    try:
        with reason_file(Path(result_file)).open("x") as file:
            file.write(reason)
    except FileExistsError:
        return
    except OSError:
        print_error(f"error: {reason}")


def _lost_peer(error: Exception) -> bool:
    """Return whether a collective failed because another rank has ended."""
    from torch.distributed import DistError

    return isinstance(error, DistError) or (
        isinstance(error, RuntimeError) and "by peer" in str(error)
    )


def _leave(status: int) -> NoReturn:
    """End at once: other ranks may wait in a collective, and a clean-up could wait with them."""
    os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
