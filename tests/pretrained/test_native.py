"""Writes this project's own checkpoints, and reads them back."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.checkpoint_files import assert_same_weights, lightning_checkpoint
from tts.core.errors import InputError
from tts.models import WaveGlow, stored_options
from tts.pretrained import describe, load, save


def description_of(network: torch.nn.Module) -> dict:
    """Return everything that a checkpoint may state about itself, as it fits the network."""
    symbols = ["_", "a", *map(chr, range(0x100, 0x100 + 146))]
    return {
        "mel": {"sample_rate": 16000, "n_mels": network.config.n_mels},
        "tokenizer": {"symbols": symbols, "cleaner": "english_cleaners"},
        "corpus": "LJ Speech",
        "speakers": ["p225"],
        "config": {"seed": 1},
    }


def assert_same(found: torch.nn.Module, expected: torch.nn.Module) -> None:
    assert found.config == expected.config
    assert_same_weights(found, expected)


def lightning(network: torch.nn.Module, /, **changes) -> dict:
    return lightning_checkpoint(network, **{"format": 1, **description_of(network), **changes})


@pytest.fixture(params=["tacotron2", "waveglow", "waveglow_folded"])
def network(request, small_tacotron2, small_waveglow):
    if request.param == "tacotron2":
        return small_tacotron2
    if request.param == "waveglow_folded":
        small_waveglow.remove_weight_norm()
    return small_waveglow


@pytest.mark.parametrize("format", ["safetensors", "nvidia"])
def test_round_trip_is_bit_exact(network, tmp_path, format):
    save(network, tmp_path / "x", format)
    assert_same(load(tmp_path / "x"), network)


def test_round_trip_over_both_formats_is_bit_exact(network, tmp_path):
    save(network, tmp_path / "a", "nvidia")
    save(load(tmp_path / "a"), tmp_path / "b", "safetensors")
    save(load(tmp_path / "b"), tmp_path / "c", "nvidia")
    assert_same(load(tmp_path / "c"), network)


@pytest.mark.parametrize("format", ["safetensors", "nvidia"])
def test_description_survives(network, tmp_path, format):
    save(network, tmp_path / "a", format, description_of(network))
    loaded = load(tmp_path / "a")
    save(loaded, tmp_path / "b", format)
    expected = {
        "format": 1,
        "network": type(network).__name__,
        "network_config": stored_options(network.config),
        **description_of(network),
        "source": None,
    }
    assert loaded.description == expected
    assert describe(tmp_path / "b") == expected


def test_unknown_parts_of_a_description_are_none(network, tmp_path):
    save(network, tmp_path / "x")
    found = describe(tmp_path / "x")
    assert [found[key] for key in ("mel", "tokenizer", "corpus", "config")] == [None] * 4


def test_settings_that_shapes_do_not_show_survive(small_tacotron2, tmp_path):
    network = type(small_tacotron2)(
        small_tacotron2.config, n_symbols=9, mask_convolutions=False, encoder_dropout=0.2
    )
    save(network, tmp_path / "x", "nvidia")
    assert load(tmp_path / "x").config == network.config


def test_lightning_checkpoint_loads(network, tmp_path):
    torch.save(lightning(network), tmp_path / "last.ckpt")
    loaded = load(tmp_path / "last.ckpt")
    assert_same(loaded, network)
    assert loaded.description["corpus"] == "LJ Speech"


def test_other_weights_of_a_task_are_left_out(network, tmp_path):
    content = lightning(network)
    content["state_dict"]["loss.weight"] = torch.zeros(3)
    torch.save(content, tmp_path / "last.ckpt")
    assert_same(load(tmp_path / "last.ckpt"), network)


def test_checkpoint_of_averaged_weights_loads(small_waveglow, tmp_path):
    torch.save(lightning(small_waveglow, ema=True), tmp_path / "last.ckpt")
    assert_same(load(tmp_path / "last.ckpt"), small_waveglow)


def test_loaded_network_is_ready_to_speak_and_to_train(network, tmp_path):
    save(network.train(), tmp_path / "x")
    loaded = load(tmp_path / "x")
    assert not any(module.training for module in loaded.modules())
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    assert not any(parameter.is_meta for parameter in loaded.parameters())


def test_loaded_waveglow_gives_the_same_sound(small_waveglow, tmp_path):
    save(small_waveglow, tmp_path / "x")
    mel = torch.randn(1, 3, 4)
    expected = small_waveglow.inverse(mel, sigma=0.0)
    assert torch.equal(load(tmp_path / "x").inverse(mel, sigma=0.0), expected)


def test_loaded_waveglow_with_a_lapped_front_gives_the_same_sound(tmp_path):
    network = WaveGlow(n_mels=2, hop_length=16, win_length=64, n_flows=2, front="lapped").eval()
    save(network, tmp_path / "network.safetensors")
    mel, z = torch.zeros(1, 2, 3), torch.ones(1, 8, 6)
    loaded = load(tmp_path / "network.safetensors")
    assert torch.equal(loaded.inverse(mel, z=z), network.inverse(mel, z=z))


def test_loaded_weights_do_not_depend_on_the_file(small_waveglow, tmp_path):
    path = tmp_path / "x"
    save(small_waveglow, path)
    loaded = load(path)
    before = loaded.upsample.weight.clone()
    path.write_bytes(b"\xff" * path.stat().st_size)
    assert torch.equal(loaded.upsample.weight, before)


def test_wanted_network_loads(network, tmp_path):
    save(network, tmp_path / "x")
    assert load(tmp_path / "x", network=type(network).__name__).config == network.config


def test_checkpoint_of_the_other_network_is_refused(small_waveglow, tmp_path):
    save(small_waveglow, tmp_path / "voice.ckpt")
    with pytest.raises(InputError, match=r"voice\.ckpt: holds a WaveGlow; a Tacotron2 is needed"):
        load(tmp_path / "voice.ckpt", network="Tacotron2")


def test_later_format_is_refused(small_waveglow, tmp_path):
    torch.save(lightning(small_waveglow, format=2), tmp_path / "x.ckpt")
    with pytest.raises(InputError, match=r"x\.ckpt: written in format 2 by a later tacoglow"):
        load(tmp_path / "x.ckpt")


@pytest.mark.parametrize("name", ["HiFiGAN", None, ["WaveGlow"]])
def test_unknown_network_is_refused(small_waveglow, tmp_path, name):
    torch.save(lightning(small_waveglow, network=name), tmp_path / "x.ckpt")
    with pytest.raises(InputError, match=r"describes the network .* known are Tacotron2, WaveGlow"):
        load(tmp_path / "x.ckpt")


@pytest.mark.parametrize(
    ("change", "message"),
    [({"n_flows": 0}, "n_flows=0"), ({"n_heads": 4}, "n_heads")],
)
def test_impossible_sizes_are_named(small_waveglow, tmp_path, change, message):
    config = {**dataclasses.asdict(small_waveglow.config), **change}
    torch.save(lightning(small_waveglow, network_config=config), tmp_path / "x.ckpt")
    with pytest.raises(InputError, match=rf"x\.ckpt: network_config: .*{message}"):
        load(tmp_path / "x.ckpt")


def test_weights_that_do_not_fit_are_named(small_waveglow, tmp_path):
    config = {**dataclasses.asdict(small_waveglow.config), "n_layers": 4}
    torch.save(lightning(small_waveglow, network_config=config), tmp_path / "x.ckpt")
    with pytest.raises(
        InputError, match=r"x\.ckpt: weights do not fit WaveGlow: .* missing; .* \(and \d+ more\)"
    ):
        load(tmp_path / "x.ckpt")


def test_lightning_checkpoint_opens_with_weights_only(network, tmp_path):
    save(network, tmp_path / "x", "nvidia", description_of(network))
    assert torch.load(tmp_path / "x", weights_only=True)["tacoglow"]["corpus"] == "LJ Speech"


def test_safetensors_is_readable_without_this_project(small_waveglow, tmp_path):
    from safetensors import safe_open

    save(small_waveglow, tmp_path / "x.safetensors", description=description_of(small_waveglow))
    with safe_open(tmp_path / "x.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["tacoglow"])["network"] == "WaveGlow"
    assert load_file(tmp_path / "x.safetensors").keys() == small_waveglow.state_dict().keys()


def test_safetensors_of_somebody_else_is_refused(tmp_path):
    save_file({"weight": torch.zeros(2)}, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match=r"x\.safetensors: neither .*; keys: weight"):
        load(tmp_path / "x.safetensors")


def test_safetensors_with_a_damaged_description_is_refused(tmp_path):
    save_file({"weight": torch.zeros(2)}, tmp_path / "x", metadata={"tacoglow": "{"})
    with pytest.raises(InputError, match="its description is not JSON; copy or download it again"):
        load(tmp_path / "x")


def test_safetensors_of_nvidia_names_loads(small_waveglow, tmp_path):
    from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict

    save_file(to_nvidia_state_dict(small_waveglow), tmp_path / "x.safetensors")
    assert_same(load(tmp_path / "x.safetensors"), small_waveglow)


def test_unknown_format_is_refused(network, tmp_path):
    with pytest.raises(InputError, match="format='onnx': choose from safetensors, nvidia"):
        save(network, tmp_path / "x", "onnx")


@pytest.mark.parametrize("format", ["safetensors", "nvidia"])
def test_folder_that_does_not_exist_is_named(small_waveglow, tmp_path, format):
    with pytest.raises(InputError, match=r"gone/x: cannot be written") as caught:
        save(small_waveglow, tmp_path / "gone" / "x", format)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("format", ["safetensors", "nvidia"])
def test_a_file_is_as_readable_as_any_other(small_waveglow, tmp_path, format):
    (tmp_path / "other").touch()
    save(small_waveglow, tmp_path / "network", format)
    modes = [(tmp_path / name).stat().st_mode for name in ("network", "other")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("format", ["safetensors", "nvidia"])
def test_interrupted_writing_leaves_the_old_file(small_waveglow, tmp_path, monkeypatch, format):
    path = tmp_path / "x"
    save(small_waveglow, path, format)
    before = path.read_bytes()

    def break_off(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", break_off)
    with pytest.raises(InputError, match=r"x: cannot be written \(no space left\)"):
        save(small_waveglow, path, format)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_strange_network_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="Linear"):
        save(torch.nn.Linear(1, 1), tmp_path / "x")
