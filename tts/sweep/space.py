"""Reads search spaces, written as Hydra's overrides in ``sweep.space`` and on the command line.

    model.batch_size=16,32,64                       one of these
    model.lr=interval(1e-4, 1e-2)                   between two real numbers
    'model.lr=tag(log, interval(1e-4, 1e-2))'       the same on a logarithmic scale
    'model.network.n_layers=int(interval(4, 8))'    whole numbers, both ends included
    model.network.n_flows=range(4, 13, 4)           4, 8, 12

Hydra's own Optuna sweeper reads the same forms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from tts.core.errors import InputError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def split_overrides(
    space: Mapping[str, Any], arguments: Sequence[str], parser: OverridesParser
) -> tuple[dict[str, Override], list[str]]:
    """Divide overrides into those to search and fixed ones.

    Args:
        space: values by key, from the configuration.
        arguments: arguments of the command line. They replace entries of the space; a single value
            makes a key of the space a fixed one.
        parser: Hydra's parser.

    Returns:
        Overrides to search by key, and those that every trial gets unchanged.
    """
    typed = parser.parse_overrides(list(arguments))
    keys = {override.get_key_element() for override in typed}
    configured = [f"{key}={value}" for key, value in space.items() if key not in keys]
    overrides = [*parser.parse_overrides(configured), *typed]
    searched = {o.get_key_element(): o for o in overrides if o.is_sweep_override()}
    fixed = [o.input_line for o in overrides if not o.is_sweep_override()]
    return searched, [line for line in fixed if line is not None]


def distribution(key: str, override: Override) -> BaseDistribution:
    """Return the Optuna distribution of an override.

    Raises:
        InputError: the distribution is empty, as that of an interval whose end is before its start.
    """
    value = override.value()
    try:
        if isinstance(value, IntervalSweep):
            return _interval(value)
        if isinstance(value, RangeSweep):
            return _range(value)
    except ValueError as error:
        raise InputError(f"{key}={override.get_value_string()}: {error}") from None
    return _categorical(list(override.sweep_string_iterator()))


def _interval(value: IntervalSweep) -> BaseDistribution:
    from optuna.distributions import FloatDistribution, IntDistribution

    assert value.start is not None
    assert value.end is not None
    log = "log" in value.tags
    if isinstance(value.start, int) and isinstance(value.end, int):
        return IntDistribution(value.start, value.end, log=log)
    return FloatDistribution(float(value.start), float(value.end), log=log)


def _range(value: RangeSweep) -> BaseDistribution:
    from optuna.distributions import FloatDistribution, IntDistribution

    points = list(value.range())
    if not points:
        raise ValueError("this range is empty")
    first, last, step = min(points), max(points), abs(value.step)
    if all(isinstance(point, int) for point in points):
        return IntDistribution(int(first), int(last), step=int(step))
    return FloatDistribution(float(first), float(last), step=float(step))


def _categorical(choices: list[str]) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution

    return CategoricalDistribution(list(dict.fromkeys(choices)))
