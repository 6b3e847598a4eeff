"""Translates other projects' names for NVIDIA's weights: wrappers, NeMo and torchaudio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from tts.pretrained.checkpoint import uncompiled_name

# prefixes of DistributedDataParallel and similar wrappers, and of NeMo around its WaveGlow
_PREFIXES = re.compile(r"^(?:module\.1\.|module\.|model\.|waveglow\.)+")
# tensors that can be computed from the others
_DERIVED = re.compile(r"^audio_to_melspec_precessor\.|^convinv\.\d+\.inv_conv\.")

_NEMO = (
    (re.compile(r"^text_embedding\."), "embedding."),
    (re.compile(r"^wavenet\.(\d+)\."), r"WN.\1."),
)
# torchaudio has plain layers where NVIDIA wraps them in modules
_TORCHAUDIO = (
    (re.compile(r"^((?:encoder|postnet)\.convolutions\.\d+\.0)\.(weight|bias)$"), r"\1.conv.\2"),
    (
        re.compile(r"^(decoder\.attention_layer\.location_layer\.location_conv)\.(weight)$"),
        r"\1.conv.\2",
    ),
    (
        re.compile(
            r"^(decoder\.(?:prenet\.layers\.\d+|linear_projection|gate_layer|attention_layer\."
            r"(?:query_layer|memory_layer|v|location_layer\.location_dense)))\.(weight|bias)$"
        ),
        r"\1.linear_layer.\2",
    ),
)
_WEIGHT_NORM = (
    (re.compile(r"\.parametrizations\.weight\.original0$"), ".weight_g"),
    (re.compile(r"\.parametrizations\.weight\.original1$"), ".weight_v"),
)


def tensors_of(data: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the weights of a file, without the prefixes of wrappers.

    They are under "state_dict" or "model", or the file holds nothing else.
    """
    weights = next((data[key] for key in ("state_dict", "model") if key in data), data)
    if not isinstance(weights, Mapping):
        return {}
    plain = {
        _PREFIXES.sub("", uncompiled_name(name)): value
        for name, value in weights.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    return {name: value for name, value in plain.items() if not _DERIVED.match(name)}


def to_nvidia_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename weights to the names of NVIDIA's two repositories."""
    return {_renamed(name): value for name, value in state.items()}


def has_torchaudio_names(state: Mapping[str, Tensor]) -> bool:
    """Tell whether a state dict has torchaudio's names of a Tacotron 2."""
    return "decoder.attention_layer.v.weight" in state


def _renamed(name: str) -> str:
    for pattern, replacement in (*_NEMO, *_TORCHAUDIO, *_WEIGHT_NORM):
        name = pattern.sub(replacement, name)
    return name
