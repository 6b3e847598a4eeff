"""Finds the checkpoint that a run resumes from, and checks it before any data is prepared."""

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
from tts.config.overrides import FORMER_KEYS
from tts.core.errors import InputError
from tts.models import options_without_effect
from tts.pretrained.descriptions import KEY
from tts.runtime.run_folder import CHECKPOINTS, newest_run

log = logging.getLogger(__name__)

#: Options whose changes are not logged: where a run writes, what it shows, and former names.
_UNREPORTED = (
    *FORMER_KEYS,
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
    """Describes a checkpoint that a run can resume from.

    Attributes:
        path: path of the file.
        step: optimiser steps so far.
        metrics: latest value of every metric.
        finished: the limit that the run has already reached, as ``"max_steps=100"``, or None.
    """

    path: Path
    step: int
    metrics: dict[str, float]
    finished: str | None


def find_resume_source(config: dict[str, Any], output_dir: Path) -> ResumeSource:
    """Find the checkpoint that ``ckpt_path`` means, and log which options differ from its run's.

    Args:
        config: the configuration of the resumed run.
        output_dir: the folder of the resumed run.

    Raises:
        InputError: there is no checkpoint, or all are damaged.
    """
    path = find_checkpoint(config, output_dir)
    data = _read_metadata(path)
    point = data.get("resume_point") or {}
    before = (data.get(KEY) or {}).get("config") or {}
    if differing := differing_options(before, config):
        log.warning("resuming with other options: %s", differing)
    step = int(data.get("global_step", 0))
    log.info("resuming from step %d, %s", step, path)
    return ResumeSource(path, step, point.get("metrics", {}), _finished(data, config["trainer"]))


def find_checkpoint(config: dict[str, Any], output_dir: Path) -> Path:
    """Return the path of the checkpoint that ``ckpt_path`` means.

    ``ckpt_path=last`` is the newest undamaged checkpoint in the folder of this run. If the folder
    has none, it is that of the newest run with the same name.

    Args:
        config: the configuration of the resumed run.
        output_dir: the folder of the resumed run.

    Raises:
        InputError: there is no checkpoint, or all are damaged.
    """
    wanted = config["ckpt_path"]
    if wanted != "last":
        if not Path(wanted).is_file():
            raise InputError(f"ckpt_path={wanted}: no such file")
        return Path(wanted)
    candidates = _newest_first(output_dir)
    if not candidates:
        runs = Path(config["paths"]["log_dir"]) / config["name"]
        if (run := newest_run(runs)) is None:
            raise InputError(f"ckpt_path=last: no run under {runs} has a checkpoint yet")
        candidates = _newest_first(run)
    for path in candidates:
        if is_whole(path):
            return path
        log.warning("%s is damaged: going back to the checkpoint before it", path)
    raise InputError(f"ckpt_path=last: all checkpoints in {candidates[0].parent} are damaged")


def is_whole(path: Path) -> bool:
    """Return whether a checkpoint is complete and undamaged, by the checksums in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError):
        return False


def _newest_first(run: Path) -> list[Path]:
    """Return the checkpoints of a run, newest first; of two names of one file, "last" first."""
    paths = (run / CHECKPOINTS).glob("*.ckpt")
    return sorted(paths, key=lambda p: (-p.stat().st_mtime_ns, p.stem != "last"))


def _read_metadata(path: Path) -> dict[str, Any]:
    """Read a checkpoint without its tensors, which stay on the disk.

    It returns an empty dictionary for a broken file: `check_resumable` reports the error.
    """
    try:
        data = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception:
        return {}
    return data if isinstance(data, dict) else {}


def _finished(data: Mapping[str, Any], trainer: Mapping[str, Any]) -> str | None:
    """Return the trainer's limit that a checkpoint has reached, if nothing is left to do."""
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
    """Return the seconds of a duration in Lightning's ``days:hours:minutes:seconds``, or a dict."""
    if isinstance(duration, Mapping):
        return timedelta(**duration).total_seconds()
    days, hours, minutes, seconds = (int(part) for part in str(duration).split(":"))
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def differing_options(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return the options that differ between two configurations, as text for a log line.

    Args:
        before: configuration of the interrupted run.
        now: configuration of the resumed run.

    Returns:
        ``"model.lr 0.001 -> 0.0005, trainer.max_steps 100 -> 200"``; empty if none differs.
    """
    if not before:
        return ""
    folders = [str(config.get("paths", {}).get("output_dir")) for config in (before, now)]
    old_options, new_options = flattened(before), flattened(now)
    changed = []
    for key in sorted(old_options.keys() | new_options.keys()):
        old, new = old_options.get(key, "unset"), new_options.get(key, "unset")
        if isinstance(old, str):
            old = old.replace(folders[0], folders[1])
        if old != new and not key.startswith(_UNREPORTED) and not _is_moved_class(key, old, new):
            changed.append(f"{key} {old} -> {new}")
    if (more := len(changed) - _MOST_DIFFERENCES) > 0:
        changed[_MOST_DIFFERENCES:] = [f"and {more} more"]
    return ", ".join(changed)


def _is_moved_class(key: str, old: Any, new: Any) -> bool:
    """Return whether a ``_target_`` names the same class in another module."""
    is_target = key.rpartition(".")[2] == "_target_"
    return is_target and str(old).rpartition(".")[2] == str(new).rpartition(".")[2]


def check_resumable(path: Path, network: nn.Module, mel: MelConfig, tokenizer: Any) -> int:
    """Refuse a checkpoint that this run cannot resume from.

    No code from the file is executed.

    Args:
        path: path of the checkpoint.
        network: the network of this run.
        mel: the mel contract of this run.
        tokenizer: the tokenizer of this run; None for a WaveGlow.

    Returns:
        The number of optimiser steps in the checkpoint.

    Raises:
        InputError: the file is damaged, has weights only, or belongs to another network, mel
            contract or symbol table. The message names the first difference.
    """
    from tts.pretrained.descriptions import validated_description
    from tts.pretrained.importers.containers import read_contents

    data = read_contents(path)
    description = data.get(KEY)
    if not isinstance(description, dict) or "loops" not in data or "optimizer_states" not in data:
        raise InputError(f"{path}: not a checkpoint of a training run, so it cannot be resumed")
    name = type(network).__name__
    if description.get("network") != name:
        raise InputError(f"{path}: holds a {description.get('network')}, this run trains {name}")
    description = validated_description(path, description)
    ours: dict[str, Any] = asdict(network.config)  # type: ignore[call-overload]
    # options that are newer than the checkpoint had their defaults
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


def _check_reading(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to resume if this run reads texts in another way."""
    if list(before["symbols"]) != list(now["symbols"]):
        raise InputError(f"{path}: another symbol table; see tokenizer.symbols")
    for key in ("cleaner", "p_arpabet", "language"):
        old = before.get(key, 0.0 if key == "p_arpabet" else None)
        if old != now[key]:
            raise InputError(f"{path}: tokenizer.{key} is {old} there, {now[key]} here")
    if (before.get("lexicon") or None) != now["lexicon"]:
        raise InputError(f"{path}: tokenizer.lexicon is another file, or has other content")
