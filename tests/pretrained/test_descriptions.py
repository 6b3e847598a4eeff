"""Descriptions of checkpoints, and the illegal parts that are refused."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
import torch
from safetensors.torch import save_file

from tests.support.checkpoint_files import lightning_checkpoint
from tts.commands.pretrained import main
from tts.core.errors import InputError
from tts.pretrained import describe, load, save
from tts.pretrained.convert import convert
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict

TABLE = {"symbols": ["_", "a"], "cleaner": "english_cleaners"}
LONG = ["_", *map(chr, range(0x100, 0x100 + 147))]
#: Part of a description -> illegal values, each with the reason in the message.
ILLEGAL = {
    "format": [
        (0, "its format is 0; it must be 1"),
        (True, "its format is True"),
        ("1", "its format is '1'"),
        (2, "written in format 2 by a later tacoglow"),
    ],
    "mel": [
        (5, "no table of fields"),
        ("hann", "no table of fields"),
        ([80], "no table of fields"),
        ({1: 2}, "no table of fields"),
        ({"n_mels": "80"}, "n_mels='80': it must be a whole number above 0"),
        ({"f_max": float("nan")}, "f_max=nan: it must be a number"),
        ({"rate": 1}, "unknown key 'rate'"),
        ({"window": []}, r"window=\[\]: it must be 'hann'"),
        ({"n_mels": 5}, "n_mels is 5 in the mel contract, 4 in the network"),
    ],
    "tokenizer": [
        ("english_148", "no table of settings"),
        ({"symbols": 5, "cleaner": "english_cleaners"}, "symbols must be a list of strings"),
        ({"symbols": [1, 2], "cleaner": "english_cleaners"}, "symbols must be a list of strings"),
        ({"symbols": "ab", "cleaner": "english_cleaners"}, "symbols must be a list of strings"),
        ({"symbols": LONG, "cleaner": "none_such"}, "cleaner 'none_such' does not exist"),
        ({"symbols": LONG, "cleaner": []}, "unhashable"),
        ({"symbols": LONG}, "'cleaner' is missing"),
        ({**TABLE, "symbols": LONG, "p_arpabet": "all"}, "p_arpabet=all"),
        ({**TABLE, "symbols": LONG, "lexicon": "/etc/hostname"}, "lexicon must be the entries"),
        ({**TABLE, "symbols": [*LONG[:-1], "_"]}, "'_' occurs 2 times"),
        (TABLE, "2 symbols for an embedding of 148 rows"),
    ],
    "speakers": [("amy", "list of names"), ([1], "list of names"), (["amy", "zoe"], "2 names")],
    "corpus": [(["LJ Speech"], "must be a name"), ({}, "must be a name")],
    "config": [("seed: 1", "no table of names"), ([1], "no table of names")],
    "source": [("old.pt", "no table of names"), ({1: "old.pt"}, "no table of names")],
}


def description_of(network: torch.nn.Module, **changes) -> dict:
    sizes = dataclasses.asdict(network.config)
    return {"network": type(network).__name__, "network_config": sizes, **changes}


def write_lightning(path, network: torch.nn.Module, **changes) -> None:
    torch.save(lightning_checkpoint(network, **changes), path)


def write_nvidias(path, network: torch.nn.Module, **changes) -> None:
    torch.save(
        {
            "state_dict": to_nvidia_state_dict(network),
            "tacoglow": description_of(network, **changes),
        },
        path,
    )


def write_safetensors(path, network: torch.nn.Module, **changes) -> None:
    text = json.dumps(description_of(network, **changes))
    save_file({n: v.clone() for n, v in network.state_dict().items()}, path, {"tacoglow": text})


def message_of(function, path) -> str:
    """Return the message with which a function refuses a file, or its result."""
    try:
        return f"accepted: {function(path)!r:.60}"
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("write", [write_lightning, write_nvidias], ids=["lightning", "nvidia"])
def test_illegal_parts_are_named_in_one_line(small_tacotron2, tmp_path, write):
    readers = (load, describe, lambda path: convert(path, tmp_path / "y.safetensors"))
    wrong = []
    for part, values in ILLEGAL.items():
        for value, reason in values:
            write(tmp_path / "x.ckpt", small_tacotron2, **{part: value})
            messages = [message_of(reader, tmp_path / "x.ckpt") for reader in readers]
            expected = re.compile(rf"x\.ckpt: [^\n]*{reason}[^\n]*$")
            wrong += [(part, value, m) for m in messages if not expected.search(m)]
    assert wrong == []
    assert not (tmp_path / "y.safetensors").exists()


@pytest.mark.parametrize(("part", "value"), [("mel", {"n_mels": 9}), ("source", "old.pt")])
def test_command_ends_in_one_line(small_tacotron2, tmp_path, capsys, part, value):
    write_safetensors(tmp_path / "x.safetensors", small_tacotron2, **{part: value})
    assert main(["describe", str(tmp_path / "x.safetensors")]) == 2
    assert f"x.safetensors: its {part}:" in capsys.readouterr().err


def test_description_that_cannot_be_used_is_not_written(small_tacotron2, tmp_path):
    with pytest.raises(InputError, match="n_mels is 80 in the mel contract, 4 in the network"):
        save(small_tacotron2, tmp_path / "x", description={"mel": {"n_mels": 80}})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["[1]", "5", '"x"', "null", "[" * 5000, "{", f"{'9' * 5000}"])
def test_metadata_that_is_no_table_is_refused(small_waveglow, tmp_path, text):
    save_file(to_nvidia_state_dict(small_waveglow), tmp_path / "x", {"tacoglow": text})
    with pytest.raises(InputError, match=r"x: its description is (not JSON|no table)"):
        load(tmp_path / "x")


@pytest.mark.parametrize("metadata", [5, "x", [1], {"tacoglow": 5}, {"tacoglow": None}])
def test_metadata_of_other_programs_is_ignored(small_waveglow, tmp_path, metadata):
    content = {"state_dict": to_nvidia_state_dict(small_waveglow), "metadata": metadata}
    torch.save(content, tmp_path / "x.pt")
    assert load(tmp_path / "x.pt").config == small_waveglow.config


@pytest.mark.parametrize("name", [5, None, ("a", "b")])
def test_weights_without_names_are_ignored(small_waveglow, tmp_path, name):
    write_lightning(tmp_path / "x.ckpt", small_waveglow)
    content = torch.load(tmp_path / "x.ckpt", weights_only=True)
    content["state_dict"] |= {name: torch.zeros(1), "network.x": "no tensor"}
    torch.save(content, tmp_path / "x.ckpt")
    assert load(tmp_path / "x.ckpt").config == small_waveglow.config


def test_names_of_several_lines_are_shown_in_one(small_waveglow, tmp_path):
    write_lightning(tmp_path / "x.ckpt", small_waveglow)
    content = torch.load(tmp_path / "x.ckpt", weights_only=True)
    for value, message in ((0.0, "has no place"), (float("nan"), "not finite")):
        content["state_dict"]["network.two\nlines"] = torch.full((1,), value)
        torch.save(content, tmp_path / "x.ckpt")
        with pytest.raises(InputError, match=message) as caught:
            load(tmp_path / "x.ckpt")
        assert "\n" not in str(caught.value)


SIZES = {
    "text": ({"n_mels": "80"}, "n_mels='80': must be a whole number"),
    "part of a layer": ({"n_layers": 2.5}, "n_layers=2.5: must be a whole number"),
    "true": ({"n_flows": True}, "n_flows=True: must be a whole number"),
    "wide": ({"n_channels": 10**12}, "n_channels=1000000000000: at most"),
    "deep": ({"n_layers": 10**6}, "n_layers=1000000: the file has"),
    "long": ({"n_flows": 10**6, "n_early_every": 10**6}, "n_flows=1000000"),
    "list": ({"front": ["lapped"]}, "front="),
    "not a name": ({5: 5}, "network_config"),
}


@pytest.mark.parametrize("case", SIZES)
def test_sizes_that_no_file_has_are_named(small_waveglow, tmp_path, case):
    change, reason = SIZES[case]
    sizes = {**dataclasses.asdict(small_waveglow.config), **change}
    write_lightning(tmp_path / "x.ckpt", small_waveglow, network_config=sizes)
    with pytest.raises(InputError, match=rf"x\.ckpt: .*{reason}"):
        load(tmp_path / "x.ckpt")


@pytest.mark.parametrize("change", [{"mel_mean": "low"}, {"mel_std": float("nan")}])
def test_numbers_of_a_tacotron2_are_numbers(small_tacotron2, tmp_path, change):
    sizes = {**dataclasses.asdict(small_tacotron2.config), **change}
    write_lightning(tmp_path / "x.ckpt", small_tacotron2, network_config=sizes)
    with pytest.raises(
        InputError, match=rf"network_config: {next(iter(change))}=.*must be a number"
    ):
        load(tmp_path / "x.ckpt")


def test_lists_that_hold_each_other_are_refused(small_waveglow, tmp_path):
    lists: list = [1, 2]
    for _ in range(40):
        lists = [lists, lists]
    write_lightning(tmp_path / "x.ckpt", small_waveglow, mel={"n_mels": lists})
    with pytest.raises(InputError, match="its description has more than 1,000,000 values"):
        load(tmp_path / "x.ckpt")
