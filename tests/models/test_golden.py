"""Compares our networks with stored results of NVIDIA's code, see tests/golden/make_golden.py."""

from __future__ import annotations

import dataclasses
import importlib.util
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.support.paths import GOLDEN
from tts.audio import LogMel, MelConfig
from tts.models import Tacotron2, WaveGlow
from tts.pretrained.importers.nvidia_names import from_nvidia_state_dict, to_nvidia_state_dict
from tts.text import Tokenizer

TOLERANCE = 1e-4


def load_formula() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_formula", GOLDEN / "formula.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


formula = load_formula()


def golden(name: str) -> dict[str, Tensor]:
    with np.load(GOLDEN / name) as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays}


def filled(network: torch.nn.Module) -> torch.nn.Module:
    """Give a network the weights that NVIDIA's network had, by their names."""
    config = network.config
    if isinstance(network, Tacotron2):
        config = dataclasses.replace(config, prenet_dropout=0.5)  # NVIDIA's network has this rate
    names = to_nvidia_state_dict(type(network)(config))
    shapes = {name: tuple(value.shape) for name, value in names.items()}
    network.load_state_dict(from_nvidia_state_dict(type(network).__name__, formula.weights(shapes)))
    return network.eval()


def assert_close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found.detach(), expected, atol=TOLERANCE, rtol=0)


@pytest.fixture(scope="module")
def tacotron2() -> Tacotron2:
    sizes = dict(formula.TACOTRON2)
    return filled(
        Tacotron2(
            n_mels=sizes.pop("n_mel_channels"),
            **sizes,
            prenet_dropout=0.0,
            mask_convolutions=False,  # in NVIDIA's network padding leaks
        )
    )


@pytest.fixture(scope="module")
def waveglow() -> WaveGlow:
    sizes = dict(formula.WAVEGLOW)
    return filled(WaveGlow(n_mels=sizes.pop("n_mel_channels"), **sizes.pop("WN_config"), **sizes))


@pytest.fixture(scope="module", params=["equal", "ragged"])
def teacher_forced(request, tacotron2):
    text_lengths, mel_lengths = (torch.tensor(x) for x in formula.LENGTHS[request.param])
    mel = formula.log_mel(tacotron2.config.n_mels, int(mel_lengths.max()))
    for row, length in enumerate(mel_lengths):
        mel[row, :, length:] = 0.0
    output = tacotron2(formula.text(), text_lengths, mel, mel_lengths)
    expected = golden("tacotron2.npz")
    names = {
        "mel": "mel",
        "mel_post": "mel_post",
        "gate_logits": "gate",
        "alignments": "alignments",
    }
    return {
        ours: (getattr(output, ours), expected[f"{request.param}_{theirs}"])
        for ours, theirs in names.items()
    }


@pytest.mark.parametrize("part", ["mel", "mel_post", "gate_logits", "alignments"])
def test_teacher_forced_tacotron2(teacher_forced, part):
    assert_close(*teacher_forced[part])


@pytest.mark.parametrize("row", [0, 1])
@pytest.mark.parametrize("compiled", [False, True])
def test_generated_tacotron2(tacotron2, row, compiled, request):
    if compiled:
        request.getfixturevalue("compiled_decoding")
    text = formula.text()[row : row + 1]
    generated = tacotron2.generate(
        text,
        torch.tensor([text.size(1)]),
        max_steps=formula.MAX_STEPS,
        gate_threshold=formula.GATE_THRESHOLD,
    )
    expected = golden("tacotron2.npz")
    assert_close(generated.mel_post, expected[f"generated{row}_mel_post"])
    assert_close(generated.gate_logits, expected[f"generated{row}_gate"])
    assert_close(generated.alignments, expected[f"generated{row}_alignments"])
    assert generated.stop_reason == (("gate",), ("max_steps",))[row]


def test_waveglow_forward(waveglow):
    output = waveglow(formula.log_mel(waveglow.config.n_mels, 3), formula.wave(768))
    expected = golden("waveglow.npz")
    assert_close(output.z, expected["z"])
    for k, log_s in enumerate(output.log_s):
        assert_close(log_s, expected[f"log_s{k}"])
    assert_close(output.log_det, expected["log_det"])


def test_waveglow_inverse(waveglow):
    drawn = [formula.numbers(f"noise{i}", 2, n, 96) for i, n in enumerate((6, 2))]
    found = waveglow.inverse(
        formula.log_mel(waveglow.config.n_mels, 3), z=0.7 * torch.cat(drawn[::-1], dim=1)
    )
    assert_close(found, golden("waveglow.npz")["generated"])


def test_log_mel():
    found = LogMel(MelConfig())(formula.wave(4000, n_waves=1))
    assert_close(found, golden("mel.npz")["mel"])


def test_text_ids():
    arrays = golden("text_ids.npz")
    expected = [row.tolist() for row in arrays["ids"].split(arrays["lengths"].tolist())]
    lines = (GOLDEN / "ljspeech_200.txt").read_text(encoding="utf-8").splitlines()
    sentences = [line for line in lines if not line.startswith("#")]
    tokenizer = Tokenizer(on_unknown="ignore")
    assert len(sentences) == len(expected) == 200
    different = [
        sentence
        for sentence, ids in zip(sentences, expected, strict=True)
        if tokenizer.encode(sentence) != ids
    ]
    assert different == []
