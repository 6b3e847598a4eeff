"""What every reader produces, a description and a state dict, and the network built of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tts.errors import InputError
from tts.models import Tacotron2, Tacotron2Config, WaveGlow, WaveGlowConfig

FORMAT = 1
FIELDS = ("format", "network", "network_config", "mel", "tokenizer", "corpus", "config", "source")
#: Key of the description in a checkpoint's dictionary and in a safetensors file's metadata.
KEY = "tacoglow"

NETWORKS: dict[str, tuple[type[nn.Module], type]] = {
    "Tacotron2": (Tacotron2, Tacotron2Config),
    "WaveGlow": (WaveGlow, WaveGlowConfig),
}


class Checkpoint(NamedTuple):
    """A checkpoint, whoever wrote it.

    Attributes:
        description: the keys of `FIELDS`; what the file does not say is None.
        state: state dict under this project's names, float32.
        layout: who wrote it, and how, in a few words.
        notes: what the reader changed, one sentence each.
        doubts: what it took for granted, and could not know.
        problem: why no network can be built of it; it may serve as a warm start all the same.
    """

    description: dict[str, Any]
    state: dict[str, Tensor]
    layout: str = "tacoglow"
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    problem: str | None = None


def described(path: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    """Complete a description, and check the parts that loading depends on.

    Raises:
        InputError: a later format, or a network that does not exist here.
    """
    description = {name: known.get(name) for name in FIELDS}
    written = description["format"] or FORMAT
    if not isinstance(written, int) or written > FORMAT:
        raise InputError(
            f"{path}: written in format {written} by a later tacoglow; this one reads {FORMAT}"
        )
    network, config = description["network"], description["network_config"]
    if not isinstance(network, str) or network not in NETWORKS or not isinstance(config, dict):
        raise InputError(
            f"{path}: describes the network {network!r}; known are {', '.join(NETWORKS)}, with "
            "a network_config"
        )
    return {**description, "format": written}


def as_float32(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copy tensors to the CPU, floating ones as float32, each into memory of its own."""
    return {
        name: value.detach().to(
            device="cpu",
            dtype=torch.float32 if value.is_floating_point() else value.dtype,
            copy=True,
            memory_format=torch.contiguous_format,
        )
        for name, value in state.items()
    }


def build(path: Path, checkpoint: Checkpoint) -> nn.Module:
    """Make the network that a checkpoint describes, with its weights, in eval mode.

    Raises:
        InputError: sizes that are not legal, weights that do not fit them, or that are not finite.
    """
    if checkpoint.problem is not None:
        raise InputError(f"{path}: {checkpoint.problem}")
    check_finite(path, checkpoint.state)
    network_type, config_type = NETWORKS[checkpoint.description["network"]]
    try:
        config = config_type(**checkpoint.description["network_config"])
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: network_config: {error}") from None
    with torch.device("meta"):  # no time for random weights that would be overwritten
        network = network_type(config)
        if isinstance(network, WaveGlow) and not _has_weight_norm(checkpoint.state):
            network.remove_weight_norm()
    _check_fit(path, network, checkpoint.state)
    network.load_state_dict(checkpoint.state, assign=True)
    return network.requires_grad_(True).eval()


def check_finite(path: Path, state: Mapping[str, Tensor]) -> None:
    """Refuse weights of which no sound can come.

    Raises:
        InputError: a NaN or an infinity, naming the first weight that has one.
    """
    bad = [n for n, v in state.items() if v.is_floating_point() and not bool(v.isfinite().all())]
    if bad:
        raise InputError(
            f"{path}: {len(bad)} of {len(state)} weights are not finite (NaN or infinite), first "
            f"{bad[0]}: the training had diverged, or half precision overflowed; take an earlier "
            "checkpoint"
        )


def _has_weight_norm(names: Iterable[str]) -> bool:
    return any(".parametrizations." in name for name in names)


def _check_fit(path: Path, network: nn.Module, state: dict[str, Tensor]) -> None:
    expected = network.state_dict()
    problems = [f"{name} is missing" for name in expected if name not in state]
    problems += [f"{name} has no place" for name in state if name not in expected]
    problems += [
        f"{name} is {size_of(state[name])}, expected {size_of(value)}"
        for name, value in expected.items()
        if name in state and state[name].shape != value.shape
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise InputError(
            f"{path}: weights do not fit {type(network).__name__}: {'; '.join(problems[:3])}{more}"
        )


def size_of(tensor: Tensor) -> str:
    """``"80x512x5"``, for messages."""
    return "x".join(map(str, tensor.shape)) or "a scalar"
