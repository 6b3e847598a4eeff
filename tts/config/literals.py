"""Protects texts from OmegaConf, which replaces ``${...}`` and takes ``???`` for missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

#: The text that OmegaConf takes for a missing value.
MISSING = "???"
#: The resolver that returns it, so that it can be a value.
MISSING_TEXT = "tacoglow.missing_text"


def literal(value: str, is_interpolation: Callable[[str], bool] = lambda _: False) -> str:
    """Return a text that OmegaConf resolves to ``value``, without replacing ``${...}`` in it."""
    if value == MISSING:
        return f"${{{MISSING_TEXT}:_}}"

    def escaped(match: re.Match[str]) -> str:
        if is_interpolation(value[match.start(2) :]):
            return match[0]
        return f"{match[1]}{match[1]}\\{match[2]}"

    return re.sub(r"(\\*)(\$\{)", escaped, value)


def literal_values(node: Any) -> Any:
    """Return plain containers in which every text is protected from OmegaConf.

    What is built from a configuration gets the values of the configuration: a folder may have the
    name ``${x}``, and a symbol set may hold ``???``.
    """
    if isinstance(node, dict):
        return {key: literal_values(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [literal_values(value) for value in node]
    return literal(node) if isinstance(node, str) else node
