"""Reads overrides that take something away: ``GROUP=null``, ``~GROUP`` and ``~KEY``.

Hydra ends such a command in a stack trace, or composes a configuration that lacks what a recipe
needs. Here each of them means what it says, or is refused with the options there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from tts.commands.usage import option_groups
from tts.core.errors import InputError

#: Groups from which nothing need be chosen: null is their default.
_OPTIONAL = ("experiment", "hardware", "debug", "local")
#: Groups from which several options can be chosen together.
_SEVERAL = ("logger", "callbacks", "experiment")
#: Sections whose keys are the user's own, or that the section works without.
_FREE = (
    *("callbacks.", "logger.", "hydra.", "data.parts.", "data.copies."),
    *("sweep.space.", "sweep.sampler.", "sweep.pruner."),
)
_GROUP = re.compile(r"(?P<sign>[+~]{0,2})(?P<group>[\w/]+)(=(?P<value>.*))?", re.DOTALL)
_LIST = re.compile(r"\[(?P<names>.*)\]", re.DOTALL)


def chosen_options(overrides: Sequence[str]) -> list[str]:
    """Return the overrides in the form in which Hydra can follow them.

    Raises:
        InputError: a group or a key is taken away that the command needs, or the value of a group
            is no option; the message names the options.
    """
    return list(_chosen(overrides, option_groups()))


def _chosen(overrides: Sequence[str], groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for override in overrides:
        match = _GROUP.fullmatch(override)
        group = match["group"] if match else ""
        if match is None or (group not in groups and group not in ("paths", "hydra", *_OPTIONAL)):
            _check_deletion(override)
            yield override
            continue
        value = match["value"]
        if "~" in match["sign"] or value in ("null", "None", ""):
            if group in _OPTIONAL:
                continue
            if "none" not in groups.get(group, ()):
                raise InputError(f"{override}: one option is needed; {_choices(groups, group)}")
            yield f"{group}=none"
            continue
        names = _LIST.fullmatch(value or "")
        if value is None or (names and group not in _SEVERAL) or value[:1] == "{":
            raise InputError(f"{override}: give the name of one option; {_choices(groups, group)}")
        # a number or a switch is the name of an option, too; Hydra would refuse its type
        is_number = re.fullmatch(r"[-+.\d][-+.\w]*|true|false|nan|inf", value, re.IGNORECASE)
        yield f"{match['sign']}{group}='{value}'" if is_number else override


def _check_deletion(override: str) -> None:
    key = override.lstrip("~").split("=", 1)[0]
    if override.startswith("~") and not key.startswith(_FREE):
        raise InputError(f"{override}: {key} cannot be left out; write {key}=VALUE")


def _choices(groups: Mapping[str, Sequence[str]], group: str) -> str:
    return f"choose from {', '.join(groups.get(group, ('default',)))}"
