"""Converts checkpoints, by function and by command."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from tests.support.checkpoint_files import assert_same_weights
from tts.commands.pretrained import main
from tts.core.errors import InputError
from tts.models import Tacotron2, WaveGlow
from tts.pretrained import describe, load, save
from tts.pretrained.convert import convert
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict


@pytest.fixture
def published(small_tacotron2, tmp_path):
    path = tmp_path / "tacotron2_statedict.pt"
    torch.save({"state_dict": to_nvidia_state_dict(small_tacotron2)}, path)
    return path


def test_converted_file_describes_itself(published, small_tacotron2, tmp_path):
    lines = convert(published, tmp_path / "x.safetensors")
    found = describe(tmp_path / "x.safetensors")
    assert (found["mel"]["sample_rate"], found["mel"]["n_mels"]) == (22050, 4)
    assert len(found["tokenizer"]["symbols"]) == 148
    assert found["source"]["file"] == "tacotron2_statedict.pt"
    assert len(found["source"]["sha256"]) == 64
    assert any("mel contract not in the file; NVIDIA's" in line for line in lines)
    assert any("symbols: not in the file" in line for line in lines)
    assert_same_weights(load(tmp_path / "x.safetensors"), small_tacotron2)


def test_folders_of_the_machine_that_trained_are_not_passed_on(small_waveglow, tmp_path):
    config = {
        "paths": {"log_dir": "/home/ann/runs", "data_dir": "data"},
        "init_from": "C:\\Users\\ann\\first.ckpt",
        "parts": ["/mnt/a b/LJSpeech-1.1", 3, None],
        "name": "mine",
    }
    save(small_waveglow, tmp_path / "a.safetensors", description={"config": config})
    convert(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert describe(tmp_path / "b.safetensors")["config"] == {
        "paths": {"log_dir": "runs", "data_dir": "data"},
        "init_from": "first.ckpt",
        "parts": ["LJSpeech-1.1", 3, None],
        "name": "mine",
    }


@pytest.mark.parametrize("kind", ["tacotron2", "waveglow", "waveglow_folded"])
def test_ours_to_nvidia_to_ours_is_bit_exact(kind, small_tacotron2, small_waveglow, tmp_path):
    network = small_tacotron2 if kind == "tacotron2" else small_waveglow
    if kind == "waveglow_folded":
        network.remove_weight_norm()
    save(network, tmp_path / "a.safetensors")
    convert(tmp_path / "a.safetensors", tmp_path / "b.pt")
    convert(tmp_path / "b.pt", tmp_path / "c.safetensors")
    assert_same_weights(load(tmp_path / "c.safetensors"), network)
    first, last = describe(tmp_path / "b.pt"), describe(tmp_path / "c.safetensors")
    assert first == last


@pytest.mark.parametrize("ending", ["safetensors", "pt"])
def test_half_precision_is_rounded_where_it_fits(ending, small_tacotron2, tmp_path):
    with torch.no_grad():
        small_tacotron2.embedding.weight[0, 0] = 1e5  # more than float16 holds
        small_tacotron2.embedding.weight[0, 1] = 1e-7
    save(small_tacotron2, tmp_path / "a.safetensors")
    lines = convert(tmp_path / "a.safetensors", tmp_path / f"b.{ending}", half=True)
    assert lines[-1].endswith("rounded to float16")
    found, expected = load(tmp_path / f"b.{ending}").state_dict(), small_tacotron2.state_dict()
    for name, value in expected.items():
        rounded = value if name == "embedding.weight" else value.half().to(value.dtype)
        assert torch.equal(found[name], rounded if value.is_floating_point() else value), name
    file = tmp_path / f"b.{ending}"
    stored = load_file(file) if ending == "safetensors" else torch.load(file)["state_dict"]
    kept = [name for name, value in stored.items() if value.dtype == torch.float32]
    assert len(kept) == 1
    assert "embedding" in kept[0]


def test_source_of_the_first_conversion_is_kept(published, tmp_path):
    convert(published, tmp_path / "a.safetensors")
    convert(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert describe(tmp_path / "b.safetensors")["source"]["file"] == published.name


def test_weight_norm_is_folded_and_split(small_waveglow, tmp_path):
    save(small_waveglow, tmp_path / "c.safetensors")
    convert(tmp_path / "c.safetensors", tmp_path / "d.pt", weight_norm="fold")
    folded = torch.load(tmp_path / "d.pt", weights_only=True)["state_dict"]
    assert not [name for name in folded if name.endswith(("_g", "_v"))]
    convert(tmp_path / "d.pt", tmp_path / "e.pt", weight_norm="split")
    again = load(tmp_path / "e.pt")
    assert again.state_dict().keys() == small_waveglow.state_dict().keys()
    mel, wave = torch.randn(1, 3, 4), torch.rand(1, 1024) - 0.5
    torch.testing.assert_close(again(mel, wave).z, small_waveglow(mel, wave).z)


def test_format_follows_the_ending(published, tmp_path):
    with pytest.raises(InputError, match=r"x\.bin: end it in \.safetensors, \.pt, \.pth"):
        convert(published, tmp_path / "x.bin")
    convert(published, tmp_path / "x.bin", "safetensors")
    assert isinstance(load(tmp_path / "x.bin"), Tacotron2)


def test_mel_contract_can_be_given_where_the_file_does_not_say(published, tmp_path):
    convert(published, tmp_path / "x.safetensors", mel={"sample_rate": 24000})
    assert describe(tmp_path / "x.safetensors")["mel"]["sample_rate"] == 24000
    with pytest.raises(InputError, match="the mel contract is in the file"):
        convert(tmp_path / "x.safetensors", tmp_path / "y.pt", mel={"sample_rate": 16000})


def test_unknown_weight_norm_is_refused(published, tmp_path):
    with pytest.raises(InputError, match="weight norm 'gone': choose from keep, fold, split"):
        convert(published, tmp_path / "x.pt", weight_norm="gone")


def test_command_converts_and_describes(published, tmp_path, capsys):
    target = tmp_path / "x.safetensors"
    assert main(["convert", str(published), str(target)]) == 0
    assert "as safetensors, reads back bit for bit" in capsys.readouterr().out
    assert main(["describe", str(target)]) == 0
    out = capsys.readouterr().out
    assert "network   Tacotron2" in out
    assert "symbols   148" in out
    assert main(["describe", str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["network"] == "Tacotron2"


def test_command_takes_symbols_order_and_contract(small_waveglow, published, tmp_path, capsys):
    rows = {"embedding.weight": torch.zeros(3, 6)}
    state = torch.load(published, weights_only=True)["state_dict"] | rows
    torch.save(state, tmp_path / "own.pt")
    (tmp_path / "symbols.json").write_text('["_", "a", "ä"]')
    arguments = ["convert", str(tmp_path / "own.pt"), str(tmp_path / "own.safetensors")]
    options = ["--symbols", str(tmp_path / "symbols.json"), "--mel", "sample_rate=16000"]
    assert main([*arguments, *options, "--mel", "f_max=7600"]) == 0
    found = describe(tmp_path / "own.safetensors")
    assert found["tokenizer"]["symbols"] == ["_", "a", "ä"]
    assert (found["mel"]["sample_rate"], found["mel"]["f_max"]) == (16000, 7600.0)
    torch.save(to_nvidia_state_dict(small_waveglow), tmp_path / "w.pt")
    arguments = ["convert", str(tmp_path / "w.pt"), str(tmp_path / "w.safetensors")]
    assert main([*arguments, "--alternate-halves", "true"]) == 0
    loaded = load(tmp_path / "w.safetensors")
    assert isinstance(loaded, WaveGlow)
    assert loaded.config.alternate_halves


def test_command_describes_what_cannot_be_loaded(small_tacotron2, tmp_path, capsys):
    torch.save(
        to_nvidia_state_dict(Tacotron2(small_tacotron2.config, n_symbols=149)), tmp_path / "x.pt"
    )
    assert main(["describe", str(tmp_path / "x.pt")]) == 0
    assert "problem   the embedding has 149 rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["describe", "gone.pt"], "gone.pt: no such checkpoint"),
        (["convert", "gone.pt", "x.pt", "--mel", "rate"], "write FIELD=NUMBER"),
        (["convert", "gone.pt", "x.pt", "--symbols", "gone.json"], "cannot be read as JSON"),
        (["fetch", "a/b"], "a/b: not a name; choose from tacotron2"),
        (["fetch", "waveglow_univ"], "did you mean waveglow_univ"),
    ],
)
def test_command_ends_in_one_line(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_command_lists_the_published_files(capsys):
    assert main(["list"]) == 0
    assert "waveglow_universal_v5" in capsys.readouterr().out
