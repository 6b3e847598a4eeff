"""Which checkpoint a run goes on from, and whether it may: checked before anything is prepared."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tts.audio import MelConfig
from tts.config import flattened
from tts.core.errors import InputError
from tts.models import options_without_effect
from tts.runtime.run_folder import CHECKPOINTS, newest_run

log = logging.getLogger(__name__)

#: Options that may differ without a word: where a run writes and how it looks.
_UNREMARKABLE = (
    "paths.",
    "ckpt_path",
    "name",
    "epilogue",
    "logger.",
    "callbacks.progress",
    "sweep.",
)
_MOST_DIFFERENCES = 12


@dataclass(frozen=True)
class ResumeSource:
    """A checkpoint to go on from.

    Attributes:
        path: of the file.
        step: of the optimiser.
        metrics: latest values when it was saved.
        finished: what the run has reached already, as ``"max_steps=100"``; None if it goes on.
    """

    path: Path
    step: int
    metrics: dict[str, float]
    finished: str | None


def find_resume_source(config: dict[str, Any], output_dir: Path) -> ResumeSource:
    """What ``ckpt_path`` means; one line says which options differ from those of that run.

    Raises:
        InputError: there is no checkpoint, or none that is whole.
    """
    path = find_checkpoint(config, output_dir)
    data = _peek(path)
    point = data.get("resume_point") or {}
    before = (data.get("tacoglow") or {}).get("config") or {}
    if differing := differing_options(before, config):
        log.warning("resuming with other options: %s", differing)
    step = int(data.get("global_step", 0))
    log.info("resuming from step %d, %s", step, path)
    return ResumeSource(path, step, point.get("metrics", {}), _finished(data, config["trainer"]))


def find_checkpoint(config: dict[str, Any], output_dir: Path) -> Path:
    """The checkpoint that ``ckpt_path`` means.

    ``ckpt_path=last`` is the newest that is whole in the folder of this run or, if it has none,
    in the newest of the runs of this name.

    Raises:
        InputError: there is none.
    """
    wanted = config["ckpt_path"]
    if wanted != "last":
        if not Path(wanted).is_file():
            raise InputError(f"ckpt_path={wanted}: no such file")
        return Path(wanted)
    found = _newest_first(output_dir)
    if not found:
        runs = Path(config["paths"]["log_dir"]) / config["name"]
        if (run := newest_run(runs)) is None:
            raise InputError(f"ckpt_path=last: no run under {runs} has a checkpoint yet")
        found = _newest_first(run)
    for path in found:
        if is_whole(path):
            return path
        log.warning("%s is damaged: going back to the checkpoint before it", path)
    raise InputError(f"ckpt_path=last: all checkpoints in {found[0].parent} are damaged")


def is_whole(path: Path) -> bool:
    """Whether a checkpoint is all there, by the checksums in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError):
        return False


def _newest_first(run: Path) -> list[Path]:
    """Checkpoints of a run; the last before a best one that is the same file."""
    found = (run / CHECKPOINTS).glob("*.ckpt")
    return sorted(found, key=lambda p: (-p.stat().st_mtime_ns, p.stem != "last"))


def _peek(path: Path) -> dict[str, Any]:
    """What a checkpoint says, its tensors left on the disk; errors are told by others."""
    try:
        data = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception:
        return {}
    return data if isinstance(data, dict) else {}


def _finished(data: Mapping[str, Any], trainer: Mapping[str, Any]) -> str | None:
    """Which of the trainer's limits a checkpoint has reached, nothing being left to do."""
    point = data.get("resume_point")
    if not point or point["validate"]:
        return None
    if 0 < trainer["max_steps"] <= point["step"]:
        return f"max_steps={trainer['max_steps']}"
    if trainer["max_epochs"] not in (None, -1) and point["epoch"] >= trainer["max_epochs"]:
        return f"max_epochs={trainer['max_epochs']}"
    spent = data.get("callbacks", {}).get("Timer", {}).get("time_elapsed", {}).get("train", 0.0)
    if trainer["max_time"] is not None and spent >= _seconds(trainer["max_time"]):
        return f"max_time={trainer['max_time']}"
    return None


def _seconds(duration: Any) -> float:
    """Seconds of Lightning's ``days:hours:minutes:seconds``, or of a dictionary of these."""
    if isinstance(duration, Mapping):
        return timedelta(**duration).total_seconds()
    days, hours, minutes, seconds = (int(part) for part in str(duration).split(":"))
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def differing_options(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """``"model.lr 0.001 -> 0.0005, trainer.max_steps 100 -> 200"``; empty if none differs."""
    if not before:
        return ""
    folders = [str(config.get("paths", {}).get("output_dir")) for config in (before, now)]
    there, here = flattened(before), flattened(now)
    changed = []
    for key in sorted(there.keys() | here.keys()):
        old, new = there.get(key, "unset"), here.get(key, "unset")
        if isinstance(old, str):
            old = old.replace(folders[0], folders[1])
        if old != new and not key.startswith(_UNREMARKABLE):
            changed.append(f"{key} {old} -> {new}")
    if (more := len(changed) - _MOST_DIFFERENCES) > 0:
        changed[_MOST_DIFFERENCES:] = [f"and {more} more"]
    return ", ".join(changed)


def check_resumable(path: Path, network: nn.Module, mel: MelConfig, tokenizer: Any) -> int:
    """Refuse a checkpoint that this run cannot go on from, naming the first difference.

    Nothing from the file is executed.

    Returns:
        The optimiser's step it is from.

    Raises:
        InputError: damaged, weights only, or made by another network, mel contract or symbols.
    """
    from tts.pretrained.descriptions import validated_description
    from tts.pretrained.importers.reader import read_contents

    data = read_contents(path)
    description = data.get("tacoglow")
    if not isinstance(description, dict) or "loops" not in data or "optimizer_states" not in data:
        raise InputError(f"{path}: not a checkpoint of a training run, so it cannot be resumed")
    name = type(network).__name__
    if description.get("network") != name:
        raise InputError(f"{path}: holds a {description.get('network')}, this run trains {name}")
    description = validated_description(path, description)
    ours: dict[str, Any] = asdict(network.config)  # type: ignore[call-overload]
    # an option that came later than the checkpoint had its default
    defaults: dict[str, Any] = asdict(type(network.config)())  # type: ignore[call-overload]
    theirs = defaults | description["network_config"]
    ignored = options_without_effect(ours)
    for key, value in ours.items():
        if theirs[key] != value and key not in ignored:
            raise InputError(f"{path}: model.network.{key} is {theirs[key]} there, {value} here")
    if differences := mel.differences(MelConfig.from_dict(description["mel"] or {})):
        raise InputError(f"{path}: another mel contract: {'; '.join(differences)}")
    if tokenizer is not None and description["tokenizer"] is not None:
        _check_reading(path, description["tokenizer"], tokenizer.to_dict())
    return int(data.get("global_step", 0))


def _check_reading(path: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Refuse to go on with texts that are read in another way."""
    if list(there["symbols"]) != list(here["symbols"]):
        raise InputError(f"{path}: another symbol table; see tokenizer.symbols")
    for key in ("cleaner", "p_arpabet", "language"):
        old = there.get(key, 0.0 if key == "p_arpabet" else None)
        if old != here[key]:
            raise InputError(f"{path}: tokenizer.{key} is {old} there, {here[key]} here")
    if (there.get("lexicon") or None) != here["lexicon"]:
        raise InputError(f"{path}: another tokenizer.lexicon, or another content of it")
