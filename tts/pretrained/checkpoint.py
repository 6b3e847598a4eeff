"""What every reader produces, a description and a state dict, and the network built of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tts.core.errors import InputError, one_line
from tts.models import WaveGlow
from tts.pretrained.catalogue import shown
from tts.pretrained.descriptions import NETWORKS

_KINDS: dict[str, tuple[Any, str]] = {
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "bool": (bool, "true or false"),
    "str": (str, "a word"),
}
# no size of these networks comes near
_LARGEST = 10**6
# how many layers a network has; each layer has more than one weight
_LAYERS = (("n_flows", "n_layers"), ("encoder_n_convolutions",), ("postnet_n_convolutions",))


class LoadedCheckpoint(NamedTuple):
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


def build(path: Path, checkpoint: LoadedCheckpoint) -> nn.Module:
    """Make the network that a checkpoint describes, with its weights, in eval mode.

    Raises:
        InputError: sizes that are not legal, weights that do not fit them, or that are not finite.
    """
    if checkpoint.problem is not None:
        raise InputError(f"{path}: {checkpoint.problem}")
    check_finite(path, checkpoint.state)
    network_type, config_type = NETWORKS[checkpoint.description["network"]]
    sizes = checkpoint.description["network_config"]
    try:
        _check_sizes(config_type, sizes, len(checkpoint.state))
        with torch.device("meta"):  # no time for random weights that would be overwritten
            network = network_type(config_type(**sizes))
            if isinstance(network, WaveGlow) and not _has_weight_norm(checkpoint.state):
                network.remove_weight_norm()
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise InputError(f"{path}: network_config: {one_line(error)}") from None
    _check_fit(path, network, checkpoint.state)
    network.load_state_dict(checkpoint.state, assign=True)
    return network.requires_grad_(True).eval()


def _check_sizes(config_type: type, sizes: Mapping[str, Any], n_weights: int) -> None:
    """Refuse sizes that would take memory before anything could tell that they are wrong.

    Raises:
        ValueError: naming the field.
    """
    for field in fields(config_type):
        value, kind = sizes.get(field.name, field.default), str(field.type)
        types, what = _KINDS[kind]
        legal = isinstance(value, types) and (kind == "bool" or not isinstance(value, bool))
        if not legal or (kind == "float" and not math.isfinite(value)):
            raise ValueError(f"{field.name}={value!r:.60}: must be {what}")
        if kind == "int" and value > _LARGEST:
            raise ValueError(f"{field.name}={value}: at most {_LARGEST}")
    for names in _LAYERS:
        if math.prod(sizes.get(name, 1) for name in names) > n_weights:
            layers = ", ".join(f"{name}={sizes.get(name)}" for name in names)
            raise ValueError(f"{layers}: the file has {n_weights} weights, too few for that")


def check_finite(path: Path, state: Mapping[str, Tensor]) -> None:
    """Refuse weights of which no sound can come.

    Raises:
        InputError: a NaN or an infinity, naming the first weight that has one.
    """
    bad = [n for n, v in state.items() if v.is_floating_point() and not bool(v.isfinite().all())]
    if bad:
        raise InputError(
            f"{path}: {len(bad)} of {len(state)} weights are not finite (NaN or infinite), first "
            f"{shown(bad[0])}: the training had diverged, or half precision overflowed; take an "
            "earlier checkpoint"
        )


def _has_weight_norm(names: Iterable[str]) -> bool:
    return any(".parametrizations." in name for name in names)


def _check_fit(path: Path, network: nn.Module, state: dict[str, Tensor]) -> None:
    expected = network.state_dict()
    problems = [f"{name} is missing" for name in expected if name not in state]
    problems += [f"{shown(name)} has no place" for name in state if name not in expected]
    problems += [
        f"{name} is {format_shape(state[name])}, expected {format_shape(value)}"
        for name, value in expected.items()
        if name in state and state[name].shape != value.shape
    ]
    problems += [
        f"{name} is stored as {str(value.dtype).removeprefix('torch.')}"
        for name, value in state.items()
        if name in expected and value.is_floating_point() != expected[name].is_floating_point()
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise InputError(
            f"{path}: weights do not fit {type(network).__name__}: {'; '.join(problems[:3])}{more}"
        )


def format_shape(tensor: Tensor) -> str:
    """``"80x512x5"``, for messages."""
    return "x".join(map(str, tensor.shape)) or "a scalar"
