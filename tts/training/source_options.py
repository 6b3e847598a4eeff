"""Lets a warm start have the network and the tokenizer of its file, unless the user says otherwise.

``init_from=FILE`` takes over only weights that fit. Without this step, a command that names no
sizes would have those of ``model=``, and lose most of what the file has learned.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from hydra import compose
from omegaconf import DictConfig, OmegaConf

from tts.config import conf_dir
from tts.config.quoting import quoted
from tts.core.errors import InputError
from tts.core.ranges import shown
from tts.models import COMPUTATION_OPTIONS
from tts.pretrained.descriptions import NETWORKS
from tts.runtime.run_folder import override_key
from tts.text import SYMBOL_SETS

_log = logging.getLogger(__name__)

#: Settings of a tokenizer that decide what the network reads.
READING = ("symbols", "cleaner", "p_arpabet", "language")


def take_options(
    config: DictConfig, given: Sequence[str], choices: Mapping[str, str | None]
) -> list[str]:
    """Change a configuration so that its network and tokenizer are those of ``init_from``.

    What the command or an experiment sets stays. What follows from other sections stays as well:
    the mel contract, the number of speakers. The log has one line for the network and one for the
    tokenizer, if they change.

    Args:
        config: the configuration that Hydra has composed, with ``init_from``; it is changed.
        given: overrides of the command.
        choices: the chosen file of each group.

    Returns:
        Overrides with the same effect, for the folder of the run.

    Raises:
        InputError: the file cannot be read, or holds another kind of network.
    """
    from tts.pretrained.files import read_checkpoint

    _, checkpoint = read_checkpoint(config.init_from, _kind(config))
    description = checkpoint.description
    check_kind(config.init_from, description["network"], _kind(config))
    if checkpoint.problem is not None:
        return []
    base = _base(choices)
    keys = [override_key(line) for line in given]
    defaults = {field.name: field.default for field in fields(NETWORKS[_kind(config)][1])}
    network = {
        name: value
        for name, value in {**description["network_config"], **checkpoint.trained_with}.items()
        if name not in COMPUTATION_OPTIONS
        and (name in config.model.network or value != defaults.get(name))
        and _is_free(f"model.network.{name}", config, base, keys)
    }
    changed = _change(config, "model.network", network)
    if changed:
        _log.warning(
            "init_from=%s: the network has the sizes and options of the file: %s (set "
            "model.network.KEY for others)",
            *(config.init_from, ", ".join(changed.values())),
        )
    reading = _reading(config, description["tokenizer"], base, keys, choices)
    read_changed = _change(config, "tokenizer", reading)
    if read_changed:
        _log.warning(
            "init_from=%s: texts are read as for the file: %s (tokenizer=%s reads them as this "
            "command would without the file)",
            *(config.init_from, ", ".join(read_changed.values()), choices.get("tokenizer")),
        )
    return [*changed, *read_changed]


def check_kind(source: str, theirs: str, ours: str) -> None:
    """Refuse a file that holds another kind of network than the run trains.

    Raises:
        InputError: names both, and the model to choose.
    """
    if theirs != ours:
        model = "waveglow" if theirs == "WaveGlow" else "tacotron2"
        raise InputError(
            f"init_from={source}: holds a {theirs}, this run trains a {ours}; add model={model}"
        )


def _kind(config: DictConfig) -> str:
    name = str(config.model.network._target_).rpartition(".")[2]
    return name if name in NETWORKS else ""


def _base(choices: Mapping[str, str | None]) -> DictConfig:
    """Compose the chosen groups without what experiments and the command add to them."""
    named = [f"{group}={choices[group]}" for group in ("tokenizer", "model")]
    own = ["~local"] if (conf_dir() / "local" / "default.yaml").is_file() else []
    return compose("train", [*named, *own])


def _is_free(key: str, config: DictConfig, base: DictConfig, given: Sequence[str]) -> bool:
    """Return whether nobody has set a key, and it does not follow from another section."""
    section = key.rpartition(".")[0]
    return (
        not {key, section}.intersection(given)
        and not _is_interpolation(base, key)
        and OmegaConf.select(config, key) == OmegaConf.select(base, key)
    )


def _is_interpolation(config: DictConfig, key: str) -> bool:
    section, _, name = key.rpartition(".")
    node = OmegaConf.select(config, section)
    return name in node and OmegaConf.is_interpolation(node, name)


def _reading(
    config: DictConfig,
    tokenizer: Mapping[str, Any] | None,
    base: DictConfig,
    given: Sequence[str],
    choices: Mapping[str, str | None],
) -> dict[str, Any]:
    """Return the settings of the file's tokenizer that the command leaves open."""
    is_chosen = "tokenizer" in given or choices.get("tokenizer") != "english"
    if tokenizer is None or is_chosen:
        return {}
    symbols = next(
        (name for name, table in SYMBOL_SETS.items() if list(table) == list(tokenizer["symbols"])),
        list(tokenizer["symbols"]),
    )
    settings = {**tokenizer, "symbols": symbols}
    if settings.get("lexicon"):
        _log.warning(
            "init_from=%s: its lexicon of %d words is not taken over: name the file with "
            "tokenizer.lexicon=FILE",
            *(config.init_from, len(settings["lexicon"])),
        )
    return {
        name: settings[name]
        for name in READING
        if name in settings and _is_free(f"tokenizer.{name}", config, base, given)
    }


def _change(config: DictConfig, section: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Set values in a section; return an override for each change, with a description of it."""
    changed: dict[str, str] = {}
    for name, value in values.items():
        key = f"{section}.{name}"
        before = OmegaConf.select(config, key)
        before = OmegaConf.to_container(before) if OmegaConf.is_config(before) else before
        if before == value:
            continue
        OmegaConf.update(config, key, value, force_add=True)
        changed[f"++{key}={_written(value)}"] = f"{name} {_short(before)} -> {_short(value)}"
    return changed


def _written(value: Any) -> str:
    """Write a value as it is written in an override."""
    if isinstance(value, list):
        return f"[{','.join(quoted(str(item)) for item in value)}]"
    return quoted(value) if isinstance(value, str) else shown(value)


def _short(value: Any) -> str:
    return f"{len(value)} symbols" if isinstance(value, list) else shown(value)
