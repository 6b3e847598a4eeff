"""Finds which keys of the configuration hold text, from the configuration itself.

A key holds text if the table of its command or the class that gets its value says so, or if its
default is a text. ``data.root`` is one because ``data.corpus.root`` refers to it, and because that
is an argument of a corpus, annotated as ``str | Path``.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tts.config.files import compose_file, conf_dir
from tts.config.kinds import Name, Prose
from tts.config.schema import TABLES
from tts.core.errors import InputError
from tts.core.ranges import Range, Text
from tts.core.source_ranges import ranges_in_source

_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
_INTERPOLATION = re.compile(r"\$\{\s*(?P<name>[\w.]+)\s*(?P<end>[:}])")


class Kind(enum.Enum):
    """Says what a key holds."""

    #: Language, in which a comma never separates the values of a sweep.
    PROSE = enum.auto()
    #: Text, so that ``1e3`` and ``true`` are texts.
    TEXT = enum.auto()
    #: A name that may be a whole number.
    NAME = enum.auto()
    #: Probably text, because the default is one or null; numbers and lists are possible.
    OPEN = enum.auto()
    #: Numbers, switches, lists and sections, and keys that do not exist.
    OTHER = enum.auto()


class TextKeys:
    """Knows the kind of every key of a command; it composes the configuration when it is asked.

    Args:
        config_name: the file in ``conf/``.
        arguments: the overrides of the command, of which those that choose groups matter.
    """

    def __init__(self, config_name: str, arguments: Sequence[str]) -> None:
        self._config_name, self._arguments = config_name, arguments
        self._table = TABLES.get(config_name, {})

    def kind(self, key: str) -> Kind:
        """Return the kind of a key."""
        legal = self._table.get(key) or self._ranges.get(key)
        if isinstance(legal, Prose):
            return Kind.PROSE
        if isinstance(legal, Name):
            return Kind.NAME
        if isinstance(legal, Text):
            return Kind.TEXT
        if legal is not None or not self._exists(key):
            return Kind.OTHER
        value = self._default(key)
        return Kind.OPEN if value is None or isinstance(value, str) else Kind.OTHER

    def is_interpolation(self, text: str) -> bool:
        """Return whether a text that begins with ``${`` refers to a key or a resolver there is."""
        match = _INTERPOLATION.match(text)
        if match is None:
            return False
        if match["end"] == ":":
            return OmegaConf.has_resolver(match["name"])
        return match["name"].startswith(".") or self._exists(match["name"])

    def _exists(self, key: str) -> bool:
        node: Any = self._config
        for part in key.split("."):
            if not isinstance(node, DictConfig) or node._is_none() or node._is_missing():
                return False
            if part not in node.keys():  # noqa: SIM118 - "in" is false for a missing value
                return False
            node = node._get_node(part)
        return True

    def _default(self, key: str) -> Any:
        try:
            return OmegaConf.select(self._config, key)
        except (OmegaConfBaseException, InputError):
            return None

    @property
    def _config(self) -> DictConfig:
        return _composed(self._config_name, tuple(_choices(self._arguments)))

    @property
    def _ranges(self) -> Mapping[str, Range]:
        return _ranges(self._config_name, tuple(_choices(self._arguments)))


@cache
def _composed(config_name: str, choices: tuple[str, ...]) -> DictConfig:
    try:
        return compose_file(config_name, choices, hydra=True)
    except (HydraException, OmegaConfBaseException, InputError):
        # Hydra reports it when it composes the configuration of the command
        return _composed(config_name, ()) if choices else OmegaConf.create()


@cache
def _ranges(config_name: str, choices: tuple[str, ...]) -> Mapping[str, Range]:
    raw: Any = OmegaConf.to_container(_composed(config_name, choices), resolve=False)
    owned = dict(_owned_ranges(raw, ""))
    # the range of an argument is that of the key it refers to: of data.root, for data.corpus
    for key, legal in list(owned.items()):
        while (key := _reference(raw, key)) and key not in owned:
            owned[key] = legal
    return owned


def _choices(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the overrides that choose the option of a group; of a sweep its first value."""
    groups = {path.name for path in conf_dir().iterdir() if path.is_dir()}
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key == "hydra.searchpath":
            yield argument
        elif key.lstrip("+").split("@")[0].split("/")[0] in groups and "(" not in value:
            yield f"{key}={value.split(',')[0]}"


def _owned_ranges(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Range]]:
    for name, value in node.items():
        if isinstance(value, Mapping):
            yield from _owned_ranges(value, f"{prefix}{name}.")
    if str(node.get("_target_", "")).startswith("tts."):
        try:
            ranges = ranges_in_source(str(node["_target_"]))
        except LookupError:
            return  # the check of the configuration reports it
        yield from ((f"{prefix}{name}", ranges[name]) for name in node if name in ranges)


def _reference(raw: Mapping[str, Any], key: str) -> str:
    """Return the key that the value of another one refers to as a whole, or an empty text."""
    value: Any = raw
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else ""
