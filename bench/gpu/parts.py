"""Lists the parts of the command, and the share of the time that each may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from bench.gpu.rows import Value

#: Seconds after which a part is ended; together they are eight minutes.
SECONDS = {
    "parity": 90,
    "determinism": 40,
    "waits": 40,
    "tacotron2": 90,
    "waveglow": 80,
    "speaking": 50,
    "recipe": 90,
}
_MODULES = {"tacotron2": "training", "waveglow": "training"}


def part(name: str) -> Callable[[Any], Iterator[tuple[str, Value]]]:
    """Return the function that measures a part; importing it imports torch."""
    module = import_module(f"bench.gpu.{_MODULES.get(name, name)}")
    measure: Callable[[Any], Iterator[tuple[str, Value]]] = getattr(module, name)
    return measure
