"""Knows which metrics a run will log, so that a ``monitor`` without a value is refused at once.

A task states the names of its losses, and a callback those of its figures, in a method
``metric_names``. Without this check, a misspelt name would be found after the first validation.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Set
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, DeviceStatsMonitor, LearningRateMonitor

from tts.callbacks.speech_metrics import SpeechMetrics
from tts.core.errors import InputError
from tts.training.task import is_of_logging_steps

#: Callbacks of Lightning that log metrics of their own.
_LOG_OTHERS = (DeviceStatsMonitor, LearningRateMonitor)
_PACKAGES = ("tts", "pytorch_lightning")


def announced_metrics(trainer: pl.Trainer, task: pl.LightningModule) -> set[str] | None:
    """Return the names of all metrics that a run logs.

    Args:
        trainer: the trainer of the run, with its callbacks.
        task: the task that it trains.

    Returns:
        The names; None if there is a task or a callback of another package that states none.
    """
    names: set[str] = set()
    parts: list[Any] = [task, *trainer.callbacks]  # type: ignore[attr-defined]
    for part in parts:
        stated = _names_of(part, trainer, task)
        if stated is None:
            return None
        names |= stated
    return names


def check_monitors(
    config: Mapping[str, Any], trainer: pl.Trainer, task: pl.LightningModule
) -> None:
    """Refuse a monitored metric that the run does not log, or may lack in its first validation.

    Args:
        config: the configuration of the run.
        trainer: the trainer of the run, with its callbacks.
        task: the task that it trains.

    Raises:
        InputError: names the key, and metrics that there are.
    """
    names = announced_metrics(trainer, task)
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
    for key, name in _monitors(config, trainer).items():
        if names is not None and name not in names:
            more = [c.metrics_if_monitored(task) for c in callbacks if isinstance(c, SpeechMetrics)]
            raise InputError(
                f"{key}={name}: this run logs no such metric; "
                f"{_alternatives(name, names.union(*more))}"
            )
        every_steps = config["trainer"]["log_every_n_steps"]
        if names is not None and every_steps > 1 and is_of_logging_steps(name):
            raise InputError(
                f"{key}={name}: it is logged in one of {every_steps} steps, and a validation may "
                f"come before; set trainer.log_every_n_steps=1, or monitor a metric that is always "
                f"there: {_of_validation(names)}"
            )
        for callback in callbacks:
            every = getattr(callback, "every_n_validations", 1)
            if every > 1 and name in (_names_of(callback, trainer, task) or ()):
                raise InputError(
                    f"{key}={name}: it is measured in one of {every} validations; set "
                    f"{_key_of(config, callback)}every_n_validations=1"
                )


def _names_of(
    part: pl.LightningModule | Callback, trainer: pl.Trainer, task: pl.LightningModule
) -> Set[str] | None:
    """Return the names that a task or a callback states; None if it may log others."""
    state: Callable[..., Set[str] | None] | None = getattr(part, "metric_names", None)
    if state is not None:
        return state(trainer, task)
    package = type(part).__module__.split(".")[0]
    silent = package in _PACKAGES and isinstance(part, Callback)
    return set() if silent and not isinstance(part, _LOG_OTHERS) else None


def _monitors(config: Mapping[str, Any], trainer: pl.Trainer) -> dict[str, str]:
    """Return the monitored metrics by their keys; ``monitor`` if anything uses it."""
    monitors: dict[str, str] = {}
    used = [getattr(c, "monitor", None) for c in trainer.callbacks]  # type: ignore[attr-defined]
    if (config.get("sweep") or {}).get("trial") is not None or config["monitor"] in used:
        monitors["monitor"] = config["monitor"]
    for name, options in (config["callbacks"] or {}).items():
        own = (options or {}).get("monitor")
        if own is not None and own != config["monitor"] and own in used:
            monitors[f"callbacks.{name}.monitor"] = own
    return monitors


def _key_of(config: Mapping[str, Any], callback: Callback) -> str:
    """Return the beginning of the keys of a callback: ``"callbacks.samples."``."""
    for name, options in (config["callbacks"] or {}).items():
        if str((options or {}).get("_target_")).rpartition(".")[2] == type(callback).__name__:
            return f"callbacks.{name}."
    return ""


def _alternatives(name: str, names: set[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}there are {_of_validation(names)}"


def _of_validation(names: Set[str]) -> str:
    """Return the names of a validation; the losses first, as they are monitored most often."""
    chosen = (name for name in names if name.startswith("val/"))
    return ", ".join(sorted(chosen, key=lambda name: (not name.startswith("val/loss"), name)))
