"""Checks a sweep before its first trial: a mistake that all trials share is reported once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import hydra
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from tts.config import resolved
from tts.core.errors import InputError, one_line
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
    message = _mistake(space, fixed, 0)
    if message is not None and message == _mistake(space, fixed, -1):
        raise InputError(message)


def _mistake(space: Mapping[str, Override], fixed: Sequence[str], place: int) -> str | None:
    values = [f"{key}={_values(override)[place]}" for key, override in space.items()]
    try:
        check_before_torch(resolved(hydra.compose("train", [*fixed, *values])))
    except InputError as error:
        return one_line(error)
    except (HydraException, OmegaConfBaseException):
        return None  # the trial reports it
    return None


def _values(override: Override) -> list[str]:
    value = override.value()
    if isinstance(value, IntervalSweep):
        return [str(value.start), str(value.end)]
    return list(override.sweep_string_iterator())
