"""Loads networks from checkpoint files, saves them, and describes what a file holds."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from tts.core.errors import InputError, listed, printable_name
from tts.core.files import replacing
from tts.models import WaveGlow, stored_options
from tts.pretrained.checkpoint import LoadedCheckpoint, as_float32, build, uncompiled_name
from tts.pretrained.checksums import CHECKSUM, content_checksum
from tts.pretrained.descriptions import (
    FORMAT,
    KEY,
    NETWORKS,
    CheckpointHints,
    contract_of,
    validated_description,
)
from tts.pretrained.importers.containers import read_contents
from tts.pretrained.importers.nvidia import parse_nvidia
from tts.pretrained.importers.nvidia_names import constructor_arguments, to_nvidia_state_dict
from tts.pretrained.native import parse_native
from tts.pretrained.sources import catalogue_entry, checkpoint_file

_log = logging.getLogger(__name__)


def load(
    path: str | Path,
    device: str | torch.device = "cpu",
    network: str | None = None,
    *,
    symbols: Sequence[str] | None = None,
    alternate_halves: bool | None = None,
) -> nn.Module:
    """Build the network of a checkpoint of this project, or of a published one.

    No code of the file is run. Half precision becomes float32. The network has what the file says
    about itself in its attribute `description`, with the keys of `describe`. A WaveGlow whose
    weight norm was folded stays folded; `apply_weight_norm` splits it again for training.

    Args:
        path: Lightning checkpoint or safetensors of this project; a file of NVIDIA/tacotron2,
            NVIDIA/waveglow (any layout, weights or pickled module), DeepLearningExamples, NeMo or
            torchaudio; a name of `tts.pretrained.catalogue`, which is downloaded once; a published
            folder; or ``hf://OWNER/NAME``.
        device: device for the weights.
        network: "Tacotron2" or "WaveGlow" if the file must hold that network.
        symbols: symbols of a Tacotron 2 whose file does not say them, in the order of its
            embedding.
        alternate_halves: for a WaveGlow of another project: whether its couplings transform the
            two halves in turn, where the file does not say so or a conversion assumed it wrongly.

    Returns:
        `tts.models.Tacotron2` or `tts.models.WaveGlow`, in eval mode.

    Raises:
        InputError: one line that names the file and what is wrong with it.
    """
    file, checkpoint = read_checkpoint(
        path, network, symbols=symbols, alternate_halves=alternate_halves
    )
    kind = checkpoint.description["network"]
    if network is not None and kind != network:
        raise InputError(f"{file}: holds a {kind}; a {network} is needed here")
    built = build(file, checkpoint).to(device)
    for note in checkpoint.notes:
        _log.info("%s: %s", file, note)
    for doubt in checkpoint.doubts:
        _log.warning("%s: %s", file, doubt)
    cast("Any", built).description = checkpoint.description
    return built


def describe(path: str | Path) -> dict[str, Any]:
    """Describe what a checkpoint holds, without building the network.

    Returns:
        "format", "network" (name of the class), "network_config", "mel", "tokenizer", "corpus",
        "speakers" (their names, if there are several), "config", "source" (the file from which it
        was converted); None for what the file does not say.

    Raises:
        InputError: see `load`.
    """
    return read_checkpoint(path)[1].description


def read_checkpoint(
    path: str | Path,
    network: str | None = None,
    *,
    symbols: Sequence[str] | None = None,
    alternate_halves: bool | None = None,
) -> tuple[Path, LoadedCheckpoint]:
    """Read a checkpoint, also one from which `load` would refuse to build a network.

    Args:
        path: a file, or another name of a checkpoint (:mod:`tts.pretrained.sources`).
        network: "Tacotron2" or "WaveGlow", which of the two a published voice shall give.
        symbols: see `load`.
        alternate_halves: see `load`.

    Returns:
        The file, and what it holds.

    Raises:
        InputError: see `load`.
    """
    path = os.path.expanduser(path)
    file = checkpoint_file(path, network)
    published = catalogue_entry(path)
    data = read_contents(file)
    if published and alternate_halves is None:
        alternate_halves = published.alternate_halves
    hints = CheckpointHints(symbols, alternate_halves)
    checkpoint = parse_native(file, data, hints) or parse_nvidia(file, data, hints)
    if checkpoint is None:
        raise InputError(
            f"{file}: neither a Tacotron 2 nor a WaveGlow of a known layout; keys: {_keys(data)}"
        )
    if published and published.mel and checkpoint.description["mel"] is None:
        network, sizes = (checkpoint.description[name] for name in ("network", "network_config"))
        mel = contract_of(network, sizes, {"n_mels": sizes["n_mels"], **published.mel})
        checkpoint.description["mel"] = mel.to_dict()
    return file, checkpoint


def save(
    network: nn.Module,
    path: str | Path,
    format: str = "safetensors",
    description: dict[str, Any] | None = None,
    *,
    half: bool = False,
) -> None:
    """Write a network to a file, completely or not at all.

    Args:
        network: `tts.models.Tacotron2` or `tts.models.WaveGlow`, compiled or not.
        path: the file, replaced if it exists.
        format: "safetensors"; or "nvidia": a state dict under NVIDIA's names, for a WaveGlow in
            layout C (or D, if its weight norm is folded) with the arguments of NVIDIA's
            constructor under "config".
        description: mel contract, tokenizer and so on, as `describe` returns them; by default
            those that `load` read. The name and the sizes of the network are always the
            network's own.
        half: round the weights to float16, for a file of half the size; `load` makes them float32
            again. Whole numbers, and tensors with a value that float16 cannot hold, stay unchanged.

    Raises:
        InputError: the format is unknown, the file cannot be written, or NVIDIA's layout has no
            place for the network.
    """
    if format not in _WRITERS:
        raise InputError(f"format={format!r}: choose from {', '.join(_WRITERS)}")
    path = Path(path)
    network = getattr(network, "_orig_mod", network)  # of torch.compile
    stated = description if description is not None else getattr(network, "description", None)
    if type(network).__name__ not in NETWORKS:
        raise InputError(
            f"a {type(network).__name__} cannot be saved; known: {', '.join(NETWORKS)}"
        )
    own = {"network": type(network).__name__, "network_config": stored_options(network.config)}
    complete = validated_description(path, {**(stated or {}), **own, "format": FORMAT})
    _WRITERS[format](network, path, complete, half)


def _halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Round tensors of floating point to float16, except those that would overflow."""
    largest = torch.finfo(torch.float16).max
    return {
        name: value.half() if value.is_floating_point() and value.abs().max() < largest else value
        for name, value in tensors.items()
    }


def _keys(data: dict[str, Any]) -> str:
    """Return the first keys of a file for a message, or those of its state dict if it has one."""
    inner = data.get("state_dict")
    names = inner if isinstance(inner, dict) and inner else data
    return listed([printable_name(name) for name in names if isinstance(name, str)], 5)


def _save_safetensors(
    network: nn.Module, path: Path, description: dict[str, Any], half: bool
) -> None:
    from safetensors.torch import save as to_bytes

    state = network.state_dict()
    tensors = as_float32({uncompiled_name(name): value for name, value in state.items()})
    tensors = _halved(tensors) if half else tensors
    metadata = {KEY: json.dumps(description, default=str)}
    metadata[CHECKSUM] = content_checksum(metadata, tensors)
    # its function for files makes a temporary file of its own, which a kill would leave behind
    _write(path, lambda part: part.write_bytes(to_bytes(tensors, metadata)))


def _save_nvidia(network: nn.Module, path: Path, description: dict[str, Any], half: bool) -> None:
    tensors = as_float32(to_nvidia_state_dict(network))
    content: dict[str, Any] = {
        "state_dict": _halved(tensors) if half else tensors,
        "iteration": 0,
        KEY: description,
    }
    if isinstance(network, WaveGlow):
        content["config"] = constructor_arguments(network)
    _write(path, lambda part: torch.save(content, part))


_WRITERS = {"safetensors": _save_safetensors, "nvidia": _save_nvidia}


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Write a temporary file next to the target and rename it, so that no file is ever partial."""
    try:
        with replacing(path) as part:
            write(part)
    except Exception as error:  # torch and safetensors raise more types than OSError
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror  # without the temporary name
        raise InputError(f"{path}: cannot be written ({reason})") from None
