"""Folders of runs: what a run's folder is called, which is the newest, with which options it began.

Nothing here imports torch: the command line needs it before anything is trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from omegaconf import OmegaConf

from tts.core.errors import InputError
from tts.core.locks import process_lock
from tts.runtime import slurm

CHECKPOINTS = "checkpoints"
#: In a run's folder: the options it was started with, so that ``ckpt_path=last`` finds them.
OVERRIDES = "overrides.yaml"
#: In a run's folder: the job of SLURM that trained there last.
_JOB = ".slurm_job"
#: Options that belong to a single start of a run.
_OWN = ("ckpt_path", "paths.output_dir", "hydra.", "sweep.trial")
#: Options that say which run is meant, as its name follows from them.
_NAMING = ("name", "model", "data", "experiment", "debug", "data.engine")


def run_folder(
    log_dir: str, name: str, ckpt_path: str | None, now: str, overrides: Sequence[str]
) -> str:
    """Where a run writes: a folder of its own, or that of the run which goes on.

    ``ckpt_path=last`` goes on with the newest run of this name or, if neither model nor data are
    named, with the newest of all. A job of SLURM writes to a folder with its id, so that all its
    ranks find the same. When it is put back into the queue it returns to the folder it wrote to,
    whichever that was.
    """
    folder = Path(log_dir) / name
    named = any(_key(override) in _NAMING for override in overrides)
    where = folder if named or ckpt_path != "last" else Path(log_dir)
    found = _folder_of_job(where) if slurm.was_requeued() else None
    if found is None and ckpt_path == "last":
        found = newest_run(where)
    if found is not None:
        return str(found)
    job = slurm.job_id()
    return str(folder / (now if job is None else f"slurm_{job}"))


def mark_job(folder: Path) -> None:
    """Note which job of SLURM trains in a folder, for when it comes back from the queue."""
    if (job := slurm.job_id()) is not None:
        (folder / _JOB).write_text(f"{job}\n")


def _folder_of_job(root: Path) -> Path | None:
    """The folder below ``root`` that this job of SLURM wrote to last."""
    marks = [path for path in root.rglob(_JOB) if path.read_text().strip() == slurm.job_id()]
    return max(marks, key=lambda path: path.stat().st_mtime).parent if marks else None


def newest_run(root: Path) -> Path | None:
    """The folder below ``root`` with the newest checkpoint."""
    times = {path: path.stat().st_mtime for path in root.rglob(f"{CHECKPOINTS}/*.ckpt")}
    return max(times, key=times.__getitem__).parents[1] if times else None


def has_checkpoint(folder: Path) -> bool:
    """Whether there is something to go on from."""
    return any((folder / CHECKPOINTS).glob("*.ckpt"))


def save_overrides(folder: Path, overrides: Iterable[str]) -> None:
    """Note the options of a run, without those of this start."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = [override for override in overrides if not _key(override).startswith(_OWN)]
    OmegaConf.save(OmegaConf.create(kept), folder / OVERRIDES)


def load_overrides(folder: Path, now: Sequence[str]) -> list[str]:
    """The options a run began with, and after them those that are given ``now``.

    One that is given again, or for the group of another, replaces it.
    """
    file = folder / OVERRIDES
    before = list(OmegaConf.load(file)) if file.is_file() else []
    again = {_key(override) for override in now}
    return [override for override in before if _key(override) not in again] + list(now)


@contextmanager
def only_process(folder: Path, patience: float = 10.0) -> Iterator[None]:
    """Let no other process train in the same folder meanwhile.

    The system forgets the lock when the process ends, however it ends.

    Args:
        folder: of the run.
        patience: seconds that the ranks of a killed launcher have to end.

    Raises:
        InputError: another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with process_lock(folder / ".lock", patience) as is_held:
        if not is_held:
            raise InputError(f"{folder}: another process is training there; stop it first")
        yield


def _key(override: str) -> str:
    return override.split("=", 1)[0].lstrip("+~")
