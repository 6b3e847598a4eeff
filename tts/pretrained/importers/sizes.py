"""Infers the sizes of a network from the shapes of its weights under NVIDIA's names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tts.core.errors import InputError


def sizes_of(path: Path, network: str, state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the fields of a network's config that the shapes of its weights show.

    Args:
        path: file to name in messages.
        network: "Tacotron2" or "WaveGlow".
        state: weights under NVIDIA's names, a WaveGlow's in layout C or D.

    Raises:
        InputError: a weight is missing, or has too few axes.
    """
    with _incomplete(path, network):
        return (_waveglow if network == "WaveGlow" else _tacotron2)(state)


def attention_inputs(
    path: Path, state: Mapping[str, Tensor], sizes: Mapping[str, Any]
) -> tuple[int, int]:
    """Count the inputs of the attention LSTM.

    Returns:
        The number in the file, and the number in the wiring since November 2018.

    Raises:
        InputError: see `sizes_of`.
    """
    with _incomplete(path, "Tacotron2"):
        n_inputs = state["decoder.attention_rnn.weight_ih"].shape[1]
    return n_inputs, sizes["prenet_dim"] + sizes["encoder_embedding_dim"]


@contextmanager
def _incomplete(path: Path, network: str) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise InputError(f"{path}: a {network} without {error.args[0]}: incomplete") from None
    except IndexError:
        raise InputError(f"{path}: a {network} with a weight of too few axes") from None


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    """Count the different numbers at the place of ``{i}`` in the names of weights."""
    regex = re.compile(re.escape(pattern).replace(r"\{i\}", r"(\d+)"))
    return len({match[1] for match in map(regex.match, state) if match})


def _tacotron2(state: Mapping[str, Tensor]) -> dict[str, Any]:
    def shape(name: str) -> torch.Size:
        return state[f"{name}.weight"].shape

    attention, location = "decoder.attention_layer", "decoder.attention_layer.location_layer"
    n_postnet = _count(state, "postnet.convolutions.{i}.0.conv.")
    conv = shape("encoder.convolutions.0.0.conv")
    location_conv = shape(f"{location}.location_conv.conv")
    return {
        "n_symbols": shape("embedding")[0],
        "n_mels": shape(f"postnet.convolutions.{n_postnet - 1}.0.conv")[0],
        "symbols_embedding_dim": shape("embedding")[1],
        "encoder_embedding_dim": conv[0],
        "encoder_kernel_size": conv[2],
        "encoder_n_convolutions": _count(state, "encoder.convolutions.{i}.0.conv."),
        "attention_rnn_dim": state["decoder.attention_rnn.weight_hh"].shape[1],
        "attention_dim": shape(f"{attention}.memory_layer.linear_layer")[0],
        "attention_location_n_filters": location_conv[0],
        "attention_location_kernel_size": location_conv[2],
        "decoder_rnn_dim": state["decoder.decoder_rnn.weight_hh"].shape[1],
        "prenet_dim": shape("decoder.prenet.layers.0.linear_layer")[0],
        "postnet_embedding_dim": shape("postnet.convolutions.0.0.conv")[0],
        "postnet_kernel_size": shape("postnet.convolutions.0.0.conv")[2],
        "postnet_n_convolutions": n_postnet,
    }


def _waveglow(state: Mapping[str, Tensor]) -> dict[str, Any]:
    n_flows = _count(state, "convinv.{i}.conv.")
    channels = [state[f"convinv.{k}.conv.weight"].shape[0] for k in range(n_flows)]
    drops = [k for k in range(1, n_flows) if channels[k] != channels[k - 1]]
    # without early outputs, n_early_every lies beyond the last flow
    every = drops[0] if drops else n_flows
    layer = "WN.0.in_layers.0.weight"
    layer += "_v" if f"{layer}_v" in state else ""
    n_mels, kernel = state["upsample.weight"].shape[0], state["upsample.weight"].shape[2]
    return {
        "n_mels": n_mels,
        # no tensor shows the stride; in all published networks it is a quarter of the kernel
        "hop_length": kernel // 4,
        "win_length": kernel,
        "n_flows": n_flows,
        "n_group": channels[0],
        "n_early_every": every,
        "n_early_size": channels[0] - channels[every] if drops else 2,
        "n_layers": _count(state, "WN.0.in_layers.{i}."),
        "n_channels": state[layer].shape[1],
        "kernel_size": state[layer].shape[2],
    }
