"""Finds the parts of a network that options name, as in ``freeze=[encoder,decoder.prenet]``."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from tts.core.errors import InputError


def as_names(key: str, value: Any) -> list[str]:
    """Return the value of an option as a list of names; a single string counts as one name.

    Args:
        key: name of the option, for the error message.
        value: a string, a list of strings, or None for an empty list.

    Raises:
        InputError: the value is something else.
    """
    names = [value] if isinstance(value, str) else value or []
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{key}={value}: must be a list of names")
    return list(names)


def is_part(name: str, part: str) -> bool:
    """Return whether the weight or module called ``name`` is ``part`` or lies inside it."""
    return name == part or name.startswith(f"{part}.")


def require_part(part: str, names: Iterable[str], key: str) -> None:
    """Raise an error unless the network has a part of this name.

    Args:
        part: name that the user gave.
        names: names of the network's weights.
        key: name of the option that gave the part, for the error message.

    Raises:
        InputError: there is no such part; the message lists parts that exist.
    """
    names = list(names)
    if any(is_part(name, part) for name in names):
        return
    levels = {".".join(name.split(".")[:depth]) for name in names for depth in (1, 2, 3)}
    close = difflib.get_close_matches(part, levels, n=3)
    known = close or sorted({name.split(".")[0] for name in names})
    raise InputError(f"{key}={part}: the network has no such part; there are {', '.join(known)}")
