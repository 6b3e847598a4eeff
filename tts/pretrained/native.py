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

from tts.errors import InputError
from tts.pretrained.checkpoint import KEY, Checkpoint, as_float32, described

PREFIX = "network."


def parse(path: Path, data: dict[str, Any]) -> Checkpoint | None:
    """Read a checkpoint of this project; None if it is none.

    Raises:
        InputError: a description that cannot be used.
    """
    description = data.get(KEY) or _metadata(path, data)
    state = data.get("state_dict")
    if not isinstance(description, dict) or not isinstance(state, dict):
        return None
    if isinstance(data.get("metadata"), dict):
        return Checkpoint(described(path, description), as_float32(state))
    weights = _network_part(state)
    return Checkpoint(described(path, description), as_float32(weights)) if weights else None


def _network_part(state: dict[str, Any]) -> dict[str, Tensor]:
    return {
        name.removeprefix(PREFIX): value
        for name, value in state.items()
        if name.startswith(PREFIX) and isinstance(value, Tensor)
    }


def _metadata(path: Path, data: dict[str, Any]) -> Any:
    text = data.get("metadata", {}).get(KEY)
    try:
        return json.loads(text) if text else None
    except json.JSONDecodeError:
        raise InputError(f"{path}: its description is not JSON: the file is damaged") from None
