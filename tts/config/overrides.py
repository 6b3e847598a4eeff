"""Lets people type text and paths as overrides, without Hydra's grammar getting in between.

The shell takes the quotes of ``text="hello world, I missed you"`` away, and Hydra then sees a sweep
over two values; ``acoustic=epoch=1.ckpt`` is a syntax error to it. Both get Hydra's own quotes
here, before Hydra sees them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Prose: a comma is a comma.
TEXT_KEYS = ("text",)
#: Paths: quoted only where Hydra would choke, so that ``-m acoustic=a.ckpt,b.ckpt`` is a sweep.
PATH_KEYS = ("text_file", "acoustic", "vocoder", "output", "ckpt_path", "data.root")

_OVERRIDE = re.compile(r"(?P<key>[\w.]+)=(?P<value>.*)", re.DOTALL)
_QUOTED = re.compile(r"""'(\\.|[^'\\])*'|"(\\.|[^"\\])*\"""", re.DOTALL)
_CHOKES = re.compile(r"""[=(){}\[\]'"]""")


def quote_values(arguments: Sequence[str]) -> list[str]:
    """Quote what needs it; everything else, and what is quoted already, stays as it is.

    Args:
        arguments: of the command line, without the name of the program.
    """
    return [_quote(argument) for argument in arguments]


def _quote(argument: str) -> str:
    match = _OVERRIDE.fullmatch(argument)
    if match is None or _QUOTED.fullmatch(match["value"]) or not match["value"]:
        return argument
    key, value = match["key"], match["value"]
    if key in TEXT_KEYS or (key in PATH_KEYS and _CHOKES.search(value)):
        return f"{key}={quoted(value)}"
    return argument


def quoted(value: str) -> str:
    """A value in Hydra's quotes, which comes out as it went in."""
    # OmegaConf would replace ${...}, Hydra ends at a quote; in both places, and nowhere else,
    # a backslash escapes, and so do those in front of it
    value = re.sub(r"(\\*)(\$\{)", r"\1\1\\\2", value)
    value = re.sub(r'(\\*)"', r'\1\1\\"', value)
    trailing = len(value) - len(value.rstrip("\\"))
    return f'"{value}{value[len(value) - trailing :]}"'
