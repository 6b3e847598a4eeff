"""Tells the layouts of a WaveGlow's layers apart, and turns them into the one that is used here.

=== ============================================== =====================================
A   ``res_layers``, ``skip_layers``, ``cond_layers``  a week of November 2018
B   ``res_skip_layers``, ``cond_layers``              until August 2019; DeepLearningExamples
C   ``res_skip_layers``, ``cond_layer``               since; NeMo
D   plain weights                                     any of them, with weight norm folded
=== ============================================== =====================================

Joining layers is exact, also under weight norm: the norm is taken for each output channel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from tts.core.errors import InputError

_PLACE = re.compile(
    r"(?P<network>WN\.\d+)\.(?P<kind>cond|res|skip)_layers\.(?P<i>\d{1,9})\.(?P<leaf>\w+)"
)


def layout_of(state: Mapping[str, Tensor]) -> str:
    """Return the letter of a layout in the table above, or two letters for a folded one ("BD")."""
    names = "\n".join(state)
    letter = "A" if ".skip_layers." in names else "B" if ".cond_layers." in names else "C"
    if ".weight_g" in names:
        return letter
    return "D" if letter == "C" else f"{letter}D"


def fuse_layers(path: Path, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Join the layers that A and B keep apart; a state dict of C or D stays as it is.

    Args:
        path: file to name in messages.
        state: state dict under NVIDIA's names.

    Raises:
        InputError: the layers have different widths.
    """
    joined: dict[str, Tensor] = {}
    parts: dict[tuple[str, str, str], dict[int, Tensor]] = {}
    for name, value in state.items():
        place = _PLACE.fullmatch(name)
        if place is None:
            joined[name] = value
        else:
            key = (place["network"], place["kind"], place["leaf"])
            parts.setdefault(key, {})[int(place["i"])] = value
    for (network, kind, leaf), layers in parts.items():
        if kind == "cond":
            joined[f"{network}.cond_layer.{leaf}"] = _joined(
                path, f"{network}.cond_layers", [layers[i] for i in sorted(layers)]
            )
        elif kind == "skip":
            residual = parts.get((network, "res", leaf), {})
            for i, skip in layers.items():  # the last layer has no residual part
                both = [residual[i], skip] if i in residual else [skip]
                name = f"{network}.res_skip_layers.{i}"
                joined[f"{name}.{leaf}"] = _joined(path, name, both)
    return joined


def _joined(path: Path, name: str, layers: list[Tensor]) -> Tensor:
    try:
        return torch.cat(layers)
    except RuntimeError:
        sizes = ", ".join("x".join(map(str, layer.shape)) or "a scalar" for layer in layers)
        raise InputError(f"{path}: the layers of {name} do not fit together: {sizes}") from None
