"""Puts values into Hydra's quotes where Hydra would read something else than what was typed.

The shell removes the quotes of ``text="hello world, I missed you"``, and Hydra then reads a sweep
over two values; in ``acoustic=epoch=1.ckpt`` or ``data.root=~/café`` its grammar has no place for
some characters. One rule holds for all keys: what Hydra cannot read is the text that was typed, and
the value of a key that holds text is that text, whatever it looks like
(:class:`tts.config.text_keys.TextKeys`). Sweeps stay sweeps, and ``null`` stays null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override
from hydra.errors import HydraException

from tts.config.literals import MISSING, literal
from tts.config.text_keys import Kind, TextKeys

_OVERRIDE = re.compile(r"(?P<start>\+{0,2}(?P<key>[\w./@-]+)=)(?P<value>.+)", re.DOTALL)
_QUOTED = re.compile(r"""'(\\.|[^'\\])*'|"(\\.|[^"\\])*\"""", re.DOTALL)
#: Values that Hydra reads as they are, whichever key they are for.
_PLAIN = re.compile(r"(?!(null|true|false|nan|inf|yes|no|on|off)$)[a-z_][\w./-]*", re.I | re.ASCII)
_FUNCTION = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\)", re.DOTALL)
#: Arguments of Hydra's functions that have names.
_NAMED = ("reverse", "start", "stop", "step", "exclude")
_CLOSING = {"[": "]", "{": "}"}


def quote_values(
    arguments: Sequence[str], config_name: str = "train", *, multirun: bool = False
) -> list[str]:
    """Quote the values that Hydra would misread; leave everything else as it is.

    Args:
        arguments: overrides, and flags, which are left alone.
        config_name: the file in ``conf/`` that the overrides are for.
        multirun: whether commas separate the values of a sweep.
    """
    keys = TextKeys(config_name, arguments)
    return [_quote(argument, keys, multirun) for argument in arguments]


def quoted(value: str, is_interpolation: Callable[[str], bool] = lambda _: False) -> str:
    """Return a value in Hydra's quotes; Hydra and OmegaConf read it back unchanged.

    Args:
        value: any text.
        is_interpolation: tells of the rest of the text from ``${`` on whether OmegaConf shall
            replace it.
    """
    if value == MISSING:
        return literal(value)
    # Hydra ends a value at a quote. A backslash escapes in front of a quote and nowhere else, and
    # so do the backslashes in front of it.
    value = re.sub(r'(\\*)"', r'\1\1\\"', literal(value, is_interpolation))
    trailing = len(value) - len(value.rstrip("\\"))
    return f'"{value}{value[len(value) - trailing :]}"'


def _quote(argument: str, keys: TextKeys, multirun: bool) -> str:
    match = _OVERRIDE.fullmatch(argument)
    if match is None or _PLAIN.fullmatch(match["value"]):
        return argument
    key, value = match["key"], match["value"]
    kind = keys.kind(key)
    if kind is Kind.PROSE:
        return argument if _QUOTED.fullmatch(value) else f"{match['start']}{quoted(value)}"
    parsed = _parsed(value)
    if multirun and parsed is not None and parsed.is_sweep_override():
        return argument
    if multirun and parsed is None:
        return match["start"] + _sweep(value, kind, keys)
    return match["start"] + _single(value, kind, keys)


def _sweep(value: str, kind: Kind, keys: TextKeys) -> str:
    """Return a value that Hydra cannot read as it is, and that may be a sweep, in its grammar."""
    function = _FUNCTION.fullmatch(value)
    if function and function["name"] in _functions() and function["arguments"].strip():
        arguments = [_argument(part, kind, keys) for part in _split(function["arguments"])]
        return f"{function['name']}({','.join(arguments)})"
    parts = list(_split(value))
    if len(parts) > 1 and all(part.strip() for part in parts):
        return ",".join(_single(part.strip(), kind, keys) for part in parts)
    return _single(value, kind, keys)


def _argument(part: str, kind: Kind, keys: TextKeys) -> str:
    if part.partition("=")[0].strip() in _NAMED:
        return part
    return _single(part.strip(), kind, keys)


def _single(value: str, kind: Kind, keys: TextKeys) -> str:
    """Return a value that is no sweep in Hydra's grammar."""
    if _QUOTED.fullmatch(value):
        return value
    parsed = _parsed(value)
    if parsed is not None and not _differs(parsed, value, kind, keys):
        return value
    if parsed is None and kind is not Kind.TEXT and value[0] in _CLOSING:
        return _container(value, keys)
    return quoted(value, keys.is_interpolation)


def _differs(parsed: Override, typed: str, kind: Kind, keys: TextKeys) -> bool:
    """Return whether Hydra reads something else than the text that was typed, where text is due."""
    if kind is Kind.OTHER:
        return False
    value = parsed.value()
    if isinstance(value, ChoiceSweep):
        return value.simple_form  # without -m, a comma is a comma
    if value is None or parsed.is_sweep_override():
        return False
    if isinstance(value, str):
        has_text = any(
            not keys.is_interpolation(typed[place.start() :])
            for place in re.finditer(r"\$\{", typed)
        )
        return value != typed or typed == MISSING or has_text
    if kind is Kind.NAME:
        return isinstance(value, (float, bool))
    return kind is Kind.TEXT


def _container(value: str, keys: TextKeys) -> str:
    """Return a list or a mapping, whose elements Hydra may be unable to read, in its grammar."""
    if _parsed(value) is not None or _QUOTED.fullmatch(value):
        return value
    if len(value) < 2 or value[0] not in _CLOSING or value[-1] != _CLOSING[value[0]]:
        return quoted(value, keys.is_interpolation)
    parts = []
    for part in _split(value[1:-1]):
        name, colon, element = part.partition(":")
        if value[0] == "{" and colon:
            parts.append(f"{name.strip()}: {_container(element.strip(), keys)}")
        else:
            parts.append(_container(part.strip() or part, keys))
    return f"{value[0]}{','.join(parts)}{value[-1]}"


def _split(text: str) -> Iterator[str]:
    """Yield the parts of a text between commas, except those in quotes, brackets and calls.

    A quote or a bracket opens at the beginning of a part only: an apostrophe is no quote.
    """
    start, place, opened = 0, 0, ""
    while place < len(text):
        is_first = not text[start:place].strip()
        if is_first and not opened and (match := _QUOTED.match(text, place)):
            place = match.end()
            continue
        character = text[place]
        if (is_first or opened) and character in _CLOSING:
            opened += _CLOSING[character]
        elif opened and character == opened[-1]:
            opened = opened[:-1]
        elif character == "," and not opened:
            yield text[start:place]
            start = place + 1
        place += 1
    yield text[start:]


@cache
def _parsed(value: str) -> Override | None:
    """Return what Hydra makes of a value, or None if its grammar has no place for it."""
    try:
        return OverridesParser.create().parse_override(f"key={value}")
    except HydraException:
        return None


@cache
def _functions() -> Iterable[str]:
    """Return the names of the functions in Hydra's grammar."""
    return frozenset(OverridesParser.create().functions.functions)
