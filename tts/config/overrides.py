"""Prepares the options of a command line for Hydra, and keeps those of a run in its folder.

The shell removes the quotes of ``text="hello world, I missed you"``, and Hydra then reads a sweep
over two values; ``acoustic=epoch=1.ckpt`` is a syntax error to it. :func:`quote_values` puts such
values into Hydra's own quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from omegaconf import OmegaConf

from tts.core.errors import InputError
from tts.runtime.run_folder import override_key

#: Keys of prose, in which a comma is a comma.
TEXT_KEYS = ("text",)
#: Keys of paths, which are quoted only where Hydra cannot parse them: ``-m acoustic=a.ckpt,b.ckpt``
#: is a sweep.
PATH_KEYS = ("text_file", "acoustic", "vocoder", "output", "ckpt_path", "data.root")
#: Former keys and the present ones. Runs that were started with them can still be resumed.
FORMER_KEYS = {
    "pretrained": "init_from",
    "model.max_epochs": "trainer.max_epochs",
    "model.gradient_clip_val": "trainer.gradient_clip_val",
}

#: A file in a run's folder: the options it was started with, for ``ckpt_path=last``.
_FILE = "overrides.yaml"
#: Options that belong to a single start of a run.
_OF_ONE_START = ("ckpt_path", "paths.output_dir", "hydra.", "sweep.trial")

_OVERRIDE = re.compile(r"(?P<key>[\w.]+)=(?P<value>.*)", re.DOTALL)
_QUOTED = re.compile(r"""'(\\.|[^'\\])*'|"(\\.|[^"\\])*\"""", re.DOTALL)
_UNPARSABLE = re.compile(r"""[=(){}\[\]'"]""")


def quote_values(arguments: Sequence[str]) -> list[str]:
    """Quote the values that Hydra would misread; leave everything else as it is.

    Args:
        arguments: the command line, without the name of the program.
    """
    return [_quote(argument) for argument in arguments]


def quoted(value: str) -> str:
    """Return a value in Hydra's quotes; Hydra reads it back unchanged."""
    # OmegaConf would replace ${...}, and Hydra ends a value at a quote. A backslash escapes in
    # front of these two and nowhere else, and so do the backslashes in front of it.
    value = re.sub(r"(\\*)(\$\{)", r"\1\1\\\2", value)
    value = re.sub(r'(\\*)"', r'\1\1\\"', value)
    trailing = len(value) - len(value.rstrip("\\"))
    return f'"{value}{value[len(value) - trailing :]}"'


def refuse_former_keys(overrides: Iterable[str]) -> None:
    """Refuse options under a former name.

    Raises:
        InputError: there is one; the message names it and its present spelling.
    """
    for override in overrides:
        if "=" in override and override_key(override) in FORMER_KEYS:
            raise InputError(
                f"{override}: this option has another name now; write {_renamed(override)}"
            )


def save_overrides(folder: Path, overrides: Iterable[str]) -> None:
    """Write the options of a run into its folder, without those of this start alone."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = [
        override for override in overrides if not override_key(override).startswith(_OF_ONE_START)
    ]
    OmegaConf.save(OmegaConf.create(kept), folder / _FILE)


def load_overrides(folder: Path, now: Sequence[str]) -> list[str]:
    """Return the options that a run was started with, followed by those that are given ``now``.

    An option that is given now, or another choice for its group, replaces the former one. Options
    under a former name are renamed.
    """
    file = folder / _FILE
    saved = [_renamed(str(override)) for override in OmegaConf.load(file)] if file.is_file() else []
    given = {override_key(override) for override in now}
    return [override for override in saved if override_key(override) not in given] + list(now)


def _quote(argument: str) -> str:
    match = _OVERRIDE.fullmatch(argument)
    if match is None or _QUOTED.fullmatch(match["value"]) or not match["value"]:
        return argument
    key, value = match["key"], match["value"]
    if key in TEXT_KEYS or (key in PATH_KEYS and _UNPARSABLE.search(value)):
        return f"{key}={quoted(value)}"
    return argument


def _renamed(override: str) -> str:
    key = override_key(override)
    return override.replace(key, FORMER_KEYS[key], 1) if key in FORMER_KEYS else override
