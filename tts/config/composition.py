"""Finds the configuration files, and composes a configuration outside the command line.

``conf/`` is at the top of the repository and is installed as ``tts/conf``; one function finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, MissingMandatoryValue

from tts.config.overrides import refuse_former_keys
from tts.core.errors import InputError, one_line
from tts.runtime.run_folder import run_folder


def conf_dir() -> Path:
    """Return the absolute path of ``conf/``, in the installed package or in the checkout.

    Raises:
        InputError: there is none; the package is damaged.
    """
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "conf", package.parent / "conf"):
        if (candidate / "train.yaml").is_file():
            return candidate
    raise InputError(f"no configuration next to {package}: reinstall tacoglow")


def register_resolvers() -> None:
    """Register our resolvers with OmegaConf; a second call changes nothing."""

    def vocabulary_size(symbols: Any) -> int:
        from tts.text import SYMBOL_SETS

        if not isinstance(symbols, str):
            return len(symbols)
        if symbols not in SYMBOL_SETS:
            known = ", ".join(sorted(SYMBOL_SETS))
            raise InputError(f"tokenizer.symbols={symbols} is no symbol set (known: {known})")
        return len(SYMBOL_SETS[symbols])

    OmegaConf.register_new_resolver("vocabulary_size", vocabulary_size, replace=True)
    OmegaConf.register_new_resolver("run_folder", run_folder, replace=True)


def compose(overrides: Sequence[str] = (), config_name: str = "train") -> DictConfig:
    """Return the configuration that the command line would give, for notebooks and tests.

    Raises:
        InputError: an override has a former name.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    register_resolvers()
    refuse_former_keys(overrides)
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return hydra_compose(config_name, overrides=list(overrides))


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
    return {str(key): value for key, value in container.items()}
