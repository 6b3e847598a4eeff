"""Says which values an option may have, and refuses others in one line that names the option.

A class states its ranges once, in the annotations of its fields or of its constructor::

    patience: Count = 20
    lr_factor: Annotated[float, Number(float, above=0, most=1)] = 0.5
    on_error: Literal["raise", "skip"] = "raise"
    filename: str | Path | None = None

A dataclass checks itself by :func:`check_fields`; ``tts.config.schema`` reads the same annotations
in the source (:mod:`tts.core.source_ranges`) to check a whole configuration before torch is loaded.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin

from tts.core.errors import InputError


class Range(Protocol):
    """Defines a set of legal values; its text completes the sentence "it must be ..."."""

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""


@dataclass(frozen=True)
class Number:
    """Accepts a number between bounds.

    Attributes:
        kind: ``int`` or ``float``; a whole number is a float as well.
        least: the smallest legal value.
        most: the largest legal value.
        above: the value must be greater than this.
        below: the value must be smaller than this.
        null: whether null is legal.
    """

    kind: type
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    null: bool = False

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        if value is None:
            return self.null
        # numpy's numbers as well; true is no number
        kind = Real if self.kind is float else Integral
        if isinstance(value, bool) or not isinstance(value, kind):
            return False
        number: Any = value
        return (
            # a whole number may be too large for the check of other numbers
            (isinstance(value, Integral) or math.isfinite(number))
            and (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )

    def __str__(self) -> str:
        what = "a whole number" if self.kind is int else "a number"
        if self.least is not None and self.most is not None:
            what += f" from {self.least} to {self.most}"
        elif self.least is not None and self.below is not None:
            what += f" from {self.least} to below {self.below}"
        elif self.least is not None:
            what += f", {self.least} or more"
        elif self.above is not None:
            what += f" above {self.above}"
            upper = self.most if self.below is None else self.below
            if upper is not None:
                what += f" and {'below' if self.most is None else 'at most'} {upper}"
        separator = ", or" if "," in what else " or"
        return f"{what}{separator} null" if self.null else what


@dataclass(frozen=True)
class Choice:
    """Accepts one of a few values.

    Attributes:
        values: the legal values.
    """

    values: tuple[Any, ...]

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal; 1 is not true."""
        return any(value == legal and type(value) is type(legal) for legal in self.values)

    def __str__(self) -> str:
        return f"one of {', '.join(dict.fromkeys(map(shown, self.values)))}"


@dataclass(frozen=True)
class Text:
    """Accepts a name or a path.

    Attributes:
        null: whether null is legal.
        empty: whether a text without characters is legal.
    """

    null: bool = True
    empty: bool = False

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        if value is None:
            return self.null
        return isinstance(value, (str, os.PathLike)) and (self.empty or value != "")

    def __str__(self) -> str:
        return f"a name or a path{', or null' if self.null else ''}"


@dataclass(frozen=True)
class Names:
    """Accepts a list of names or numbers.

    Attributes:
        single: whether a name alone stands for a list of one.
        null: whether null is legal.
    """

    single: bool = False
    null: bool = False

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        if isinstance(value, (list, tuple)):
            return all(isinstance(each, (str, int, float)) for each in value)
        return (value is None and self.null) or (isinstance(value, str) and self.single)

    def __str__(self) -> str:
        single = "a name or a list of names" if self.single else "a list"
        return f"{single}, as [a,b]{', or null' if self.null else ''}"


SWITCH = Choice((True, False))

Count = Annotated[int, Number(int, least=1)]
OptionalCount = Annotated[int | None, Number(int, least=1, null=True)]
CountOrZero = Annotated[int, Number(int, least=0)]
Share = Annotated[float, Number(float, least=0, most=1)]
Amount = Annotated[float, Number(float, least=0)]
Positive = Annotated[float, Number(float, above=0)]
OptionalPositive = Annotated[float | None, Number(float, above=0, null=True)]
#: A weight in a loss, and a standard deviation; much larger ones leave the range of float32.
Weight = Annotated[float, Number(float, least=0, most=1_000_000)]
PositiveWeight = Annotated[float, Number(float, above=0, most=1_000_000)]
Sigma = Annotated[float, Number(float, above=0, most=1000)]
SigmaOrZero = Annotated[float, Number(float, least=0, most=1000)]
#: Seconds or minutes, far below what the clocks of operating systems can count.
Timeout = Annotated[float, Number(float, above=0, most=1_000_000)]
OptionalTimeout = Annotated[float | None, Number(float, above=0, most=1_000_000, null=True)]


def legal_arguments(target: Callable[..., Any]) -> Mapping[str, Range]:
    """Return the ranges that a class or function states in its annotations, by argument.

    ``Annotated`` with a range, ``Literal``, ``bool``, ``int``, ``float``, and ``str`` (also with
    ``Path``) state one, and each of them with ``None``. The constructors of base classes count as
    well, as classes hand arguments on to them; those of other packages do not.
    """
    if not isinstance(target, type):
        return _stated_ranges(target)
    ranges: Mapping[str, Range] = {}
    packages = {"tts", target.__module__.split(".")[0]}
    for base in reversed(target.__mro__):
        if "__init__" in vars(base) and base.__module__.split(".")[0] in packages:
            ranges = merged_ranges(ranges, _stated_ranges(vars(base)["__init__"]))
    return ranges


def merged_ranges(base: Mapping[str, Range], own: Mapping[str, Range]) -> dict[str, Range]:
    """Return the ranges of a class and of its base, of which those of the class come first.

    A class that repeats an argument only to change its default does not repeat the bounds: a type
    alone is no reason to forget them.
    """
    types_alone = set(_OF_TYPES.values()) | set(_OF_OPTIONAL_TYPES.values())
    bounds = {name: legal for name, legal in own.items() if legal not in types_alone}
    return {**own, **base, **bounds}


def check_arguments(values: Mapping[str, Any], ranges: Mapping[str, Range], prefix: str) -> None:
    """Check values against the ranges of their names.

    Args:
        values: by name; what has no range is not checked.
        ranges: by name.
        prefix: of the names in the message, such as ``"data."``.

    Raises:
        InputError: a value is not legal; the message names it and the legal values.
    """
    for name, legal in ranges.items():
        if name in values and not legal.allows(values[name]):
            raise InputError(f"{prefix}{name}={shown(values[name])}: it must be {legal}")


def check_fields(instance: Any, prefix: str = "") -> None:
    """Check the fields of a dataclass against its annotations; called by its ``__post_init__``.

    Args:
        instance: the dataclass.
        prefix: of its fields in a configuration, for the message.

    Raises:
        InputError: a value is not legal; the message names field, value and the legal values.
    """
    check_arguments(vars(instance), legal_arguments(type(instance)), prefix)


def shown(value: Any) -> str:
    """Return a value as it is typed on the command line."""
    if value is None:
        return "null"
    return str(value).lower() if type(value) is bool else str(value)


@cache  # a dataclass asks for each of its instances
def _stated_ranges(function: Callable[..., Any]) -> Mapping[str, Range]:
    ranges: dict[str, Range] = {}
    for name, hint in function.__annotations__.items():
        try:
            evaluated = eval(hint, function.__globals__) if isinstance(hint, str) else hint
        except NameError:
            continue  # a name that only type checkers import states no range
        if (legal := stated_range(evaluated)) is not None:
            ranges[name] = legal
    return ranges


def stated_range(hint: Any) -> Range | None:
    """Return the range that an annotation states, or None."""
    if get_origin(hint) is Annotated:
        return next((extra for extra in get_args(hint) if hasattr(extra, "allows")), None)
    is_union = get_origin(hint) in (Union, UnionType)
    parts = set(get_args(hint)) if is_union else {hint}
    is_optional = is_union and type(None) in parts
    kinds = {str if part in _PATHS else part for part in parts - {type(None)}}
    if len(kinds) != 1:
        return None
    kind = kinds.pop()
    if get_origin(kind) in (Sequence, list) and set(get_args(kind)) <= _ELEMENTS:
        return Names(null=is_optional)
    if get_origin(kind) is Literal:
        return Choice((None, *get_args(kind)) if is_optional else get_args(kind))
    return (_OF_OPTIONAL_TYPES if is_optional else _OF_TYPES).get(kind)


#: Elements of lists that are written on a command line.
_ELEMENTS = {str, int, float, str | int}
_PATHS = (Path, os.PathLike, os.PathLike[str])
_OF_TYPES: Mapping[Any, Range] = {
    bool: SWITCH,
    int: Number(int),
    float: Number(float),
    str: Text(null=False, empty=True),
}
_OF_OPTIONAL_TYPES: Mapping[Any, Range] = {
    bool: Choice((None, True, False)),
    int: Number(int, null=True),
    float: Number(float, null=True),
    str: Text(empty=True),
}
