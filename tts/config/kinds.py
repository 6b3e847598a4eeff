"""Defines kinds of values that only the options of commands have; see :mod:`tts.core.ranges`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tts.core.ranges import Number, Text

_DURATION = re.compile(r"\d+:\d\d:\d\d:\d\d")


@dataclass(frozen=True)
class Duration:
    """Accepts a duration, such as the longest time of a run, or null."""

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        if value is None:
            return True
        has_form = isinstance(value, str) and _DURATION.fullmatch(value) is not None
        # a run of no time would end before its first step
        return has_form and any(digit in value for digit in "123456789")

    def __str__(self) -> str:
        return "days:hours:minutes:seconds, two digits each and more than zero, or null"


@dataclass(frozen=True)
class Batches:
    """Accepts a number of batches, or a share of them.

    Attributes:
        null: whether null is legal.
        zero: whether no batch is legal.
    """

    null: bool = False
    zero: bool = False

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        if value is None:
            return self.null
        if type(value) not in (int, float) or (value == 0 and not self.zero):
            return False
        return bool(value >= 0 if type(value) is int else 0 <= value <= 1)

    def __str__(self) -> str:
        least = ("0 or more", "from 0.0 to 1.0") if self.zero else ("1 or more", "up to 1.0")
        what = f"a whole number of batches, {least[0]}, or a share of them, {least[1]}"
        return f"{what}, or null" if self.null else what


@dataclass(frozen=True)
class Numbers:
    """Accepts a list of numbers.

    Attributes:
        each: the range of each number.
        count: how many there are; None for any number.
    """

    each: Number
    count: int | None = None

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        is_list = isinstance(value, (list, tuple)) and self.count in (None, len(value))
        return is_list and all(self.each.allows(number) for number in value)

    def __str__(self) -> str:
        example = "[500,1000]" if self.each.kind is int else "[0.9,0.999]"
        count = "" if self.count is None else f" of {self.count}"
        return f"a list{count}, as {example}, and each {self.each}"


@dataclass(frozen=True)
class Name(Text):
    """Accepts a name, which may be a number."""

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        return type(value) is int or super().allows(value)

    def __str__(self) -> str:
        return f"a name{', or null' if self.null else ''}"


@dataclass(frozen=True)
class Prose(Text):
    """Accepts a text of a language, or null."""

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        return super().allows(value) and (value is None or value.strip() != "")

    def __str__(self) -> str:
        return "a text with at least one word, or null"


@dataclass(frozen=True)
class Section:
    """Accepts a section with keys of its own, which the name of an option selects as a whole.

    Attributes:
        null: whether null is legal.
    """

    null: bool = False

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        return isinstance(value, Mapping) or (value is None and self.null)

    def __str__(self) -> str:
        return f"a section with keys of its own{', or null' if self.null else ''}"


@dataclass(frozen=True)
class DeviceList:
    """Accepts a number of devices, a list of their indices, or a text that says as much.

    Attributes:
        null: whether null is legal.
    """

    null: bool = False

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        if isinstance(value, (list, tuple)):
            return bool(value) and all(type(each) is int for each in value)
        if isinstance(value, str):
            return value == "auto" or re.fullmatch(r"-?\d+|\d+(,\d+)*,?", value) is not None
        return type(value) is int or (value is None and self.null)

    def __str__(self) -> str:
        what = "a number of devices, auto, or a list of indices, as [0,1]"
        return f"{what}, or null" if self.null else what
