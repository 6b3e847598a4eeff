"""Checks a sweep before its first trial: a mistake that all trials share is reported once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import hydra
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from tts.config import resolved
from tts.core.errors import InputError, one_line
from tts.core.progress import announced
from tts.training.preflight import check_before_torch


def check_trials(space: Mapping[str, Override], fixed: Sequence[str]) -> None:
    """Refuse a sweep if its first and its last values fail in the same way.

    A mistake in a searched value ends the trials that have it, and no others.

    Args:
        space: overrides to search, by key.
        fixed: overrides that all trials share.

    Raises:
        InputError: all trials would fail; the message is that of a single training.
    """
    first = _mistake(space, fixed, 0)
    last = None if first is None else _mistake(space, fixed, -1)
    # what follows the mistake, such as the metrics there are, may differ
    if first is not None and last is not None and first.split(";")[0] == last.split(";")[0]:
        raise InputError(first)


def _mistake(space: Mapping[str, Override], fixed: Sequence[str], place: int) -> str | None:
    values = [f"{key}={_values(override)[place]}" for key, override in space.items()]
    try:
        config = resolved(hydra.compose("train", [*fixed, *values, "sweep.trial=0"]))
        check_before_torch(config)
        _check_metrics(config)
    except InputError as error:
        return one_line(error)
    except (HydraException, OmegaConfBaseException):
        return None  # the trial reports it
    return None


def _check_metrics(config: Mapping[str, Any]) -> None:
    with announced("loading torch and Lightning"):
        from tts.sweep.first_monitors import check_first_monitors

    check_first_monitors(config)


def _values(override: Override) -> list[str]:
    value = override.value()
    if isinstance(value, IntervalSweep):
        return [str(value.start), str(value.end)]
    return list(override.sweep_string_iterator())
