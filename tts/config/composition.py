"""Composes a configuration outside the command line, and turns it into plain containers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, MissingMandatoryValue

from tts.config.files import compose_file
from tts.config.overrides import refuse_former_keys
from tts.core.errors import InputError, one_line

#: Keys of language, in which a tilde is a tilde.
_PROSE = ("text", "epilogue")


def compose(overrides: Sequence[str] = (), config_name: str = "train") -> DictConfig:
    """Return the configuration that the command line would give, for notebooks and tests.

    Raises:
        InputError: an override has a former name.
    """
    from tts.config.quoting import quote_values

    refuse_former_keys(overrides)
    return compose_file(config_name, quote_values(overrides, config_name))


def flattened(values: Mapping[str, Any], separator: str = ".") -> dict[str, Any]:
    """Return nested values in one dictionary: ``{"a": {"b": 1}}`` as ``{"a.b": 1}``."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            inner = flattened(value, separator)
            flat |= {f"{name}{separator}{key}": leaf for key, leaf in inner.items()}
        else:
            flat[name] = value
    return flat


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """Return ``cfg`` as plain containers without interpolations.

    ``~/`` at the beginning of a value is the home folder: shells replace it at the beginning of a
    word only, and not in ``data.root=~/corpus``.

    Raises:
        InputError: a required key is not set, or refers to a key that is not set.
    """
    try:
        container = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        key = str(error.full_key or error).strip()
        raise InputError(f"{key} is required: add {key}=... to the command") from None
    except InterpolationResolutionError as error:
        raise InputError(one_line(error)) from None
    assert isinstance(container, dict)
    return {
        str(key): value if key in _PROSE else _with_home(value) for key, value in container.items()
    }


def _with_home(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _with_home(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_home(value) for value in node]
    is_in_home = isinstance(node, str) and (node == "~" or node.startswith("~/"))
    return os.path.expanduser(node) if is_in_home else node
