"""Holds what every reader returns, a description and a state dict, and builds networks from it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tts.core.errors import InputError, one_line, printable_name
from tts.models import WaveGlow
from tts.pretrained.descriptions import NETWORKS

_KINDS: dict[str, tuple[Any, str]] = {
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "bool": (bool, "true or false"),
    "str": (str, "a word"),
}
_COMPILED = re.compile(r"(?:(?<=\.)|^)(?:_orig_mod\.)+")
# far above any size that these networks have
_LARGEST = 10**6
# fields whose product is a number of layers; each layer has more than one weight
_LAYERS = (("n_flows", "n_layers"), ("encoder_n_convolutions",), ("postnet_n_convolutions",))


class LoadedCheckpoint(NamedTuple):
    """Holds the content of a checkpoint file of any project.

    Attributes:
        description: a value for each of `FIELDS`; None for what the file does not say.
        state: state dict under this project's names, in float32.
        layout: a few words on the project that wrote the file, and on its layout.
        notes: one sentence for each change that the reader made.
        doubts: one sentence for each assumption of the reader that may be wrong.
        problem: the reason why no network can be built from it, or None. Such a checkpoint can
            still start a training.
        trained_with: options of the network that its author trained with, and that change nothing
            for one utterance alone; a training that begins with the file has them as well.
    """

    description: dict[str, Any]
    state: dict[str, Tensor]
    layout: str = "tacoglow"
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    problem: str | None = None
    trained_with: Mapping[str, Any] = MappingProxyType({})


def uncompiled_name(name: str) -> str:
    """Return the name of a weight without what ``torch.compile`` has put into it.

    A compiled module has the plain one in its attribute ``_orig_mod``, so that ``a._orig_mod.b``
    is ``a.b``.
    """
    return _COMPILED.sub("", name)


def as_float32(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copy tensors to the CPU, each into its own memory, those of floating point as float32."""
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
    """Build the network that a checkpoint describes, with its weights, in eval mode.

    Args:
        path: file to name in messages.
        checkpoint: the content of the file.

    Raises:
        InputError: the sizes are illegal, the weights do not fit them, or a weight is not finite.
    """
    if checkpoint.problem is not None:
        raise InputError(f"{path}: {checkpoint.problem}")
    check_finite(path, checkpoint.state)
    network_type, config_type = NETWORKS[checkpoint.description["network"]]
    sizes = checkpoint.description["network_config"]
    try:
        _check_sizes(config_type, sizes, len(checkpoint.state))
        with torch.device("meta"):  # random weights would take time, and be overwritten
            network = network_type(config_type(**sizes))
            if isinstance(network, WaveGlow) and not _has_weight_norm(checkpoint.state):
                network.remove_weight_norm()
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise InputError(f"{path}: network_config: {one_line(error)}") from None
    _check_fit(path, network, checkpoint.state)
    network.load_state_dict(checkpoint.state, assign=True)
    return network.requires_grad_(True).eval()


def _check_sizes(config_type: type, sizes: Mapping[str, Any], n_weights: int) -> None:
    """Refuse sizes that would take memory before any other check could find that they are wrong.

    Raises:
        ValueError: the message names the field.
    """
    for field in fields(config_type):
        value, kind = sizes.get(field.name, field.default), str(field.type)
        types, expected = _KINDS[kind]
        legal = isinstance(value, types) and (kind == "bool" or not isinstance(value, bool))
        if not legal or (kind == "float" and not math.isfinite(value)):
            raise ValueError(f"{field.name}={value!r:.60}: must be {expected}")
        if kind == "int" and value > _LARGEST:
            raise ValueError(f"{field.name}={value}: at most {_LARGEST}")
    for names in _LAYERS:
        if math.prod(sizes.get(name, 1) for name in names) > n_weights:
            layers = ", ".join(f"{name}={sizes.get(name)}" for name in names)
            raise ValueError(f"{layers}: the file has {n_weights} weights, too few for that")


def check_finite(path: Path, state: Mapping[str, Tensor]) -> None:
    """Refuse weights that are not finite, with which a network cannot make sound.

    Raises:
        InputError: a weight has a NaN or an infinity; the message names the first of them.
    """
    bad = [n for n, v in state.items() if v.is_floating_point() and not bool(v.isfinite().all())]
    if bad:
        raise InputError(
            f"{path}: {len(bad)} of {len(state)} weights are not finite (NaN or infinite), first "
            f"{printable_name(bad[0])}: the training had diverged, or half precision overflowed; "
            "take an earlier checkpoint"
        )


def _has_weight_norm(names: Iterable[str]) -> bool:
    return any(".parametrizations." in name for name in names)


def _check_fit(path: Path, network: nn.Module, state: dict[str, Tensor]) -> None:
    expected = network.state_dict()
    problems = [f"{name} is missing" for name in expected if name not in state]
    problems += [f"{printable_name(name)} has no place" for name in state if name not in expected]
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
    """Return the shape of a tensor for messages, as ``"80x512x5"``."""
    return "x".join(map(str, tensor.shape)) or "a scalar"
