"""Makes ``description.json``, from which a programme learns how to run the files of an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from tts import __version__
from tts.audio import MelConfig
from tts.export.exported_module import ExportedModule, Shape, Tensors
from tts.export.folder import KIND
from tts.inference import Denoiser, Synthesizer, WaveGlowVocoder
from tts.models.tacotron2.stopping import GATE_THRESHOLD, MAX_STEPS


def describe_export(
    mel: MelConfig, synthesizer: Synthesizer | None, vocoder: WaveGlowVocoder | None
) -> dict[str, Any]:
    """Describe the exported networks; the files are described by :func:`describe_module`.

    Args:
        mel: contract of the spectrogram between both networks.
        synthesizer: a synthesizer with the acoustic model, if that is exported.
        vocoder: the vocoder, if it is exported.
    """
    return {
        "kind": KIND,
        "version": 1,
        "written_by": {"tacoglow": __version__, "torch": torch.__version__},
        "mel": mel.to_dict(),
        "acoustic": None if synthesizer is None else _acoustic(synthesizer),
        "vocoder": None if vocoder is None else _vocoder(vocoder),
    }


def describe_module(part: ExportedModule, file: str) -> dict[str, Any]:
    """Describe a file: its inputs and outputs by name, type and shape, in the order of the file."""
    sample = part.sample(1, 1)
    return {
        "file": file,
        "inputs": _entries(part.inputs, sample.inputs),
        "outputs": _entries(part.outputs, sample.expected),
    }


def _acoustic(synthesizer: Synthesizer) -> dict[str, Any]:
    config = synthesizer.acoustic.config
    return {
        "network": asdict(config),
        "tokenizer": synthesizer.tokenizer.to_dict(),
        "speakers": list(synthesizer.speakers),
        "n_frames_per_step": config.n_frames_per_step,
        "prenet_dropout": config.prenet_dropout,
        "gate_threshold": GATE_THRESHOLD,
        "max_steps": MAX_STEPS,
    }


def _vocoder(vocoder: WaveGlowVocoder) -> dict[str, Any]:
    config = vocoder.network.config
    # the bias is measured even if it is not subtracted by default: a user of the export may want it
    denoiser = vocoder.denoiser or Denoiser(vocoder.network, vocoder.mel, strength=0.0)
    return {
        "network": asdict(config),
        "sigma": vocoder.sigma,
        "groups_per_frame": config.groups_per_frame,
        "receptive_frames": config.receptive_frames,
        "chunk_frames": vocoder.chunk_frames,
        "denoiser": {"strength": denoiser.strength, "bias": denoiser.bias.flatten().tolist()},
    }


def _entries(shapes: Mapping[str, Shape], tensors: Tensors) -> list[dict[str, Any]]:
    return [
        {"name": name, "dtype": _dtype(tensor), "shape": list(shape)}
        for (name, shape), tensor in zip(shapes.items(), tensors, strict=True)
    ]


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
