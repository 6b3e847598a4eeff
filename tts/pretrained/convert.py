"""One checkpoint format into another, complete: the result states its mel contract and symbols.

What the source does not say is filled in with the published facts, and the lines that are returned
say so. The result is read back before anybody relies on it.
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

#: Ending of the target -> format.
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
        weight_norm: of a WaveGlow: "fold" it into plain weights (layout D in NVIDIA's format),
            "split" plain weights for training (layout C), or "keep" them as they are.
        symbols: see `tts.pretrained.load`.
        alternate_halves: see `tts.pretrained.load`.
        mel: fields of the mel contract that the source does not say.
        half: round the weights to float16: a file of half the size.

    Returns:
        Lines that say what was taken for granted and what was written.

    Raises:
        InputError: a source that cannot be loaded, or an unknown format or option.
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
    description["config"] = _without_places(description["config"])
    save(network, target, format, description, half=half)
    _check_reads_back(target, network, half)
    kind = type(network).__name__
    lines = [f"{file}: {checkpoint.layout}", *checkpoint.notes, *checkpoint.doubts, *lines]
    reads_back = "rounded to float16" if half else "reads back bit for bit"
    return [*lines, f"{target}: {kind} as {format}, {reads_back}"]


def _without_places(value: Any) -> Any:
    """Of paths in a configuration the last name: where somebody's folders lie is not given away."""
    if isinstance(value, Mapping):
        return {key: _without_places(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_places(item) for item in value]
    if isinstance(value, str):
        for kind in (PurePosixPath, PureWindowsPath):
            if kind(value).is_absolute():
                return kind(value).name
    return value


def complete_description(
    path: str | Path, description: Mapping[str, Any], mel: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Fill in what a published file leaves out.

    Args:
        path: for messages.
        description: as `tts.pretrained.describe` gives it.
        mel: fields of the mel contract to use instead of NVIDIA's.

    Returns:
        A description with mel contract and, for a Tacotron 2, tokenizer; and a line for each part
        that was filled in.

    Raises:
        InputError: `mel` for a file that states its contract, or one that is illegal or not the
            network's.
    """
    done, lines = dict(description), []
    if description["mel"] is None:
        contract = _contract(path, description, mel or {})
        done["mel"] = contract.to_dict()
        whose = "as given" if mel else "not in the file; NVIDIA's"
        lines.append(
            f"mel contract {whose}: {contract.sample_rate} Hz, hop {contract.hop_length}, "
            f"{contract.f_min:g} to {contract.f_max:g} Hz"
        )
    elif mel:
        raise InputError(f"{path}: the mel contract is in the file; it cannot be another one")
    if description["network"] == "Tacotron2" and description["tokenizer"] is None:
        done["tokenizer"] = Tokenizer().to_dict()
        lines.append("symbols: not in the file; the published table of 148")
    return done, lines


def read_complete(path: str | Path, network: str) -> LoadedCheckpoint:
    """Read a checkpoint, with what a published file leaves out filled in.

    Args:
        path: a file, or a name of the catalogue.
        network: "Tacotron2" or "WaveGlow": the one it has to be.

    Raises:
        InputError: as `tts.pretrained.load`.
    """
    file, checkpoint = read_checkpoint(path)
    found = checkpoint.description["network"]
    if found != network:
        raise InputError(f"{file}: holds a {found}; a {network} is needed here")
    return checkpoint._replace(description=complete_description(file, checkpoint.description)[0])


def _contract(
    path: str | Path, description: Mapping[str, Any], mel: Mapping[str, Any]
) -> MelConfig:
    """Contract of a file that states none: as given, then the network's, then NVIDIA's."""
    network, sizes = description["network"], description["network_config"]
    own = {name: sizes[name] for name in ("n_mels", "hop_length", "win_length") if name in sizes}
    try:
        return contract_of(network, sizes, {**own, **mel})
    except InputError as error:
        way_out = "" if mel else "; say what it is: convert it with --mel FIELD=VALUE"
        raise InputError(f"{path}: its mel contract is not in the file: {error}{way_out}") from None


def nll_by_order(path: str | Path, clip: str | Path) -> dict[bool, float]:
    """Negative log-likelihood of a recording under both orders of WaveGlow's coupling halves.

    The order that a network was trained with gives about -5 to -6 for each sample of read speech,
    the other one far more: the surest way to tell them apart.

    Args:
        path: a WaveGlow.
        clip: some seconds of speech.

    Returns:
        `alternate_halves` -> mean negative log-likelihood.

    Raises:
        InputError: no WaveGlow, or a recording that cannot be read at its rate.
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
    found = {}
    for alternate in (False, True):
        sizes = {**checkpoint.description["network_config"], "alternate_halves": alternate}
        known = {**checkpoint.description, "network_config": sizes}
        network = cast(WaveGlow, build(file, checkpoint._replace(description=known)))
        with torch.no_grad():
            found[alternate] = float(waveglow_loss(network(mel, wave))["total"])
    return found


def _check_reads_back(target: Path, network: nn.Module, half: bool) -> None:
    again, expected = load(target).state_dict(), network.state_dict()
    # of float16: 11 bits, and steps of 6e-8 near zero
    rtol, atol = (2**-11, 2**-24) if half else (0.0, 0.0)
    if again.keys() != expected.keys() or any(
        not torch.allclose(again[name], value, rtol, atol) for name, value in expected.items()
    ):
        raise InputError(f"{target}: does not read back as it was written; is the disk sound?")
