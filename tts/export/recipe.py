"""Exports checkpoints: divides the networks into modules, and writes and tests their files.

Every file is run on inputs of two lengths and compared with the network from which it was made. A
difference above :data:`TOLERANCE` ends the export, and nothing is left behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from omegaconf import DictConfig

from tts.config import resolved
from tts.config.command_ranges import EXPORT
from tts.config.schema import check_values
from tts.core.download import sha256
from tts.core.errors import InputError, TrainingError
from tts.core.files import check_own_folder, own_folder
from tts.core.output import print_line
from tts.core.progress import announced
from tts.export.folder import DESCRIPTION, is_export
from tts.pretrained.sources import require_source

if TYPE_CHECKING:
    from tts.audio import MelConfig
    from tts.export.exported_module import ExportedModule, Tensors
    from tts.export.formats import Runner
    from tts.inference import Synthesizer, WaveGlowVocoder

#: Largest difference between a file and its network, relative to numbers above 1.
TOLERANCE = 1e-4
# what the folder of an export is called in messages
_KIND = "an export"
#: (utterances, length) of the inputs with which every file is tested.
_TRIALS = ((1, 9), (2, 30))


class Networks(NamedTuple):
    """Holds the networks to export, and the contract of the spectrogram that they share."""

    mel: MelConfig
    synthesizer: Synthesizer | None
    vocoder: WaveGlowVocoder | None


def export(cfg: DictConfig) -> Path:
    """Export the networks that a configuration names.

    Args:
        cfg: the composed configuration, see ``conf/export.yaml``.

    Returns:
        The folder.

    Raises:
        InputError: a value is illegal, a checkpoint cannot be used, a package is missing, or the
            folder cannot be written or holds something else.
        TrainingError: a file does not compute what its network does.
    """
    config = resolved(cfg)
    check_values(config, EXPORT)
    folder = Path(str(config["output"])).expanduser()
    _check(config, folder)
    with announced("loading the networks"):
        networks = load_networks(config["acoustic"], config["vocoder"])
    with own_folder(folder, is_export, _KIND) as temporary:
        for line in write_folder(networks, temporary, config):
            print_line(line)
    print_line(f"{folder}/: complete; {DESCRIPTION} lists the inputs and outputs")
    return folder


def _check(config: Mapping[str, Any], folder: Path) -> None:
    """Find mistakes of the user before torch is loaded."""
    if config["output"] is None:
        raise InputError("output=null: name a folder")
    if config["acoustic"] is None and config["vocoder"] is None:
        raise InputError("nothing to export: set acoustic=CKPT, vocoder=CKPT or both")
    if config["vocoder"] == "griffin_lim":
        raise InputError("vocoder=griffin_lim: has no network to export; leave it out")
    if config["precision"] == "int8" and config["format"] != "onnx":
        raise InputError("precision=int8: is for format=onnx; torch has no such files")
    if config["precision"] == "int8" and config["acoustic"] is None:
        raise InputError("precision=int8: is for the decoder step; set acoustic=CKPT")
    for key in ("acoustic", "vocoder"):
        if config[key] is not None:
            require_source(config[key], key)
    check_own_folder(folder, is_export, _KIND)
    if config["format"] == "onnx":
        _check_installed()


def _check_installed() -> None:
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise InputError(
            f"format=onnx needs {' and '.join(missing)}: pip install 'tacoglow[export]', or take "
            "format=torch"
        )


def load_networks(acoustic: str | None, vocoder: str | None) -> Networks:
    """Load the networks to export, by file or by published name.

    Raises:
        InputError: a checkpoint cannot be used, or the two do not fit each other.
    """
    from tts.inference import Synthesizer, load_waveglow

    synthesizer = Synthesizer.from_pretrained(acoustic, device="cpu") if acoustic else None
    waveglow = load_waveglow(vocoder)[0] if vocoder else None
    if synthesizer is None or waveglow is None:
        either = synthesizer or waveglow
        assert either is not None
        return Networks(either.mel, synthesizer, waveglow)
    if differences := synthesizer.mel.differences(waveglow.mel):
        raise InputError(
            "acoustic model and vocoder were trained on different mels: "
            f"{'; '.join(differences)} (here: acoustic, there: vocoder); export them one by one"
        )
    return Networks(synthesizer.mel, synthesizer, waveglow)


def write_folder(networks: Networks, folder: Path, config: Mapping[str, Any]) -> Iterator[str]:
    """Write all files into an existing folder, and yield a line for each after its test."""
    import torch

    from tts.export.description import describe_export, describe_module
    from tts.export.formats import ENDINGS

    description = describe_export(*networks)
    description |= {name: config[name] for name in ("format", "precision")}
    description["opset"] = config["opset"] if config["format"] == "onnx" else None
    description["parts"] = {}
    for part in exported_modules(networks):
        path = folder / f"{part.name}{ENDINGS[config['format']]}"
        with announced(f"exporting {path.name}"), torch.no_grad():
            measured = _write_part(part, path, config)
        described = {**describe_module(part, path.name), "sha256": sha256(path)}
        description["parts"][part.name] = {**described, **measured}
        yield _line(path, measured)
    text = json.dumps(description, indent=1, ensure_ascii=False)
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")


def exported_modules(networks: Networks) -> Iterator[ExportedModule]:
    """Yield the modules of all networks, each made only when it is needed."""
    from tts.export.acoustic import acoustic_modules
    from tts.export.vocoder import waveglow_module

    if networks.synthesizer is not None:
        yield from acoustic_modules(networks.synthesizer.acoustic)
    if networks.vocoder is not None:
        yield waveglow_module(networks.vocoder.network)


def _write_part(part: ExportedModule, path: Path, config: Mapping[str, Any]) -> dict[str, float]:
    """Write a module, test the file, and return the measured differences."""
    from tts.export.acoustic import lstm_widths
    from tts.export.formats import open_runner, write_module
    from tts.export.quantise_onnx import quantise

    write_module(part, path, config["format"], config["opset"])
    measured = {"difference": largest_difference(part, open_runner(path))}
    if not measured["difference"] <= TOLERANCE:
        raise TrainingError(
            f"{path.name}: differs from the network by {measured['difference']:.1e}, more than "
            f"{TOLERANCE:g}; nothing was written"
        )
    if config["precision"] == "int8" and part.name == "decoder_step":
        quantise(path, lstm_widths(part.module))
        measured["int8_difference"] = largest_difference(part, open_runner(path))
    return measured


def largest_difference(part: ExportedModule, run: Runner) -> float:
    """Return the largest difference between a file and its network, over two lengths and batches.

    It is relative to the largest number of an output where that is above 1, and infinite where one
    of the two outputs is not a number.
    """
    samples = [part.sample(batch, length) for batch, length in _TRIALS]
    return max(_difference(run(sample.inputs), sample.expected) for sample in samples)


def _difference(outputs: Tensors, expected: Tensors) -> float:
    import torch

    largest = 0.0
    for here, there in zip(outputs, expected, strict=True):
        # the attention's bias has infinities, which must be equal
        difference = torch.where(here == there, 0.0, (here - there).abs()).max()
        scale = there[there.isfinite()].abs().max().clamp(min=1.0)
        largest = max(largest, float((difference / scale).nan_to_num(nan=torch.inf)))
    return largest


def _line(path: Path, measured: Mapping[str, float]) -> str:
    size = path.stat().st_size / 2**20
    line = f"{path.name:<20} {size:8.1f} MiB   differs by {measured['difference']:.1e} at most"
    if "int8_difference" in measured:
        line += f"; with 8 bits by {measured['int8_difference']:.1e}"
    return line
