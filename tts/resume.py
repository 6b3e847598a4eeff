"""Which checkpoint a run goes on from, and whether it may: checked before anything is prepared."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from tts.audio import MelConfig
from tts.errors import InputError

log = logging.getLogger(__name__)


def find_checkpoint(config: dict[str, Any], output_dir: Path) -> Path | None:
    """The checkpoint to resume from; ``ckpt_path=last`` is the newest of the runs of this name.

    Raises:
        InputError: there is none.
    """
    wanted = config["ckpt_path"]
    if wanted is None:
        return None
    if wanted != "last":
        if not Path(wanted).is_file():
            raise InputError(f"ckpt_path={wanted}: no such file")
        return Path(wanted)
    runs = Path(config["paths"]["log_dir"]) / config["name"]
    found = [*runs.rglob("checkpoints/last.ckpt"), *output_dir.glob("checkpoints/last.ckpt")]
    if not found:
        raise InputError(f"ckpt_path=last: no run under {runs} has a checkpoint yet")
    newest: Path = max(found, key=lambda path: path.stat().st_mtime)
    log.info("resuming from %s", newest)
    return newest


def check_resumable(path: Path, network: nn.Module, mel: MelConfig, tokenizer: Any) -> None:
    """Refuse a checkpoint that this run cannot go on from, naming the first difference.

    Nothing from the file is executed.

    Raises:
        InputError: damaged, weights only, or made by another network, mel contract or symbols.
    """
    from tts.pretrained.reader import read_checkpoint

    data = read_checkpoint(path)
    description = data.get("tacoglow")
    if not isinstance(description, dict) or "loops" not in data or "optimizer_states" not in data:
        raise InputError(f"{path}: not a checkpoint of a training run, so it cannot be resumed")
    name = type(network).__name__
    if description.get("network") != name:
        raise InputError(f"{path}: holds a {description.get('network')}, this run trains {name}")
    ours: dict[str, Any] = asdict(network.config)  # type: ignore[call-overload]
    theirs = description.get("network_config") or {}
    for key, value in ours.items():
        if theirs.get(key) != value:
            there = theirs.get(key)
            raise InputError(f"{path}: model.network.{key} is {there} there, {value} here")
    if differences := mel.differences(MelConfig.from_dict(description["mel"])):
        raise InputError(f"{path}: another mel contract: {'; '.join(differences)}")
    symbols = (description.get("tokenizer") or {}).get("symbols")
    if tokenizer is not None and symbols is not None and list(symbols) != list(tokenizer.symbols):
        raise InputError(f"{path}: another symbol table; see tokenizer.symbols")
