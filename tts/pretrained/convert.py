"""Converts checkpoints into another format; the result states its mel contract and its symbols.

Where the source does not state them, the published facts are filled in, and the returned lines say
so. The result is read back at once, so that no user relies on a bad file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, cast

import torch
from torch import nn

from tts.audio import MelConfig
from tts.core.download import sha256
from tts.core.errors import InputError
from tts.models import WaveGlow, WaveGlowConfig
from tts.pretrained.checkpoint import LoadedCheckpoint, build
from tts.pretrained.descriptions import contract_of
from tts.pretrained.files import load, read_checkpoint, save
from tts.text import Tokenizer

#: Ending of the target file -> format.
ENDINGS = {".safetensors": "safetensors", ".pt": "nvidia", ".pth": "nvidia"}
WEIGHT_NORM = ("keep", "fold", "split")


def convert(
    source: str | Path,
    target: str | Path,
    format: str | None = None,
    *,
    weight_norm: str = "keep",
    symbols: Sequence[str] | None = None,
    alternate_halves: bool | None = None,
    mel: Mapping[str, Any] | None = None,
    half: bool = False,
) -> list[str]:
    """Write a checkpoint in another format.

    Args:
        source: anything that `tts.pretrained.load` reads.
        target: the file to write.
        format: "safetensors" or "nvidia"; by default by the ending of `target`.
        weight_norm: for a WaveGlow: "fold" it into plain weights (layout D in NVIDIA's format),
            "split" plain weights for training (layout C), or "keep" the weights unchanged.
        symbols: see `tts.pretrained.load`.
        alternate_halves: see `tts.pretrained.load`.
        mel: fields of the mel contract, for a source that does not state its contract.
        half: round the weights to float16, for a file of half the size.

    Returns:
        Lines for the user that say what was assumed and what was written.

    Raises:
        InputError: the source cannot be loaded, or a format or option is unknown.
    """
    target = Path(target)
    format = format or ENDINGS.get(target.suffix)
    if format is None:
        raise InputError(f"{target}: end it in {', '.join(ENDINGS)}, or say the format")
    if weight_norm not in WEIGHT_NORM:
        raise InputError(f"weight norm {weight_norm!r}: choose from {', '.join(WEIGHT_NORM)}")
    file, checkpoint = read_checkpoint(source, symbols=symbols, alternate_halves=alternate_halves)
    network = build(file, checkpoint)
    if weight_norm != "keep":
        if not isinstance(network, WaveGlow):
            raise InputError(f"{file}: weight norm is a WaveGlow's; this is a Tacotron 2")
        (network.remove_weight_norm if weight_norm == "fold" else network.apply_weight_norm)()
    description, lines = complete_description(file, checkpoint.description, mel)
    source_of = {"file": file.name, "layout": checkpoint.layout, "sha256": sha256(file)}
    description["source"] = checkpoint.description["source"] or source_of
    description["config"] = _without_folders(description["config"])
    save(network, target, format, description, half=half)
    _check_reads_back(target, network, half)
    kind = type(network).__name__
    lines = [f"{file}: {checkpoint.layout}", *checkpoint.notes, *checkpoint.doubts, *lines]
    reads_back = "rounded to float16" if half else "reads back bit for bit"
    return [*lines, f"{target}: {kind} as {format}, {reads_back}"]


def _without_folders(value: Any) -> Any:
    """Keep the last name of each path in a configuration: the folders are private."""
    if isinstance(value, Mapping):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_folders(item) for item in value]
    if isinstance(value, str):
        for kind in (PurePosixPath, PureWindowsPath):
            if kind(value).is_absolute():
                return kind(value).name
    return value


def complete_description(
    path: str | Path, description: Mapping[str, Any], mel: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Fill in the mel contract and the symbols that a published file leaves out.

    Args:
        path: file to name in messages.
        description: a description from `tts.pretrained.describe`.
        mel: fields of the mel contract to use instead of NVIDIA's.

    Returns:
        A description with mel contract and, for a Tacotron 2, tokenizer; and a line for each part
        that was filled in.

    Raises:
        InputError: `mel` is given for a file that states its contract, is illegal, or does not fit
            the network.
    """
    completed, lines = dict(description), []
    if description["mel"] is None:
        contract = _contract(path, description, mel or {})
        completed["mel"] = contract.to_dict()
        origin = "as given" if mel else "not in the file; NVIDIA's"
        lines.append(
            f"mel contract {origin}: {contract.sample_rate} Hz, hop {contract.hop_length}, "
            f"{contract.f_min:g} to {contract.f_max:g} Hz"
        )
    elif mel:
        raise InputError(f"{path}: the mel contract is in the file; it cannot be another one")
    if description["network"] == "Tacotron2" and description["tokenizer"] is None:
        completed["tokenizer"] = Tokenizer().to_dict()
        lines.append("symbols: not in the file; the published table of 148")
    return completed, lines


def read_complete(path: str | Path, network: str) -> LoadedCheckpoint:
    """Read a checkpoint, and fill in what a published file leaves out.

    Args:
        path: a file, or another name of a checkpoint (:mod:`tts.pretrained.sources`).
        network: "Tacotron2" or "WaveGlow", the network that the file must hold.

    Raises:
        InputError: see `tts.pretrained.load`.
    """
    file, checkpoint = read_checkpoint(path, network)
    kind = checkpoint.description["network"]
    if kind != network:
        raise InputError(f"{file}: holds a {kind}; a {network} is needed here")
    return checkpoint._replace(description=complete_description(file, checkpoint.description)[0])


def _contract(
    path: str | Path, description: Mapping[str, Any], mel: Mapping[str, Any]
) -> MelConfig:
    """Return the contract of a file that states none.

    Fields come from `mel`, then from the network's sizes, then from NVIDIA's contract.
    """
    network, sizes = description["network"], description["network_config"]
    own = {name: sizes[name] for name in ("n_mels", "hop_length", "win_length") if name in sizes}
    try:
        return contract_of(network, sizes, {**own, **mel})
    except InputError as error:
        advice = "" if mel else "; state it: convert the file with --mel FIELD=VALUE"
        raise InputError(f"{path}: its mel contract is not in the file: {error}{advice}") from None


def nll_by_order(path: str | Path, clip: str | Path) -> dict[bool, float]:
    """Compute the negative log-likelihood of a recording for both orders of the coupling halves.

    The order with which a WaveGlow was trained gives about -5 to -6 nats for each sample of read
    speech, and the other order gives far more. This is the surest way to find the right order.

    Args:
        path: checkpoint of a WaveGlow.
        clip: file with some seconds of speech.

    Returns:
        A value of `alternate_halves` -> mean negative log-likelihood, in nats for each sample.

    Raises:
        InputError: the checkpoint is no WaveGlow, or the recording cannot be read.
    """
    from tts.audio import LogMel, read_wave
    from tts.models import waveglow_loss

    file, checkpoint = read_checkpoint(path)
    if checkpoint.description["network"] != "WaveGlow":
        raise InputError(f"{file}: only a WaveGlow gives a recording a likelihood")
    contract = MelConfig.from_dict(complete_description(file, checkpoint.description)[0]["mel"])
    samples, _ = read_wave(clip, contract.sample_rate, resample=True, mix_down=True)
    config = WaveGlowConfig(**checkpoint.description["network_config"])
    wave = torch.from_numpy(samples[: len(samples) // config.n_group * config.n_group])[None]
    mel = LogMel(contract)(wave)
    means = {}
    for alternate in (False, True):
        sizes = {**checkpoint.description["network_config"], "alternate_halves": alternate}
        changed = {**checkpoint.description, "network_config": sizes}
        network = cast(WaveGlow, build(file, checkpoint._replace(description=changed)))
        with torch.no_grad():
            means[alternate] = float(waveglow_loss(network(mel, wave))["total"])
    return means


def _check_reads_back(target: Path, network: nn.Module, half: bool) -> None:
    written, expected = load(target).state_dict(), network.state_dict()
    # float16 has 11 bits, and steps of 6e-8 near zero
    rtol, atol = (2**-11, 2**-24) if half else (0.0, 0.0)
    if written.keys() != expected.keys() or any(
        not torch.allclose(written[name], value, rtol, atol) for name, value in expected.items()
    ):
        raise InputError(
            f"{target}: does not read back as it was written; check the disk and convert again"
        )
