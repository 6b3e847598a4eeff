"""Reads NVIDIA's checkpoints and those that other projects made from them.

Covers NVIDIA/tacotron2, NVIDIA/waveglow, the Tacotron2 folder of DeepLearningExamples, NeMo and
torchaudio's Tacotron 2. Where a file does not state the table of symbols or the order of WaveGlow's
coupling halves, the published facts are assumed, and the checkpoint says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tts.core.errors import InputError
from tts.pretrained.checkpoint import LoadedCheckpoint, as_float32
from tts.pretrained.descriptions import (
    KEY,
    CheckpointHints,
    describe_tokenizer,
    validated_description,
)
from tts.pretrained.importers import nemo_mel, tables
from tts.pretrained.importers.dialects import has_torchaudio_names, tensors_of, to_nvidia_names
from tts.pretrained.importers.layouts import fuse_layers, layout_of
from tts.pretrained.importers.nemo_config import NemoSymbols, symbol_table
from tts.pretrained.importers.nemo_mel import NemoMel
from tts.pretrained.importers.nvidia_names import from_nvidia_state_dict
from tts.pretrained.importers.sizes import attention_inputs, sizes_of

# padding leaks through the convolutions of NVIDIA's code, and of the code that was made from it
_TRAINED_WITH = {"mask_convolutions": False}


def parse_nvidia(
    path: Path, data: Mapping[str, Any], hints: CheckpointHints
) -> LoadedCheckpoint | None:
    """Return the checkpoint in a file of NVIDIA's networks, or None for other networks.

    Args:
        path: file to name in messages.
        data: content of the file, from `tts.pretrained.importers.containers.read_contents`.
        hints: facts that the user gives where the file does not state them, or states them wrongly.

    Raises:
        InputError: a weight is missing, or a hint does not apply to the network.
    """
    tensors = tensors_of(data)
    theirs = to_nvidia_names(tensors)
    if "convinv.0.conv.weight" in theirs:
        return _waveglow(path, data, theirs, hints)
    if "decoder.attention_layer.v.linear_layer.weight" in theirs:
        return _tacotron2(path, data, theirs, hints, has_torchaudio_names(tensors))
    return None


def _waveglow(
    path: Path,
    data: Mapping[str, Any],
    theirs: dict[str, Tensor],
    hints: CheckpointHints,
) -> LoadedCheckpoint:
    letter = layout_of(theirs)
    joined = fuse_layers(path, theirs)
    state = as_float32(from_nvidia_state_dict("WaveGlow", joined))
    layout = f"WaveGlow in layout {letter}"
    if isinstance(data.get(KEY), dict):
        return LoadedCheckpoint(validated_description(path, data[KEY], hints), state, layout)
    hints.check(path, "WaveGlow")
    sizes = sizes_of(path, "WaveGlow", joined)
    if isinstance(data.get("hop_length"), int):
        sizes["hop_length"] = data["hop_length"]
    doubts: tuple[str, ...] = ()
    alternate_halves = hints.alternate_halves
    if alternate_halves is None:
        alternate_halves = data.get("alternate_halves")
    if alternate_halves is None:
        alternate_halves = letter.startswith("A")
        doubts += _order_unknown(letter, sizes["n_channels"])
    sizes["alternate_halves"] = alternate_halves
    description: dict[str, Any] = {"network": "WaveGlow", "network_config": sizes}
    mel = _nemo_mel(data, "WaveGlow", sizes)
    if mel.contract is not None:
        description["mel"] = mel.contract
        doubts += (nemo_mel.NEAR,)
    layout = _with_author(data, layout) + (", pickled module" if "pickled_class" in data else "")
    description = validated_description(path, description)
    return LoadedCheckpoint(description, state, layout, _precision(theirs), doubts, mel.problem)


def _nemo_mel(data: Mapping[str, Any], network: str, sizes: Mapping[str, Any]) -> NemoMel:
    config = data.get("nemo")
    return nemo_mel.mel_contract(config, network, sizes) if isinstance(config, dict) else NemoMel()


def _order_unknown(letter: str, n_channels: int) -> tuple[str, ...]:
    """Return the doubt, if any, about the order of the coupling halves."""
    if letter.startswith("A"):
        assumed = "that they alternate, as in waveglow_old.pt"
    elif letter.startswith("B") and n_channels == 512:
        assumed = "that they do not, as in DeepLearningExamples (waveglow_old.pt is the exception)"
    else:
        return ()
    return (
        f"which half each coupling transforms is not in the file; assumed: {assumed}; "
        "`python -m tts.pretrained describe FILE --clip SPEECH.wav` measures it",
    )


def _tacotron2(
    path: Path,
    data: Mapping[str, Any],
    theirs: dict[str, Tensor],
    hints: CheckpointHints,
    is_torchaudio: bool,
) -> LoadedCheckpoint:
    state = as_float32(from_nvidia_state_dict("Tacotron2", theirs))
    if isinstance(data.get(KEY), dict):
        return LoadedCheckpoint(
            validated_description(path, data[KEY], hints), state, "NVIDIA/tacotron2"
        )
    hints.check(path, "Tacotron2")
    sizes = sizes_of(path, "Tacotron2", theirs)
    config = data.get("config")
    for name in ("p_attention_dropout", "p_decoder_dropout"):  # in files of DeepLearningExamples
        if isinstance(config, Mapping) and isinstance(config.get(name), float):
            sizes[name] = config[name]
    description: dict[str, Any] = {"network": "Tacotron2", "network_config": sizes}
    doubts: tuple[str, ...] = ()
    mel, symbols = _nemo_mel(data, "Tacotron2", sizes), hints.symbols
    if mel.contract is not None:
        description["mel"] = mel.contract
        doubts += (nemo_mel.NEAR,)
    if table := _nemo_symbols(path, data, sizes["n_symbols"], hints):
        symbols, sizes["n_symbols"] = table.symbols, len(table.rows)
        state["embedding.weight"] = state["embedding.weight"][table.rows]
    elif is_torchaudio and symbols is None:
        symbols = tables.BY_SIZE.get(sizes["n_symbols"])
    if symbols is not None:
        description["tokenizer"] = describe_tokenizer(path, symbols, sizes["n_symbols"])
    names = " with torchaudio's names" if is_torchaudio else ""
    layout = _with_author(data, f"Tacotron 2{names}")
    problem = _tacotron2_problem(path, theirs, sizes, symbols is not None) or mel.problem
    description = validated_description(path, description)
    notes = _precision(theirs)
    return LoadedCheckpoint(description, state, layout, notes, doubts, problem, _TRAINED_WITH)


def _nemo_symbols(
    path: Path, data: Mapping[str, Any], n_rows: int, hints: CheckpointHints
) -> NemoSymbols | None:
    config = data.get("nemo")
    table = symbol_table(config, n_rows) if isinstance(config, dict) else None
    if table is not None and hints.symbols is not None:
        raise InputError(f"{path}: its symbols are in the file; they cannot be others")
    return table


def _tacotron2_problem(
    path: Path, theirs: Mapping[str, Tensor], sizes: Mapping[str, Any], has_table: bool
) -> str | None:
    """Return why no network can be built from a file, and what the user can do with the file."""
    advice = "its weights can still start a training, symbol by symbol: train.py init_from=FILE"
    n_inputs, expected = attention_inputs(path, theirs, sizes)
    if n_inputs != expected:
        return (
            f"the attention LSTM takes {n_inputs} inputs, not {expected}: a network from before "
            f"November 2018, wired in another way; {advice}"
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
        f"{cause}; {advice}"
    )


def _precision(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Return the note about weights in half precision, if there are any."""
    halves = [v for v in state.values() if v.dtype in (torch.float16, torch.bfloat16)]
    if not halves:
        return ()
    kind = str(halves[0].dtype).removeprefix("torch.")
    return (f"{len(halves)} of {len(state)} tensors are stored in {kind}; float32 here",)


def _with_author(data: Mapping[str, Any], layout: str) -> str:
    """Put the project that wrote the file before its layout, if the keys of the file show it."""
    if "nemo" in data:
        return f"NeMo: {layout}"
    if "cuda_rng_state_all" in data or "config" in data:
        return f"DeepLearningExamples: {layout}"
    return layout
