"""Renames weights between this project and NVIDIA's two repositories, in both directions."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any, cast

import torch
from torch import Tensor, nn

from tts.core.errors import InputError
from tts.models import Tacotron2, WaveGlow, options_without_effect
from tts.pretrained.checkpoint import uncompiled_name

# this project's name, NVIDIA's name; {i} and {j} stand for numbers
_TACOTRON2 = (
    ("embedding.", "embedding."),
    ("encoder.convolutions.{i}.conv.", "encoder.convolutions.{i}.0.conv."),
    ("encoder.convolutions.{i}.norm.", "encoder.convolutions.{i}.1."),
    ("encoder.lstm.", "encoder.lstm."),
    ("decoder.prenet.layers.{i}.", "decoder.prenet.layers.{i}.linear_layer."),
    ("decoder.attention_rnn.", "decoder.attention_rnn."),
    ("decoder.attention.query.", "decoder.attention_layer.query_layer.linear_layer."),
    ("decoder.attention.memory.", "decoder.attention_layer.memory_layer.linear_layer."),
    ("decoder.attention.score.", "decoder.attention_layer.v.linear_layer."),
    (
        "decoder.attention.location_conv.",
        "decoder.attention_layer.location_layer.location_conv.conv.",
    ),
    (
        "decoder.attention.location_dense.",
        "decoder.attention_layer.location_layer.location_dense.linear_layer.",
    ),
    ("decoder.decoder_rnn.", "decoder.decoder_rnn."),
    ("decoder.projection.", "decoder.linear_projection.linear_layer."),
    ("decoder.gate.", "decoder.gate_layer.linear_layer."),
    ("postnet.convolutions.{i}.conv.", "postnet.convolutions.{i}.0.conv."),
    ("postnet.convolutions.{i}.norm.", "postnet.convolutions.{i}.1."),
)
_WAVEGLOW = (
    ("upsample.", "upsample."),
    ("flows.{i}.mix.", "convinv.{i}.conv."),
    ("flows.{i}.coupling.start.", "WN.{i}.start."),
    ("flows.{i}.coupling.condition.", "WN.{i}.cond_layer."),
    ("flows.{i}.coupling.dilated.{j}.", "WN.{i}.in_layers.{j}."),
    ("flows.{i}.coupling.res_skip.{j}.", "WN.{i}.res_skip_layers.{j}."),
    ("flows.{i}.coupling.end.", "WN.{i}.end."),
)
_TABLES = {"Tacotron2": _TACOTRON2, "WaveGlow": _WAVEGLOW}
# length and direction of a weight under weight norm, in the same order
_LEAVES = (
    ("parametrizations.weight.original0", "weight_g"),
    ("parametrizations.weight.original1", "weight_v"),
)
# arguments of NVIDIA's `WaveGlow(...)`, and of its "WN_config"
_WAVEGLOW_ARGUMENTS = ("n_flows", "n_group", "n_early_every", "n_early_size")
_WN_ARGUMENTS = ("n_layers", "n_channels", "kernel_size")
# options that NVIDIA's code has, too, or whose effect it has in another way
_NVIDIA_OPTIONS = {
    "Tacotron2": {
        "n_symbols",
        "n_mels",
        "symbols_embedding_dim",
        "encoder_kernel_size",
        "encoder_n_convolutions",
        "encoder_embedding_dim",
        "attention_rnn_dim",
        "attention_dim",
        "attention_location_n_filters",
        "attention_location_kernel_size",
        "decoder_rnn_dim",
        "prenet_dim",
        "postnet_embedding_dim",
        "postnet_kernel_size",
        "postnet_n_convolutions",
        "encoder_dropout",
        "p_attention_dropout",
        "p_decoder_dropout",
        "postnet_dropout",
        "mask_convolutions",
    },
    "WaveGlow": {"n_mels", *_WAVEGLOW_ARGUMENTS, *_WN_ARGUMENTS},
}
# counters of torch's batch norm, which these networks do not use
_COUNTER = "num_batches_tracked"


def from_nvidia_state_dict(network: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename a state dict of NVIDIA's to this project's names.

    Args:
        network: "Tacotron2" or "WaveGlow".
        state: weights under NVIDIA's names, a WaveGlow's in layout C or D; an unknown name stays
            as it is.
    """
    table = _TABLES[network]
    return {
        _renamed(name, table, 1, 0) or name: value
        for name, value in state.items()
        if not name.endswith(_COUNTER)
    }


def to_nvidia_state_dict(network: nn.Module) -> dict[str, Tensor]:
    """Return the state dict of a network under NVIDIA's names, a WaveGlow's in layout C or D.

    Raises:
        InputError: NVIDIA's layout has no place for the network, one of its options or a weight.
    """
    kind = type(network).__name__
    if kind not in _TABLES:
        raise InputError(f"{kind}: NVIDIA's layout knows {', '.join(_TABLES)}")
    if reason := _no_place(cast("Tacotron2 | WaveGlow", network)):
        raise InputError(reason)
    state: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        new = _renamed(uncompiled_name(name), _TABLES[kind], 0, 1)
        if new is None:
            raise InputError(f"{name}: NVIDIA's layout of {kind} has no place for it")
        state[new] = value
        if new.endswith(".running_var"):
            counter = new.replace("running_var", _COUNTER)
            state[counter] = torch.zeros((), dtype=torch.int64)
    return state


def _no_place(network: Tacotron2 | WaveGlow) -> str | None:
    """Return why NVIDIA's code would not compute a network, though it could load the weights."""
    kind = type(network).__name__
    defaults, sizes = asdict(type(network.config)()), asdict(network.config)
    ignored = options_without_effect(sizes)
    for name, value in sizes.items():
        known = name in (*_NVIDIA_OPTIONS[kind], *ignored)
        if not known and value != defaults[name]:
            return f"{name}={value}: NVIDIA's layout of {kind} knows only {defaults[name]}"
    if isinstance(network, WaveGlow) and network.config.n_channels % 2:
        return f"n_channels={network.config.n_channels}: NVIDIA's layout of {kind} has it even"
    if isinstance(network, Tacotron2) and network.config.postnet_n_convolutions < 2:
        return f"postnet_n_convolutions=1: NVIDIA's layout of {kind} has two or more"
    return None


def constructor_arguments(network: WaveGlow) -> dict[str, Any]:
    """Return the arguments with which NVIDIA's `WaveGlow(...)` builds the same network."""
    sizes = asdict(network.config)
    return {
        "n_mel_channels": sizes["n_mels"],
        **{name: sizes[name] for name in _WAVEGLOW_ARGUMENTS},
        "WN_config": {name: sizes[name] for name in _WN_ARGUMENTS},
    }


def _renamed(name: str, table: tuple[tuple[str, str], ...], source: int, target: int) -> str | None:
    for pair in table:
        pattern = re.escape(pair[source]).replace(r"\{i\}", r"(?P<i>\d+)")
        match = re.match(pattern.replace(r"\{j\}", r"(?P<j>\d+)"), name)
        if match:
            leaf = name[match.end() :]
            for leaves in _LEAVES:
                leaf = leaves[target] if leaf == leaves[source] else leaf
            return pair[target].format(**match.groupdict()) + leaf
    return None
