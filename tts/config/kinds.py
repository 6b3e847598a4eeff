"""Defines kinds of values that only the options of commands have; see :mod:`tts.core.ranges`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tts.core.ranges import Text

_DURATION = re.compile(r"\d+:\d\d:\d\d:\d\d")


@dataclass(frozen=True)
class Duration:
    """Accepts a duration, such as the longest time of a run, or null."""

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        return value is None or (isinstance(value, str) and _DURATION.fullmatch(value) is not None)

    def __str__(self) -> str:
        return "days:hours:minutes:seconds, two digits each, or null"


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
