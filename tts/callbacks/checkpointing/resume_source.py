"""Finds the checkpoint that a run resumes from, and checks it before any data is prepared."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tts.audio import MelConfig
from tts.callbacks.checkpointing.names import LAST, PREVIOUS, UPCOMING
from tts.config import flattened
from tts.config.overrides import FORMER_KEYS
from tts.core.errors import InputError
from tts.models import options_without_effect
from tts.pretrained.checksums import check_members
from tts.pretrained.descriptions import KEY
from tts.pretrained.limits import check_value_count, check_zip
from tts.runtime.run_folder import CHECKPOINTS, has_checkpoint, newest_run

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
#: The checkpoints that are later than all others, the latest first. A kill between the end of a
#: save and its rename leaves the first of them.
_LATEST = (UPCOMING, LAST, PREVIOUS)


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
    before = _table(_table(data.get(KEY)).get("config"))
    try:
        check_value_count(before)
    except ValueError as error:
        raise InputError(f"{path}: its configuration has {error}; no run writes that") from None
    if differing := differing_options(before, config):
        log.warning("resuming with other options: %s", differing)
    step = _whole_number(data.get("global_step"))
    if data:
        log.info("resuming from step %d, %s", step, path)
    metrics = _table(_table(data.get("resume_point")).get("metrics"))
    return ResumeSource(path, step, metrics, _finished(data, config["trainer"]))


def find_checkpoint(config: dict[str, Any], output_dir: Path) -> Path:
    """Return the path of the checkpoint that ``ckpt_path`` means.

    ``ckpt_path=last`` is the newest undamaged checkpoint in the folder of this run. If the folder
    has no checkpoint, it is that of the newest run with the same name.

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
    run = output_dir
    if not has_checkpoint(run):
        runs = Path(config["paths"]["log_dir"]) / config["name"]
        newest = newest_run(runs)
        if newest is None:
            raise InputError(f"ckpt_path=last: no run under {runs} has a checkpoint yet")
        run = newest
    for path in _newest_first(run / CHECKPOINTS):
        if is_whole(path):
            return path
        log.warning("%s is damaged: going back to the checkpoint before it", path)
    raise InputError(
        f"ckpt_path=last: all checkpoints in {run / CHECKPOINTS} are damaged; begin a new run, or "
        "resume from a copy of one with ckpt_path=FILE"
    )


def is_whole(path: Path) -> bool:
    """Return whether a checkpoint of a run is complete and undamaged.

    Its checksums are compared first, because torch does not compare them. It is then loaded in the
    way of a resumed run, because damage can also be in what has no checksum.

    Raises:
        InputError: this user may not read the file.
    """
    try:
        with path.open("rb") as stream:
            check_zip(stream, str(path))
            check_members(stream)
            content = torch.load(stream, map_location="cpu", weights_only=True)
    except PermissionError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); change its rights") from None
    except Exception:  # zipfile and torch raise a dozen types of errors for damaged files
        return False
    return isinstance(content, dict)


def _newest_first(folder: Path) -> Iterator[Path]:
    """Yield the checkpoints of a run, newest first.

    Their names and content tell the order. Times of files do not: a copy can have any.
    """
    paths = {path.name: path for path in folder.glob("*.ckpt")}
    yield from (paths.pop(name) for name in _LATEST if name in paths)
    yield from sorted(paths.values(), key=_step, reverse=True)


def _step(path: Path) -> tuple[int, str]:
    """Return the optimiser steps of a checkpoint; those in its name if it cannot be read."""
    step = _whole_number(_read_metadata(path).get("global_step"))
    if not step:
        number = re.search(r"step[_=](\d{1,18})", path.name)
        step = int(number[1]) if number else 0
    return step, path.name


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
    point = _table(data.get("resume_point"))
    if not point or point.get("validate"):
        return None
    if 0 <= trainer["max_steps"] <= _whole_number(point.get("step")):
        return f"max_steps={trainer['max_steps']}"
    epoch = _whole_number(point.get("epoch"))
    if trainer["max_epochs"] not in (None, -1) and epoch >= trainer["max_epochs"]:
        return f"max_epochs={trainer['max_epochs']}"
    timer = _table(_table(data.get("callbacks")).get("Timer"))
    spent = _table(timer.get("time_elapsed")).get("train", 0.0)
    if trainer["max_time"] is not None and spent >= _seconds(trainer["max_time"]):
        return f"max_time={trainer['max_time']}"
    return None


def _table(value: Any) -> dict[str, Any]:
    """Return a value of a file if it is a table, otherwise an empty one: a file can hold all."""
    return value if isinstance(value, dict) else {}


def _whole_number(value: Any) -> int:
    return value if isinstance(value, int) else 0


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
            changed.append(_section_change(key, before, now) or f"{key} {old} -> {new}")
    changed = list(dict.fromkeys(changed))
    if (more := len(changed) - _MOST_DIFFERENCES) > 0:
        changed[_MOST_DIFFERENCES:] = [f"and {more} more"]
    return ", ".join(changed)


def _section_change(key: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Return ``"without SECTION"`` or ``"with SECTION"`` if a key's section came or went.

    A section is an entry of a group, or a group without entries, such as that of
    ``callbacks=none``.
    """
    parts = key.split(".")
    for depth in range(1, len(parts) + 1):
        old, new = (_select(config, parts[:depth]) for config in (before, now))
        if isinstance(old, Mapping) and old and not new:
            return f"without {'.'.join(parts[:depth])}"
        if isinstance(new, Mapping) and new and not old:
            return f"with {'.'.join(parts[:depth])}"
    return None


def _select(config: Any, parts: list[str]) -> Any:
    for part in parts:
        config = config.get(part) if isinstance(config, Mapping) else None
    return config


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
