"""Parses YAML from outside in a time that grows with its length and no faster.

YAML has shorthands by which some lines ask for hours or gigabytes: names for parts that hold each
other, the merging of tables, numbers to the base of sixty. Programs that write configurations use
none of them.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

#: Largest depth of lists and tables inside each other.
DEEPEST = 64
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the first is that of libyaml, in C


class _PlainLoader(_BASE):  # type: ignore[misc]
    """Reads a number to the base of sixty, as ``1:30:00``, as text."""

    def construct_number(self, node: Any) -> Any:
        text = self.construct_scalar(node)
        if ":" in text:
            return text
        kind = node.tag.rpartition(":")[2]
        return (self.construct_yaml_int if kind == "int" else self.construct_yaml_float)(node)


for _kind in ("int", "float"):
    _PlainLoader.add_constructor(f"tag:yaml.org,2002:{_kind}", _PlainLoader.construct_number)


def parse_plain_yaml(content: bytes) -> Any:
    """Return the value of a YAML document.

    Raises:
        Exception: it is no YAML, uses a shorthand, or nests deeper than `DEEPEST`; any type of
            exception may come.
    """
    depth = 0
    for event in yaml.parse(content, _BASE):
        if isinstance(event, AliasEvent):
            raise ValueError("refers to another part")
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"nests deeper than {DEEPEST}")
    return yaml.load(content, _PlainLoader)
