"""Arranges a command line for Hydra: overrides and flags in any order, and values as typed."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from typing import NoReturn

from hydra._internal.utils import get_args_parser

from tts.commands.groups import chosen_options
from tts.commands.usage import option_groups
from tts.config.overrides import refuse_former_keys
from tts.config.quoting import quote_values
from tts.core.errors import InputError

_KEY = re.compile(r"[+~]{0,2}[\w.$/@:-]+", re.ASCII)
#: Flags that Hydra does not take together.
_ALONE = ("run", "multirun", "cfg", "info", "shell_completion")
#: Commands whose options come in groups.
_WITH_GROUPS = ("train", "doctor", "stats")
_MULTIRUN = {"-m", "--multirun", "hydra.mode=MULTIRUN"}


def hydra_arguments(arguments: Sequence[str], config_name: str) -> list[str]:
    """Return the arguments of a command in the order and the grammar that Hydra's parser needs.

    Args:
        arguments: as the shell hands them over, without the name of the program.
        config_name: the file in ``conf/`` that they are for.

    Raises:
        InputError: a word is neither an override nor a flag, a key has a former name, or a flag
            does not exist; the message says what to type instead.
    """
    overrides, flags, words = _divided(arguments)
    if words:
        raise InputError(_advice(words, overrides, config_name))
    for override in overrides:
        if "=" in override and not _KEY.fullmatch(override.split("=", 1)[0]):
            raise InputError(f"{override}: no key has such a name; --cfg job lists the keys")
    refuse_former_keys(overrides)
    if config_name in _WITH_GROUPS:
        overrides = chosen_options(overrides)
    elif deleted := [override for override in overrides if override.startswith("~")]:
        raise InputError(f"{deleted[0]}: an option cannot be left out; write {deleted[0][1:]}=null")
    multirun = bool(_MULTIRUN & {*overrides, *flags})
    quoted = quote_values(overrides, config_name, multirun=multirun)
    if "${" in os.getcwd() or any("\\${" in override for override in quoted):
        # Hydra reads the name of the folder in which it saves its options as an interpolation
        quoted.append("hydra.output_subdir=null")
    arranged = [*quoted, *flags]
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    chosen = vars(parser.parse_args(arranged))
    if len(together := [name for name in _ALONE if chosen[name] not in (None, False)]) > 1:
        raise InputError(f"--{together[0]} and --{together[1]}: give one of them at a time")
    return arranged


def _divided(arguments: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Divide arguments into overrides, flags with their values, and other words."""
    with_value: list[str] = []
    known: list[str] = []
    for action in get_args_parser()._actions:
        known += action.option_strings
        with_value += action.option_strings if action.nargs in (None, "?") else []
    overrides: list[str] = []
    flags: list[str] = []
    words: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument.startswith("-"):
            _check_flag(argument, known)
            flags.append(argument)
            if argument in with_value and rest and "=" not in rest[0]:
                flags.append(rest.pop(0))
        elif "=" in argument or argument.startswith("~"):
            overrides.append(argument)
        else:
            words.append(argument)
    return overrides, flags, words


def _check_flag(argument: str, known: Sequence[str]) -> None:
    name = argument.split("=", 1)[0]
    is_long = name.startswith("--")
    is_abbreviated = is_long and any(flag.startswith(name) for flag in known)
    if name in known or is_abbreviated or (not is_long and name[:2] in known):
        return
    key = argument.lstrip("-")
    if "=" in argument:
        raise InputError(f"{argument}: options have no dashes; write {key}")
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"an option is {key or 'KEY'}=VALUE"
    raise InputError(f"{argument}: there is no such flag; {hint}")


def _advice(words: Sequence[str], overrides: Sequence[str], config_name: str) -> str:
    """Return what to type instead of words that are no options."""
    text = next((o.split("=", 1)[1] for o in overrides if o.startswith("text=")), None)
    if config_name == "synthesize":
        spoken = " ".join(words if text is None else [text, *words])
        return f'{words[0]}: is no option; put the text in quotes: text="{spoken}"'
    groups = [group for group, options in option_groups().items() if words[0] in options]
    hint = f"did you mean {groups[0]}={words[0]}?" if groups else "options are KEY=VALUE"
    return f"{words[0]}: is no option; {hint}"


def _refuse(message: str) -> NoReturn:
    raise InputError(f"{message}; --help shows the usage")
