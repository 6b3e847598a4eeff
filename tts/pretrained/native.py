"""This project's own checkpoints: Lightning's ``.ckpt`` and safetensors, both self-describing.

A Lightning checkpoint has the description under "tacoglow" and the weights under "state_dict" with
the prefix "network."; where weights are averaged in training, these are the averages. A
safetensors file has the description as JSON in its metadata, and the weights under their plain
names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from tts.core.errors import InputError
from tts.pretrained.checkpoint import LoadedCheckpoint, as_float32
from tts.pretrained.descriptions import KEY, CheckpointHints, validated_description

PREFIX = "network."


def parse_native(
    path: Path, data: dict[str, Any], told: CheckpointHints
) -> LoadedCheckpoint | None:
    """Read a checkpoint of this project; None if it is none.

    Raises:
        InputError: a description that cannot be used, or that `told` contradicts.
    """
    description = data.get(KEY) or _metadata(path, data)
    state = data.get("state_dict")
    if not isinstance(description, dict) or not isinstance(state, dict):
        return None
    # a safetensors file has plain names, a Lightning checkpoint the task's
    prefix = "" if isinstance(data.get("metadata"), dict) else PREFIX
    weights = {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if isinstance(name, str) and name.startswith(prefix) and isinstance(value, Tensor)
    }
    if not weights:
        return None
    return LoadedCheckpoint(validated_description(path, description, told), as_float32(weights))


def _metadata(path: Path, data: dict[str, Any]) -> Any:
    metadata = data.get("metadata")
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{path}: its description is not JSON: the file is damaged") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: its description is no table of names: the file is damaged")
    return found
