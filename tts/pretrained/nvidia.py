"""NVIDIA's checkpoints: names both ways, sizes from shapes, the layouts of WaveGlow.

Covers NVIDIA/tacotron2, NVIDIA/waveglow and the Tacotron2 folder of DeepLearningExamples. The
layers of a WaveGlow come in four layouts: separate (one week of 2018; refused), list (until
August 2019, and DeepLearningExamples), fused (since), and folded (either, without weight norm).
Joining the list into one layer is exact, also under weight norm: the norm is taken per output
channel. What their files do not say: the mel contract and the symbols. A Tacotron 2 is taken to
use the published table of 148 symbols, and one with another number of rows is refused.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tts.errors import InputError
from tts.models import Tacotron2, WaveGlow
from tts.pretrained.checkpoint import Checkpoint, as_float32, described

N_SYMBOLS = 148

# ours, theirs; {i} and {j} stand for numbers
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
# length and direction of a weight under weight norm
_LEAVES = (
    ("parametrizations.weight.original0", "weight_g"),
    ("parametrizations.weight.original1", "weight_v"),
)
# counters of torch's batch norm, which nothing here reads
_COUNTER = "num_batches_tracked"


def parse(path: Path, data: dict[str, Any]) -> Checkpoint | None:
    """Read a checkpoint in NVIDIA's layout; None if it is in another.

    Raises:
        InputError: a variant that is not read, with the reason.
    """
    theirs = _state_of(data)
    network = "WaveGlow" if "convinv.0.conv.weight" in theirs else "Tacotron2"
    if network == "Tacotron2" and "decoder.attention_layer.v.linear_layer.weight" not in theirs:
        return None
    own = data.get("tacoglow")
    if network == "WaveGlow":
        theirs = _fused(path, theirs)
    state = as_float32(to_ours(network, theirs))
    if isinstance(own, dict):
        return Checkpoint(described(path, own), state)
    sizes = _sizes(path, network, theirs)
    if network == "WaveGlow" and isinstance(data.get("hop_length"), int):
        sizes["hop_length"] = data["hop_length"]
    return Checkpoint(described(path, {"network": network, "network_config": sizes}), state)


def to_ours(network: str, theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename a state dict of NVIDIA's (WaveGlow: fused) to this project's names.

    Args:
        network: "Tacotron2" or "WaveGlow".
        theirs: their state dict; a name outside the table is kept as it is.
    """
    table = _TABLES[network]
    return {
        _renamed(name, table, 1, 0) or name: value
        for name, value in theirs.items()
        if not name.endswith(_COUNTER)
    }


def to_theirs(network: nn.Module) -> dict[str, Tensor]:
    """State dict of a network under NVIDIA's names (WaveGlow: fused).

    Raises:
        InputError: a network or a weight for which their layout has no place.
    """
    kind = type(network).__name__
    if kind not in _TABLES:
        raise InputError(f"{kind}: NVIDIA's layout knows {', '.join(_TABLES)}")
    if isinstance(network, Tacotron2) and network.config.n_frames_per_step != 1:
        raise InputError("n_frames_per_step above 1: NVIDIA's layout knows 1 frame per step")
    theirs: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        new = _renamed(name, _TABLES[kind], 0, 1)
        if new is None:
            raise InputError(f"{name}: NVIDIA's layout of {kind} has no place for it")
        theirs[new] = value
        if new.endswith(".running_var"):
            counter = new.replace("running_var", _COUNTER)
            theirs[counter] = torch.zeros((), dtype=torch.int64)
    return theirs


def constructor_arguments(network: WaveGlow) -> dict[str, Any]:
    """What NVIDIA's `WaveGlow(...)` takes to build the same network."""
    sizes = asdict(network.config)
    outer = ("n_flows", "n_group", "n_early_every", "n_early_size")
    inner = ("n_layers", "n_channels", "kernel_size")
    return {
        "n_mel_channels": sizes["n_mels"],
        **{name: sizes[name] for name in outer},
        "WN_config": {name: sizes[name] for name in inner},
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


def _state_of(data: dict[str, Any]) -> dict[str, Tensor]:
    """Tensors under "state_dict" or "model" or bare, without the prefixes of wrappers."""
    found = next((data[key] for key in ("state_dict", "model") if key in data), data)
    if not isinstance(found, dict):
        return {}
    return {
        re.sub(r"^(module\.1\.|module\.|model\.)+", "", name): value
        for name, value in found.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }


def _fused(path: Path, theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Join the conditioning layers of the list layout; leave the fused layout as it is."""
    if any(".res_layers." in name for name in theirs):
        raise InputError(
            f"{path}: a WaveGlow of November 2018 (separate res_layers and skip_layers) is not "
            "read; convert_model.py of NVIDIA/waveglow turns it into one that is"
        )
    fused: dict[str, Tensor] = {}
    parts: dict[str, dict[int, Tensor]] = {}
    for name, value in theirs.items():
        match = re.fullmatch(r"(WN\.\d+)\.cond_layers\.(\d+)\.(\w+)", name)
        if match:
            target = f"{match[1]}.cond_layer.{match[3]}"
            parts.setdefault(target, {})[int(match[2])] = value
        else:
            fused[name] = value
    for name, layers in parts.items():
        fused[name] = torch.cat([layers[i] for i in sorted(layers)])
    return fused


def _count(state: dict[str, Tensor], pattern: str) -> int:
    """How many numbers occur at the place of ``{i}``."""
    regex = re.compile(re.escape(pattern).replace(r"\{i\}", r"(\d+)"))
    return len({match[1] for match in map(regex.match, state) if match})


def _sizes(path: Path, network: str, state: dict[str, Tensor]) -> dict[str, Any]:
    """Infer the fields of a network's config from the shapes of its weights."""
    try:
        return (_waveglow_sizes if network == "WaveGlow" else _tacotron2_sizes)(path, state)
    except KeyError as error:
        raise InputError(f"{path}: a {network} without {error.args[0]}: incomplete") from None
    except IndexError:
        raise InputError(f"{path}: a {network} with a weight of too few axes") from None


def _tacotron2_sizes(path: Path, state: dict[str, Tensor]) -> dict[str, Any]:
    def shape(name: str) -> torch.Size:
        return state[f"{name}.weight"].shape

    attention, location = "decoder.attention_layer", "decoder.attention_layer.location_layer"
    n_postnet = _count(state, "postnet.convolutions.{i}.0.conv.")
    conv = shape("encoder.convolutions.0.0.conv")
    location_conv = shape(f"{location}.location_conv.conv")
    sizes = {
        "n_symbols": shape("embedding")[0],
        "n_mels": shape(f"postnet.convolutions.{n_postnet - 1}.0.conv")[0],
        "symbols_embedding_dim": shape("embedding")[1],
        "encoder_kernel_size": conv[2],
        "encoder_n_convolutions": _count(state, "encoder.convolutions.{i}.0.conv."),
        "encoder_embedding_dim": conv[0],
        "attention_rnn_dim": state["decoder.attention_rnn.weight_hh"].shape[1],
        "attention_dim": shape(f"{attention}.query_layer.linear_layer")[0],
        "attention_location_n_filters": location_conv[0],
        "attention_location_kernel_size": location_conv[2],
        "decoder_rnn_dim": state["decoder.decoder_rnn.weight_hh"].shape[1],
        "prenet_dim": shape("decoder.prenet.layers.0.linear_layer")[0],
        "postnet_embedding_dim": shape("postnet.convolutions.0.0.conv")[0],
        "postnet_kernel_size": shape("postnet.convolutions.0.0.conv")[2],
        "postnet_n_convolutions": n_postnet,
    }
    _check_tacotron2(path, state, sizes)
    return sizes


def _check_tacotron2(path: Path, state: dict[str, Tensor], sizes: dict[str, Any]) -> None:
    found = state["decoder.attention_rnn.weight_ih"].shape[1]
    expected = sizes["prenet_dim"] + sizes["encoder_embedding_dim"]
    if found != expected:
        raise InputError(
            f"{path}: the attention LSTM takes {found} inputs, not {expected}: a network from "
            "before November 2018, which is not read"
        )
    if sizes["n_symbols"] != N_SYMBOLS:
        raise InputError(
            f"{path}: the embedding has {sizes['n_symbols']} rows; the published table has "
            f"{N_SYMBOLS} symbols, and a table of one's own is not in the file"
        )


def _waveglow_sizes(path: Path, state: dict[str, Tensor]) -> dict[str, Any]:
    n_flows = _count(state, "convinv.{i}.conv.")
    channels = [state[f"convinv.{k}.conv.weight"].shape[0] for k in range(n_flows)]
    drops = [k for k in range(1, n_flows) if channels[k] != channels[k - 1]]
    # a network in which nothing leaves early: "every" beyond the last flow says so
    every = drops[0] if drops else n_flows
    layer = "WN.0.in_layers.0.weight"
    layer += "_v" if f"{layer}_v" in state else ""
    n_mels, kernel = state["upsample.weight"].shape[0], state["upsample.weight"].shape[2]
    return {
        "n_mels": n_mels,
        # the stride is not among the tensors; all published networks have a quarter of the kernel
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
