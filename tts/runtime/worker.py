"""One rank of a distributed run: ``python -m tts.runtime.worker RUN.json RESULT.json``.

It reads the resolved configuration and never Hydra's; see :mod:`tts.runtime.launch`.
"""

from __future__ import annotations

import json
import os
import pkgutil
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import NoReturn

from tts.core.errors import InputError, RunStopped, TrainingError, one_line
from tts.runtime.launch import (
    EXIT_BAD_INPUT,
    EXIT_FAILED,
    EXIT_LOST_PEER,
    EXIT_TRAINING_FAILED,
    leave_group,
    reason_file,
)


def main(run_file: str, result_file: str) -> None:
    """Train as one rank; rank 0 writes the metrics."""
    rank = int(os.environ.get("RANK", "0"))
    run = json.loads(Path(run_file).read_text())
    end_with(run["launcher"])
    train = pkgutil.resolve_name(run["train"])
    try:
        metrics = train(run["config"], Path(run["output_dir"]), run["overrides"])
    except (InputError, TrainingError) as error:
        _note(one_line(error), result_file)
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
            _leave(EXIT_LOST_PEER)  # the rank that went first has said why
        _note(f"{type(error).__name__}: {one_line(error)}", result_file)
        traceback.print_exc()
        _leave(EXIT_FAILED)
    if rank == 0:
        Path(result_file).write_text(json.dumps(metrics))
    leave_group()


def end_with(parent: int, every_seconds: float = 1.0) -> None:
    """Do not outlive the launcher: a run that is resumed must be the only one in its folder."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every_seconds)
        os._exit(EXIT_LOST_PEER)

    threading.Thread(target=watch, daemon=True, name="parent watch").start()


def _note(reason: str, result_file: str) -> None:
    """Say why, to the parent; the first rank has the word, and alike ones would repeat it."""
    try:
        with reason_file(Path(result_file)).open("x") as file:
            file.write(reason)
    except FileExistsError:
        return
    except OSError:
        sys.stderr.write(f"error: {reason}\n")


def _lost_peer(error: Exception) -> bool:
    """Whether a collective failed because another rank is gone."""
    from torch.distributed import DistError

    return isinstance(error, DistError) or (
        isinstance(error, RuntimeError) and "by peer" in str(error)
    )


def _leave(status: int) -> NoReturn:
    """End at once: the other ranks may wait in a collective, and no clean-up may wait with them."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
