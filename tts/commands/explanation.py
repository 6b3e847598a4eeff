"""Explains the errors of Hydra and OmegaConf in one line that says what to type instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from hydra.errors import MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from tts.core.errors import one_line

#: Sections that repeat what users change elsewhere.
_REPEATED = ("model.datamodule.", "model.task.", "data.corpus.", "hydra.")
_MOST_HINTS = 3


def explanation(error: BaseException) -> str:
    """Return the message of the cause: Hydra wraps our errors into its own, which say less."""
    cause = error.__cause__
    if isinstance(error, MissingConfigException) and error.options is not None:
        return _unknown_option(error)
    for each in (cause, error):
        if isinstance(each, (ConfigAttributeError, ConfigKeyError)) and each.key is not None:
            return f"{_where(error)}{_unknown_key(each)}"
    if isinstance(cause, (ValueError, TypeError)):
        key = getattr(error, "full_key", None) or _full_key(error)
        return f"{key}: {one_line(cause)}" if key else one_line(cause)
    # only developers of Hydra need the search path
    message = one_line(error).split(" Config search path:")[0]
    if "Could not find 'hydra/launcher/" in message:
        message += "; more come with pip install 'tacoglow[sweep]'"
    return message


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return a question with the nearest of the known names, or an empty text."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else ""


def _unknown_option(error: MissingConfigException) -> str:
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    options = [str(o) for o in error.options or () if not str(o).startswith("_")]
    if group.startswith("hydra/launcher"):
        return f"{group}={name}: is not installed; pip install 'tacoglow[sweep]'"
    hint = did_you_mean(name, options)
    return f"{group}={name}: there is no such option; {hint}{' ' if hint else ''}choose from " + (
        ", ".join(sorted(options))
    )


def _where(error: BaseException) -> str:
    text = one_line(error).split(". ")[0]
    return f"{text}: " if text.startswith("Could not") else ""


def _unknown_key(error: OmegaConfBaseException) -> str:
    key, parent = str(error.key), error.parent_node
    known = [str(name) for name in parent] if isinstance(parent, DictConfig) else []
    hint = did_you_mean(key, known)
    if not hint and isinstance(parent, DictConfig):
        root = parent._get_root()
        places = sorted(_places(root, key), key=lambda place: (place.startswith(_REPEATED), place))
        hint = f"did you mean {' or '.join(places[:_MOST_HINTS])}?" if places else ""
    return f"there is no key '{key}'; {hint or '--cfg job lists the keys'}"


def _places(node: object, key: str, prefix: str = "") -> Iterator[str]:
    """Yield the full keys below a section whose last part is ``key``."""
    if not isinstance(node, DictConfig) or node._is_none() or node._is_missing():
        return
    for name in node:
        if name == key:
            yield f"{prefix}{key}"
        yield from _places(node._get_node(name), key, f"{prefix}{name!s}.")


def _full_key(error: BaseException) -> str:
    for line in str(error).splitlines():
        if line.strip().startswith("full_key:"):
            return line.split(":", 1)[1].strip()
    return ""
