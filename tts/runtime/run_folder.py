"""Names the folder of a run, finds the newest run, and lets one process train in a folder.

Nothing here imports torch: the command line needs this module before it imports anything slow.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from tts.core.errors import InputError
from tts.core.files import replacing
from tts.core.locks import process_lock
from tts.runtime import slurm

CHECKPOINTS = "checkpoints"
#: A file in a run's folder: the id of the SLURM job that trained there last, and when it began.
_JOB = ".slurm_job"
#: A file in a run's folder: when the run last saved a checkpoint, in seconds since 1970.
_SAVED = ".saved"
# the time in the name of a folder that `conf/train.yaml` names
_TIME = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
#: Options that say which run is meant, because the name of a run follows from them.
_NAMING = ("name", "model", "data", "experiment", "debug", "data.engine")


def run_folder(
    log_dir: str, name: str, ckpt_path: str | None, now: str, overrides: Sequence[str]
) -> str:
    """Return the folder that a run writes to: a new one, or that of the run which it resumes.

    ``ckpt_path=last`` resumes the newest run of this name or, if the command names neither model
    nor data, the newest of all runs. A SLURM job writes to a folder with its id, so that all its
    ranks find the same folder. A job that SLURM has requeued returns to the folder it wrote to.

    Args:
        log_dir: the folder of all runs.
        name: the name of the run.
        ckpt_path: ``"last"``, a checkpoint file or None.
        now: the time, which names a new folder.
        overrides: the options of the command line.
    """
    folder = Path(log_dir).expanduser() / name
    is_named = any(override_key(override) in _NAMING for override in overrides)
    root = folder if is_named or ckpt_path != "last" else Path(log_dir).expanduser()
    former = _folder_of_job(root) if slurm.was_requeued() else None
    if former is None and ckpt_path == "last":
        former = newest_run(root)
    if former is not None:
        return str(former)
    job = slurm.job_id()
    return str(folder / (now if job is None else f"slurm_{job}"))


def mark_job(folder: Path) -> None:
    """Write down which SLURM job trains in a folder, so that the requeued job finds it."""
    if (job := slurm.job_id()) is not None:
        (folder / _JOB).write_text(f"{job} {time.time():.6f}\n")


def mark_saved(checkpoints: Path) -> None:
    """Write down when a run saved a checkpoint, so that copies of its folder keep the time.

    Args:
        checkpoints: the folder of the run's checkpoints; nothing is written if it is another than
            that inside a run's folder.
    """
    if checkpoints.name == CHECKPOINTS:
        with suppress(OSError), replacing(checkpoints.parent / _SAVED) as temporary:
            temporary.write_text(f"{time.time():.6f}\n")


def newest_run(root: Path) -> Path | None:
    """Return the folder below ``root`` whose run was the last to save a checkpoint.

    The times of files do not decide if it can be helped: those of a copy are other ones. A run of
    an earlier version counts by the time in the name of its folder.
    """
    runs = {path.parents[1] for path in root.rglob(f"{CHECKPOINTS}/*.ckpt")}
    return max(runs, key=lambda run: (_time_of(run, root), str(run)), default=None)


def _time_of(run: Path, root: Path) -> float:
    """Return when a run has saved its last checkpoint or, if that is not known, when it began."""
    with suppress(OSError, ValueError):
        return float((run / _SAVED).read_text())
    with suppress(ValueError):
        if names := _TIME.findall(str(run.relative_to(root.parent))):
            return datetime.strptime(names[-1], "%Y-%m-%d_%H-%M-%S").timestamp()
    times = (path.stat().st_mtime for path in (run / CHECKPOINTS).glob("*.ckpt"))
    return max(times, default=0.0)


def has_checkpoint(folder: Path) -> bool:
    """Return whether a run's folder has a checkpoint to resume from."""
    return any((folder / CHECKPOINTS).glob("*.ckpt"))


@contextmanager
def only_process(folder: Path, patience: float = 10.0) -> Iterator[None]:
    """Let no other process train in the same folder during the block.

    Args:
        folder: the folder of the run.
        patience: seconds to wait, because the ranks of a killed launcher need time to end.

    Raises:
        InputError: another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with process_lock(folder / ".lock", patience) as is_held:
        if not is_held:
            raise InputError(f"{folder}: another process is training there; stop it first")
        yield


def override_key(override: str) -> str:
    """Return the key of an override: ``"a.b"`` of ``"+a.b=1"``."""
    return override.split("=", 1)[0].lstrip("+~")


def _folder_of_job(root: Path) -> Path | None:
    """Return the folder below ``root`` that this SLURM job wrote to last."""
    marks = {path: path.read_text().split() for path in root.rglob(_JOB)}
    own = [path for path, words in marks.items() if words[:1] == [slurm.job_id()]]

    def began(mark: Path) -> float:
        # earlier versions wrote the id alone
        return float(marks[mark][1]) if len(marks[mark]) > 1 else mark.stat().st_mtime

    return max(own, key=began).parent if own else None
