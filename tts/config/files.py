"""Finds the configuration files, and lets Hydra compose them.

``conf/`` is at the top of the repository and is installed as ``tts/conf``; one function finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tts.config.literals import MISSING, MISSING_TEXT
from tts.core.errors import InputError
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
    OmegaConf.register_new_resolver(MISSING_TEXT, lambda _: MISSING, replace=True)
    OmegaConf.register_new_resolver("run_folder", run_folder, replace=True)


def compose_file(config_name: str, overrides: Sequence[str], *, hydra: bool = False) -> DictConfig:
    """Return what Hydra composes of a file in ``conf/`` and overrides in its grammar.

    Args:
        config_name: the name of the file.
        overrides: as Hydra reads them.
        hydra: keep Hydra's own section.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return hydra_compose(config_name, overrides=list(overrides), return_hydra_config=hydra)
