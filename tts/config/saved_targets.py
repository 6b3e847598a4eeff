"""Refuses classes that only the folder of a run names, because a folder may come from anyone.

The options in the folder of a run may name any class or function to call. Those of this project, of
Lightning and of torch's optimisers are harmless, and so is what the user types or has in conf/.
Another one is called only if the user repeats it.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tts.config.composition import resolved
from tts.core.errors import InputError

#: Modules whose classes may be named in the folder of a run.
_HARMLESS = (
    *(f"tts.{room}." for room in ("audio", "callbacks", "data", "loggers", "metrics")),
    *(f"tts.{room}." for room in ("models", "sweep", "text", "training")),
    *(f"pytorch_lightning.{part}." for part in ("callbacks", "loggers", "strategies")),
    *("torch.optim.", "optuna.samplers.", "optuna.pruners."),
)
# an option that chooses a file of conf/, or a word that is no class
_PLAIN = re.compile(r"[+]*[\w/@:]+=[\w-]+(/[\w-]+)*")


def check_saved_targets(
    folder: Path, saved: Sequence[str], typed: Sequence[str], compose: Callable[[list[str]], Any]
) -> None:
    """Check the classes of a configuration that is composed from options of a run's folder.

    Args:
        folder: the folder of the run.
        saved: the options in the folder that the command line does not replace.
        typed: the options of the command line.
        compose: composes a configuration from options.

    Raises:
        InputError: only the folder names a class; the message names it.
    """
    if all(_PLAIN.fullmatch(option) or _is_value(option) for option in saved):
        return
    named = set(_targets(resolved(compose([*saved, *typed]))))
    foreign = {target for target in named if not is_harmless(target)}
    if not foreign:
        return
    chosen = [option for option in saved if _PLAIN.fullmatch(option)]
    trusted = set(_targets(resolved(compose([*chosen, *typed]))))
    for target in sorted(foreign - trusted):
        option = next((option for option in saved if target in option), f"what names {target}")
        raise InputError(
            f"{folder}: its options name {target}, which is no class of tacoglow; if you trust "
            f"this folder, repeat {option!r} in the command"
        )


def _is_value(option: str) -> bool:
    """Return whether an option can only set a value, and name no class and no file of conf/."""
    key = option.partition("=")[0]
    return "." in key and "_target_" not in option and "{" not in option


def _targets(node: Any) -> Iterator[str]:
    """Yield the name of every class that ``hydra.utils.instantiate`` would call."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield str(node["_target_"])
        for value in node.values():
            yield from _targets(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _targets(value)


def is_harmless(target: str) -> bool:
    """Return whether a name is that of a class of these modules, and not of what they import."""
    if not target.startswith(_HARMLESS):
        return False
    try:
        found = pkgutil.resolve_name(target)
    except (ImportError, AttributeError, ValueError):
        return True  # it cannot be called either
    return isinstance(found, type) and found.__module__.startswith(_HARMLESS)
