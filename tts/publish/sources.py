"""Finds the checkpoints of a publication, and what the run of each has noted beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tts.core.errors import InputError
from tts.pretrained.importers.containers import read_contents
from tts.pretrained.sources import catalogue_entry, checkpoint_file
from tts.publish.preflight import checkpoint_of_run, is_run_folder
from tts.runtime.run_folder import CHECKPOINTS


@dataclass(frozen=True)
class PublishedNetwork:
    """Holds a checkpoint, and what its run has noted.

    Attributes:
        source: the checkpoint: a file, or a name of the catalogue.
        network: "Tacotron2" or "WaveGlow".
        step: number of steps that it was trained for, where it is known.
        epoch: number of epochs, where it is known.
        facts: content of the run's ``facts.json``; empty if there is none.
        curves: steps and values of each metric in the run's ``metrics.csv``; empty if there is
            none.
    """

    source: str
    network: str
    step: int | None = None
    epoch: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, list[tuple[int, float]]] = field(default_factory=dict)


def find_networks(config: Mapping[str, Any]) -> dict[str, PublishedNetwork]:
    """Find the networks that a configuration names.

    Args:
        config: ``run``, ``acoustic`` and ``vocoder``, of which some are null.

    Returns:
        The networks by their names, the acoustic model first.

    Raises:
        InputError: a checkpoint is missing or cannot be read, or two are of one kind.
    """
    found: dict[str, PublishedNetwork] = {}
    wanted = {"run": None, "acoustic": "Tacotron2", "vocoder": "WaveGlow"}
    for key, network in wanted.items():
        if config[key] is None:
            continue
        one = _find(key, config[key], network)
        if network is not None and one.network != network:
            raise InputError(f"{key}={config[key]}: holds a {one.network}, not a {network}")
        if one.network in found:
            other = found[one.network].source
            raise InputError(f"{key}={config[key]}: {other} is a {one.network} as well; name one")
        found[one.network] = one
    return {name: found[name] for name in ("Tacotron2", "WaveGlow") if name in found}


def _find(key: str, source: str, network: str | None) -> PublishedNetwork:
    is_run = is_run_folder(source)
    file = checkpoint_of_run(source, key) if is_run else checkpoint_file(source, network)
    is_name = not is_run and catalogue_entry(source) is not None
    data = read_contents(file)
    folder = file.parent.parent if file.parent.name == CHECKPOINTS else None
    return PublishedNetwork(
        source=source if is_name else str(file),
        network=_network(data, file),
        step=_count(data, "global_step"),
        epoch=_count(data, "epoch"),
        facts={} if folder is None else read_facts(folder),
        curves={} if folder is None else read_curves(folder),
    )


def _network(data: Mapping[str, Any], file: Path) -> str:
    from tts.pretrained.files import read_checkpoint

    network = (data.get("tacoglow") or {}).get("network") if "tacoglow" in data else None
    return str(network or read_checkpoint(file)[1].description["network"])


def _count(data: Mapping[str, Any], name: str) -> int | None:
    value = data.get(name)
    return value if type(value) is int else None


def read_facts(folder: Path) -> dict[str, Any]:
    """Return what ``facts.json`` of a run says; nothing where there is none."""
    try:
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def read_curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return the curves in ``metrics.csv`` of a run; nothing where there is none."""
    curves: dict[str, list[tuple[int, float]]] = {}
    try:
        with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                for name, value in row.items():
                    if name != "step" and value and row.get("step"):
                        curves.setdefault(name, []).append((int(float(row["step"])), float(value)))
    except (OSError, ValueError, TypeError, csv.Error):
        return {}
    return curves
