"""Makes the folders of runs, each for one run alone, and removes those of runs that are refused."""

from __future__ import annotations

import itertools
import shutil
from contextlib import suppress
from pathlib import Path

#: What a run or a sweep writes before its first step.
_OF_THE_START = (
    *(
        ".lock",
        ".slurm_job",
        "config.yaml",
        "overrides.yaml",
        "hydra.yaml",
        "facts.json",
        "trial.json",
    ),
    *("results.csv", "results.json", "study.db", "study.journal", "study.journal.lock"),
)
#: Folders that this process has made, or will make: the outermost new one by the folder of the run.
_new_folders: dict[Path, Path] = {}


def claim_folder(folder: Path) -> Path:
    """Make a folder that no other process has, and return its path.

    Args:
        folder: the folder; if it exists, a number is added to its name: ``12-00-00_2``.
    """
    for number in itertools.count(1):
        candidate = folder if number == 1 else folder.with_name(f"{folder.name}_{number}")
        outermost = _outermost_new(candidate)
        candidate.parent.mkdir(parents=True, exist_ok=True)
        try:
            candidate.mkdir()
        except FileExistsError:
            continue
        if outermost is not None:
            _new_folders[candidate] = outermost
        break
    return candidate


def note_folder(folder: Path) -> None:
    """Note which part of a path is new, for `remove_traces`."""
    if (outermost := _outermost_new(folder)) is not None:
        _new_folders[folder] = outermost


def remove_traces() -> None:
    """Remove the new folders of a run that was refused, if they hold nothing but its start."""
    for folder, outermost in _new_folders.items():
        files = [path for path in folder.rglob("*") if not path.is_dir()]
        if all(_is_of_the_start(path) for path in files):
            with suppress(OSError):
                shutil.rmtree(folder)
        # parents that are empty now, or were made and never used
        for parent in [folder, *folder.parents]:
            if parent != outermost and outermost not in parent.parents:
                break
            with suppress(OSError):
                parent.rmdir()
    _new_folders.clear()


def _is_of_the_start(path: Path) -> bool:
    return path.name in _OF_THE_START or path.name.startswith(".place_")


def _outermost_new(folder: Path) -> Path | None:
    """Return the outermost part of a path that does not exist, or None if all of it does."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    return new[-1] if new else None
