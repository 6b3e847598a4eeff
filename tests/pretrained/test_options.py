"""Facts that the user gives about a file: used where they apply, refused where they do not."""

from __future__ import annotations

import json

import pytest
import torch

from tts.audio import MelConfig
from tts.commands.pretrained import main
from tts.core.errors import InputError
from tts.inference import Synthesizer, load_waveglow
from tts.models import Tacotron2, WaveGlow
from tts.pretrained import describe, load, save
from tts.pretrained.convert import convert
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict

SYMBOLS = ["_", *map(chr, range(0x100, 0x100 + 147))]


@pytest.fixture
def files(small_tacotron2, small_waveglow, tmp_path):
    """Write files of both networks, NVIDIA's and converted ones."""
    torch.save(to_nvidia_state_dict(small_tacotron2), tmp_path / "tacotron2.pt")
    torch.save(to_nvidia_state_dict(small_waveglow), tmp_path / "waveglow.pt")
    for name in ("tacotron2", "waveglow"):
        convert(tmp_path / f"{name}.pt", tmp_path / f"{name}.safetensors")
    return tmp_path


REFUSED = {
    "symbols of a WaveGlow": ("waveglow.pt", {"symbols": SYMBOLS}, "which has no symbols"),
    "of a converted WaveGlow": (
        "waveglow.safetensors",
        {"symbols": SYMBOLS},
        "which has no symbols",
    ),
    "halves of a Tacotron 2": ("tacotron2.pt", {"alternate_halves": True}, "which has no halves"),
    "of a converted one": (
        "tacotron2.safetensors",
        {"alternate_halves": False},
        "which has no halves",
    ),
    "symbols that are in the file": (
        "tacotron2.safetensors",
        {"symbols": SYMBOLS},
        "its symbols are in the file; they cannot be others",
    ),
    "repeated symbols": (
        "tacotron2.pt",
        {"symbols": ["_", *"a" * 147]},
        "symbols that are named for it: symbol table: 'a' occurs 147 times",
    ),
    "an empty symbol": (
        "tacotron2.pt",
        {"symbols": [*SYMBOLS[:-1], ""]},
        "symbol table: ''",
    ),
    "weight norm": ("tacotron2.pt", {"weight_norm": "fold"}, "weight norm is a WaveGlow's"),
    "bands": ("tacotron2.pt", {"mel": {"n_mels": 80}}, "n_mels is 80 in the mel contract, 4 in"),
    "bands of a WaveGlow": ("waveglow.pt", {"mel": {"n_mels": 80}}, "n_mels is 80 .*, 3 in"),
    "hop": ("waveglow.pt", {"mel": {"hop_length": 200}}, "hop_length is 200 .*, 256 in"),
    "unknown field": ("waveglow.pt", {"mel": {"rate": 1}}, "unknown key 'rate'"),
    "contract in the file": ("waveglow.safetensors", {"mel": {"f_max": 1.0}}, "is in the file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_option_that_does_not_apply_is_refused(files, case):
    name, options, message = REFUSED[case]
    with pytest.raises(InputError, match=rf"{name}: .*{message}") as caught:
        convert(files / name, files / "out.safetensors", **options)
    assert "\n" not in str(caught.value)
    assert not (files / "out.safetensors").exists()


@pytest.mark.parametrize("target", ["corrected.safetensors", "waveglow.safetensors"])
def test_halves_of_a_converted_file_can_be_corrected(files, target):
    source = files / "waveglow.safetensors"
    assert not load(source).config.alternate_halves
    arguments = ["convert", str(source), str(files / target), "--alternate-halves", "true"]
    assert main(arguments) == 0
    corrected = load(files / target)
    assert corrected.config.alternate_halves
    assert corrected.description["source"]["file"] == "waveglow.pt"


def test_halves_of_our_own_network_cannot_be_replaced(small_waveglow, tmp_path):
    save(small_waveglow, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match=r"x\.safetensors: the order of its halves is in the file"):
        load(tmp_path / "x.safetensors", alternate_halves=True)


def test_symbols_of_a_described_file_without_them_can_be_named(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x.safetensors")
    loaded = load(tmp_path / "x.safetensors", symbols=SYMBOLS)
    assert loaded.description["tokenizer"]["symbols"] == SYMBOLS


def test_command_refuses_two_answers_at_once(files, capsys):
    assert main(["describe", str(files / "waveglow.pt"), "--json", "--clip", "x.wav"]) == 2
    assert "--json prints what the file says, --clip measures" in capsys.readouterr().err


def test_command_says_how_to_name_symbols(small_tacotron2, tmp_path, capsys):
    torch.save(
        to_nvidia_state_dict(Tacotron2(small_tacotron2.config, n_symbols=5)), tmp_path / "x.pt"
    )
    arguments = ["convert", str(tmp_path / "x.pt"), str(tmp_path / "x.safetensors")]
    assert main(arguments) == 2
    assert "name them: --symbols FILE" in capsys.readouterr().err
    (tmp_path / "symbols.json").write_text(json.dumps(["_", *"abcd"]))
    assert main([*arguments, "--symbols", str(tmp_path / "symbols.json")]) == 0


@pytest.mark.parametrize("sizes", [{}, {"hop_length": 128, "win_length": 512}], ids=["256", "128"])
def test_file_and_its_conversion_have_one_mel_contract(small_tacotron2, tmp_path, sizes):
    torch.save(to_nvidia_state_dict(small_tacotron2), tmp_path / "a.pt")
    waveglow = WaveGlow(n_mels=4, n_flows=1, n_layers=1, n_channels=2)
    state = to_nvidia_state_dict(waveglow)
    if sizes:  # as another implementation with these sizes would write it
        state["upsample.weight"] = state["upsample.weight"][:, :, : sizes["win_length"]].clone()
    torch.save(state, tmp_path / "v.pt")
    convert(tmp_path / "v.pt", tmp_path / "v.safetensors")
    expected = MelConfig(n_mels=4, **sizes)
    for name in ("v.pt", "v.safetensors"):
        assert load_waveglow(tmp_path / name)[0].mel == expected
    assert Synthesizer.from_pretrained(tmp_path / "a.pt", device="cpu").mel == MelConfig(n_mels=4)


def test_contract_that_cannot_be_nvidias_is_asked_for(small_waveglow, tmp_path):
    state = to_nvidia_state_dict(small_waveglow)
    state["upsample.weight"] = torch.zeros(3, 3, 2048)
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"x\.pt: its mel contract is not in the file: .*--mel"):
        load_waveglow(tmp_path / "x.pt")
    convert(tmp_path / "x.pt", tmp_path / "x.safetensors", mel={"n_fft": 2048})
    assert describe(tmp_path / "x.safetensors")["mel"]["win_length"] == 2048
