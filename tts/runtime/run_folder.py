"""Names the folder of a run, finds the newest run, and lets one process train in a folder.

Nothing here imports torch: the command line needs this module before it imports anything slow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tts.core.errors import InputError
from tts.core.locks import process_lock
from tts.runtime import slurm

CHECKPOINTS = "checkpoints"
#: A file in a run's folder: the id of the SLURM job that trained there last.
_JOB = ".slurm_job"
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
    folder = Path(log_dir) / name
    is_named = any(override_key(override) in _NAMING for override in overrides)
    root = folder if is_named or ckpt_path != "last" else Path(log_dir)
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
        (folder / _JOB).write_text(f"{job}\n")


def newest_run(root: Path) -> Path | None:
    """Return the folder below ``root`` that has the newest checkpoint."""
    times = {path: path.stat().st_mtime for path in root.rglob(f"{CHECKPOINTS}/*.ckpt")}
    return max(times, key=times.__getitem__).parents[1] if times else None


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
    marks = [path for path in root.rglob(_JOB) if path.read_text().strip() == slurm.job_id()]
    return max(marks, key=lambda path: path.stat().st_mtime).parent if marks else None
