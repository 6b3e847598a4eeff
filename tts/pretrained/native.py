"""Reads this project's own checkpoints, Lightning's ``.ckpt`` and safetensors.

Both describe themselves. A Lightning checkpoint has the description under "tacoglow" and the
weights under "state_dict" with the prefix "network."; where the training averages weights, these
are the averages. A safetensors file has the description as JSON in its metadata, and the weights
under their plain names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from tts.core.errors import InputError
from tts.pretrained.checkpoint import LoadedCheckpoint, as_float32, uncompiled_name
from tts.pretrained.descriptions import KEY, CheckpointHints, validated_description
from tts.pretrained.limits import COPY_AGAIN, MOST_VALUES

PREFIX = "network."
# largest number of commas in a description; the values may have some, too.
_MOST_COMMAS = 2 * MOST_VALUES


def parse_native(
    path: Path, data: dict[str, Any], hints: CheckpointHints
) -> LoadedCheckpoint | None:
    """Return the checkpoint in a file of this project, or None for a file of another one.

    Args:
        path: file to name in messages.
        data: content of the file, from `tts.pretrained.importers.containers.read_contents`.
        hints: facts that the user gives about the file.

    Raises:
        InputError: the description is illegal, or `hints` contradict it.
    """
    description = data.get(KEY) or _metadata(path, data)
    state = data.get("state_dict")
    if not isinstance(description, dict) or not isinstance(state, dict):
        return None
    # a Lightning checkpoint has the names of the LightningModule, a safetensors file plain ones
    prefix = "" if isinstance(data.get("metadata"), dict) else PREFIX
    plain = {uncompiled_name(name): value for name, value in state.items() if isinstance(name, str)}
    weights = {
        name.removeprefix(prefix): value
        for name, value in plain.items()
        if name.startswith(prefix) and isinstance(value, Tensor)
    }
    if not weights:
        return None
    return LoadedCheckpoint(validated_description(path, description, hints), as_float32(weights))


def description_in_header(path: Path) -> dict[str, Any] | None:
    """Return the description in a safetensors file, whose weights are not read; else None.

    Args:
        path: a file of any kind.

    Raises:
        InputError: the description is illegal.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
    except (SafetensorError, OSError):
        return None  # what is wrong with it is said by who reads all of it
    description = _metadata(path, {"metadata": metadata})
    return None if description is None else validated_description(path, description)


def _metadata(path: Path, data: dict[str, Any]) -> Any:
    metadata = data.get("metadata")
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        return None
    if text.count(",") > _MOST_COMMAS:
        raise InputError(f"{path}: its description has too many values; it is not read")
    try:
        description = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{path}: its description is not JSON; {COPY_AGAIN}") from None
    if not isinstance(description, dict):
        raise InputError(f"{path}: its description is no table of names; {COPY_AGAIN}")
    return description
