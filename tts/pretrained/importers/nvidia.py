"""NVIDIA's checkpoints, and those that others made of them: names both ways, and what files omit.

Covers NVIDIA/tacotron2, NVIDIA/waveglow, the Tacotron2 folder of DeepLearningExamples, NeMo and
torchaudio's Tacotron 2. Where a file does not say, the published facts are taken, and said to be:
the table of 148 symbols, the order of WaveGlow's coupling halves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from tts.core.errors import InputError
from tts.models import Tacotron2, WaveGlow, options_without_effect
from tts.pretrained.checkpoint import LoadedCheckpoint, as_float32
from tts.pretrained.descriptions import (
    KEY,
    CheckpointHints,
    describe_tokenizer,
    validated_description,
)
from tts.pretrained.importers import nemo, nemo_mel, tables
from tts.pretrained.importers.dialects import has_torchaudio_names, tensors_of, to_nvidia_names
from tts.pretrained.importers.layouts import fuse_layers, layout_of
from tts.pretrained.importers.nemo_mel import NemoMel
from tts.pretrained.importers.sizes import attention_inputs, sizes_of

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
# options that their code has, too, or whose work it does in its own way
_THEIR_OPTIONS = {
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
    "WaveGlow": {
        "n_mels",
        "n_flows",
        "n_group",
        "n_early_every",
        "n_early_size",
        "n_layers",
        "n_channels",
        "kernel_size",
    },
}
# counters of torch's batch norm, which nothing here reads
_COUNTER = "num_batches_tracked"


def parse_nvidia(
    path: Path, data: Mapping[str, Any], told: CheckpointHints
) -> LoadedCheckpoint | None:
    """Read a checkpoint with NVIDIA's weights, whoever wrote it; None if it has others.

    Args:
        path: for messages.
        data: as `tts.pretrained.importers.reader.read_contents` gives it.
        told: what the file does not say, or says wrongly.

    Raises:
        InputError: a weight is missing, or `told` is not about such a network.
    """
    found = tensors_of(data)
    theirs = to_nvidia_names(found)
    if "convinv.0.conv.weight" in theirs:
        return _waveglow(path, data, theirs, told)
    if "decoder.attention_layer.v.linear_layer.weight" in theirs:
        return _tacotron2(path, data, theirs, told, has_torchaudio_names(found))
    return None


def _waveglow(
    path: Path,
    data: Mapping[str, Any],
    theirs: dict[str, Tensor],
    told: CheckpointHints,
) -> LoadedCheckpoint:
    letter = layout_of(theirs)
    joined = fuse_layers(path, theirs)
    state = as_float32(from_nvidia_state_dict("WaveGlow", joined))
    layout = f"WaveGlow in layout {letter}"
    if isinstance(data.get(KEY), dict):
        return LoadedCheckpoint(validated_description(path, data[KEY], told), state, layout)
    told.check(path, "WaveGlow")
    sizes = sizes_of(path, "WaveGlow", joined)
    if isinstance(data.get("hop_length"), int):
        sizes["hop_length"] = data["hop_length"]
    doubts: tuple[str, ...] = ()
    alternate_halves = told.alternate_halves
    if alternate_halves is None:
        alternate_halves = data.get("alternate_halves")
    if alternate_halves is None:
        alternate_halves = letter.startswith("A")
        doubts += _order_unknown(letter, sizes["n_channels"])
    sizes["alternate_halves"] = alternate_halves
    known: dict[str, Any] = {"network": "WaveGlow", "network_config": sizes}
    mel = _nemos_mel(data, "WaveGlow", sizes)
    if mel.contract is not None:
        known["mel"] = mel.contract
        doubts += (nemo_mel.NEAR,)
    layout = _by(data, layout) + (", pickled module" if "pickled_class" in data else "")
    known = validated_description(path, known)
    return LoadedCheckpoint(known, state, layout, _precision(theirs), doubts, mel.problem)


def _nemos_mel(data: Mapping[str, Any], network: str, sizes: Mapping[str, Any]) -> NemoMel:
    config = data.get("nemo")
    return nemo_mel.mel_contract(config, network, sizes) if isinstance(config, dict) else NemoMel()


def _order_unknown(letter: str, n_channels: int) -> tuple[str, ...]:
    """What to say of a file that could be either in the order of its coupling halves."""
    if letter.startswith("A"):
        taken = "that they alternate, as in waveglow_old.pt"
    elif letter.startswith("B") and n_channels == 512:
        taken = "that they do not, as in DeepLearningExamples (waveglow_old.pt is the exception)"
    else:
        return ()
    return (
        f"which half each coupling transforms is not in the file; taken: {taken}; "
        "`python -m tts.pretrained describe FILE --clip SPEECH.wav` measures it",
    )


def _tacotron2(
    path: Path,
    data: Mapping[str, Any],
    theirs: dict[str, Tensor],
    told: CheckpointHints,
    torchaudios: bool,
) -> LoadedCheckpoint:
    state = as_float32(from_nvidia_state_dict("Tacotron2", theirs))
    if isinstance(data.get(KEY), dict):
        return LoadedCheckpoint(
            validated_description(path, data[KEY], told), state, "NVIDIA/tacotron2"
        )
    told.check(path, "Tacotron2")
    sizes = sizes_of(path, "Tacotron2", theirs)
    config = data.get("config")
    for name in ("p_attention_dropout", "p_decoder_dropout"):  # DeepLearningExamples say these
        if isinstance(config, Mapping) and isinstance(config.get(name), float):
            sizes[name] = config[name]
    known: dict[str, Any] = {"network": "Tacotron2", "network_config": sizes}
    doubts: tuple[str, ...] = ()
    mel, symbols = _nemos_mel(data, "Tacotron2", sizes), told.symbols
    if mel.contract is not None:
        known["mel"] = mel.contract
        doubts += (nemo_mel.NEAR,)
    if table := _nemos_table(path, data, sizes["n_symbols"], told):
        symbols, sizes["n_symbols"] = table.symbols, len(table.rows)
        state["embedding.weight"] = state["embedding.weight"][table.rows]
    elif torchaudios and symbols is None:
        symbols = tables.BY_SIZE.get(sizes["n_symbols"])
    if symbols is not None:
        known["tokenizer"] = describe_tokenizer(path, symbols, sizes["n_symbols"])
    layout = _by(data, "Tacotron 2 with torchaudio's names" if torchaudios else "Tacotron 2")
    problem = _unusable(path, theirs, sizes, symbols is not None) or mel.problem
    return LoadedCheckpoint(
        validated_description(path, known), state, layout, _precision(theirs), doubts, problem
    )


def _nemos_table(
    path: Path, data: Mapping[str, Any], n_rows: int, told: CheckpointHints
) -> nemo.NemoSymbols | None:
    config = data.get("nemo")
    table = nemo.symbol_table(config, n_rows) if isinstance(config, dict) else None
    if table is not None and told.symbols is not None:
        raise InputError(f"{path}: its symbols are in the file; they cannot be others")
    return table


def _unusable(
    path: Path, theirs: Mapping[str, Tensor], sizes: Mapping[str, Any], has_table: bool
) -> str | None:
    """Why a Tacotron 2 cannot be rebuilt from its file, and what can be done with it."""
    start = "its weights can still start a training, symbol by symbol: train.py init_from=FILE"
    found, expected = attention_inputs(path, theirs, sizes)
    if found != expected:
        return (
            f"the attention LSTM takes {found} inputs, not {expected}: a network from before "
            f"November 2018, wired in another way; {start}"
        )
    n_rows = sizes["n_symbols"]
    if has_table or n_rows == len(tables.ENGLISH):
        return None
    cause = "the file does not say which symbols they are"
    if n_rows == len(tables.BEFORE_NOVEMBER_2018):
        cause = "NVIDIA's table from before November 2018, or one of your own"
    cause += " (name them: --symbols FILE of `python -m tts.pretrained convert`)"
    return (
        f"the embedding has {n_rows} rows, the published table {len(tables.ENGLISH)} symbols: "
        f"{cause}; {start}"
    )


def _precision(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    halves = [v for v in state.values() if v.dtype in (torch.float16, torch.bfloat16)]
    if not halves:
        return ()
    kind = str(halves[0].dtype).removeprefix("torch.")
    return (f"{len(halves)} of {len(state)} tensors are stored in {kind}; float32 here",)


def _by(data: Mapping[str, Any], layout: str) -> str:
    """Who wrote the file, as far as its keys tell."""
    if "nemo" in data:
        return f"NeMo: {layout}"
    if "cuda_rng_state_all" in data or "config" in data:
        return f"DeepLearningExamples: {layout}"
    return layout


def from_nvidia_state_dict(network: str, theirs: dict[str, Tensor]) -> dict[str, Tensor]:
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


def to_nvidia_state_dict(network: nn.Module) -> dict[str, Tensor]:
    """State dict of a network under NVIDIA's names (WaveGlow: fused).

    Raises:
        InputError: a network or a weight for which their layout has no place.
    """
    kind = type(network).__name__
    if kind not in _TABLES:
        raise InputError(f"{kind}: NVIDIA's layout knows {', '.join(_TABLES)}")
    if reason := _no_place(cast("Tacotron2 | WaveGlow", network)):
        raise InputError(reason)
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


def _no_place(network: Tacotron2 | WaveGlow) -> str | None:
    """What of a network their code would not honour, though it might load the weights."""
    kind = type(network).__name__
    defaults, sizes = asdict(type(network.config)()), asdict(network.config)
    ignored = options_without_effect(sizes)
    for name, value in sizes.items():
        known = name in (*_THEIR_OPTIONS[kind], *ignored)
        if not known and value != defaults[name]:
            return f"{name}={value}: NVIDIA's layout of {kind} knows only {defaults[name]}"
    if isinstance(network, WaveGlow) and network.config.n_channels % 2:
        return f"n_channels={network.config.n_channels}: NVIDIA's layout of {kind} has it even"
    if isinstance(network, Tacotron2) and network.config.postnet_n_convolutions < 2:
        return f"postnet_n_convolutions=1: NVIDIA's layout of {kind} has two or more"
    return None


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
