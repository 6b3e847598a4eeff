"""Translates the names that other projects give NVIDIA's weights."""

from __future__ import annotations

import re

import pytest
import torch

from tests.support.checkpoint_files import assert_same_weights, with_symbols
from tts.models import WaveGlow
from tts.pretrained import describe, load
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict
from tts.text import Tokenizer


def torchaudios(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        re.sub(r"\.(conv|linear_layer)\.(weight|bias)$", r".\2", n): v for n, v in state.items()
    }


@pytest.mark.parametrize(
    ("n_symbols", "text"), [(38, "hello, world"), (96, "{HH AH0 L OW1}, {W ER1 L D}")]
)
def test_torchaudios_bundle_loads_and_reads(small_tacotron2, tmp_path, n_symbols, text):
    network = with_symbols(small_tacotron2, n_symbols)
    torch.save(torchaudios(to_nvidia_state_dict(network)), tmp_path / "bundle.pth")
    loaded = load(tmp_path / "bundle.pth")
    assert loaded.config == network.config
    assert_same_weights(loaded, network)
    tokenizer = Tokenizer.from_dict(loaded.description["tokenizer"])
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_torchaudios_characters_have_their_ids(small_tacotron2, tmp_path):
    network = with_symbols(small_tacotron2, 38)
    torch.save(torchaudios(to_nvidia_state_dict(network)), tmp_path / "bundle.pth")
    tokenizer = Tokenizer.from_dict(describe(tmp_path / "bundle.pth")["tokenizer"])
    # their documentation's example
    assert tokenizer.encode("Hello world!") == [19, 16, 23, 23, 26, 11, 34, 26, 29, 23, 15, 2]


def test_names_of_torchs_newer_weight_norm_load(small_waveglow, tmp_path):
    state = {
        name.replace("weight_g", "parametrizations.weight.original0").replace(
            "weight_v", "parametrizations.weight.original1"
        ): value
        for name, value in to_nvidia_state_dict(small_waveglow).items()
    }
    torch.save({"state_dict": state}, tmp_path / "x.pt")
    assert_same_weights(load(tmp_path / "x.pt"), small_waveglow)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("half", [False, True], ids=["fp32", "fp16"])
@pytest.mark.parametrize("n_channels", [6, 12])
def test_deep_learning_examples_waveglow_loads(
    small_waveglow, layouts, tmp_path, half, legacy, n_channels
):
    network = WaveGlow(small_waveglow.config, n_channels=n_channels)
    network = (network.half() if half else network).eval()
    state = layouts["list"](to_nvidia_state_dict(network))
    content = {
        "epoch": 1000,
        "cuda_rng_state_all": torch.zeros(2, 16, dtype=torch.uint8),
        "random_rng_state": torch.get_rng_state(),
        "config": {"n_mel_channels": 3, "WN_config": {"n_channels": n_channels}},
        "state_dict": {f"module.{name}": value for name, value in state.items()},
        "optimizer": {"state": {0: {"step": 3}}, "param_groups": [{"lr": 1e-4, "params": [0]}]},
        "amp": {"loss_scaler0": {"loss_scale": 65536.0, "unskipped": 7}},
    }
    torch.save(content, tmp_path / "x", _use_new_zipfile_serialization=not legacy)
    loaded = load(tmp_path / "x")
    assert loaded.config == network.config
    assert_same_weights(loaded, network.float())


def test_deep_learning_examples_say_their_dropout(small_tacotron2, tmp_path):
    content = {
        "config": {"p_attention_dropout": 0.2, "p_decoder_dropout": 0.3, "mask_padding": False},
        "state_dict": {f"module.{n}": v for n, v in to_nvidia_state_dict(small_tacotron2).items()},
    }
    torch.save(content, tmp_path / "x")
    config = load(tmp_path / "x").config
    assert (config.p_attention_dropout, config.p_decoder_dropout) == (0.2, 0.3)
