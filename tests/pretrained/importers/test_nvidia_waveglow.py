"""Reads and writes NVIDIA's WaveGlow files of all layouts, in both containers."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from tests.support.checkpoint_files import assert_same_weights
from tts.core.errors import InputError
from tts.models import WaveGlow
from tts.pretrained import describe, load, save
from tts.pretrained.convert import convert
from tts.pretrained.importers.nvidia_names import constructor_arguments, to_nvidia_state_dict

#: Weight norm, layout, container and prefix of names: cases in which each value of one of the
#: first three meets each value of the others.
PAIRS = [
    ("normed", "fused", "zip", ""),
    ("folded", "fused", "legacy", "module."),
    ("normed", "list", "legacy", "module.1."),
    ("folded", "list", "zip", ""),
    ("normed", "separate", "legacy", "module."),
    ("folded", "separate", "zip", "module.1."),
]
NORMS, LAYOUTS, CONTAINERS = ("normed", "folded"), ("fused", "list", "separate"), ("zip", "legacy")
PREFIXES = ("", "module.", "module.1.")


def all_cases(*axes, default) -> list:
    """Return all combinations; those that are not in the default tier are slow."""
    return [
        pytest.param(*case, marks=() if case in default else pytest.mark.slow)
        for case in itertools.product(*axes)
    ]


@pytest.fixture
def waveglow(request, small_waveglow) -> WaveGlow:
    if request.param == "folded":
        small_waveglow.remove_weight_norm()
    return small_waveglow


@pytest.mark.parametrize(
    ("waveglow", "layout", "container"),
    all_cases(NORMS, LAYOUTS, CONTAINERS, default=[case[:3] for case in PAIRS]),
    indirect=["waveglow"],
)
def test_pickled_module_loads(waveglow, layouts, glow_files, tmp_path, layout, container):
    path = tmp_path / "waveglow.pt"
    state = layouts[layout](to_nvidia_state_dict(waveglow))
    glow_files.write(path, state, stride=256, legacy=container == "legacy")
    loaded = load(path)
    order = layout == "separate"
    assert loaded.config == dataclasses.replace(waveglow.config, alternate_halves=order)
    assert_same_weights(loaded, waveglow)


@pytest.mark.parametrize(
    ("waveglow", "layout", "container", "prefix"),
    all_cases(NORMS, LAYOUTS, CONTAINERS, PREFIXES, default=PAIRS),
    indirect=["waveglow"],
)
def test_state_dict_loads(waveglow, layouts, tmp_path, layout, container, prefix):
    theirs = layouts[layout](to_nvidia_state_dict(waveglow))
    content = {"state_dict": {prefix + name: value for name, value in theirs.items()}, "epoch": 3}
    path = tmp_path / "waveglow"
    torch.save(content, path, _use_new_zipfile_serialization=container == "zip")
    assert_same_weights(load(path), waveglow)


@pytest.mark.parametrize("waveglow", NORMS, indirect=True)
def test_bare_state_dict_loads(waveglow, tmp_path):
    torch.save(to_nvidia_state_dict(waveglow), tmp_path / "waveglow.pt")
    assert_same_weights(load(tmp_path / "waveglow.pt"), waveglow)


def test_pickled_module_states_its_hop(small_waveglow, glow_files, tmp_path):
    path = tmp_path / "waveglow.pt"
    glow_files.write(path, to_nvidia_state_dict(small_waveglow), stride=8)
    assert load(path).config.hop_length == 8


def test_hop_is_a_quarter_of_the_kernel_where_the_file_does_not_say(small_waveglow, tmp_path):
    theirs = to_nvidia_state_dict(small_waveglow)
    theirs["upsample.weight"] = theirs["upsample.weight"][:, :, :64].clone()
    torch.save({"state_dict": theirs}, tmp_path / "waveglow.pt")
    assert describe(tmp_path / "waveglow.pt")["network_config"]["hop_length"] == 16


def test_half_precision_becomes_float32(small_waveglow, tmp_path):
    theirs = {name: value.half() for name, value in to_nvidia_state_dict(small_waveglow).items()}
    torch.save({"state_dict": theirs}, tmp_path / "waveglow.pt")
    loaded = load(tmp_path / "waveglow.pt")
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    torch.testing.assert_close(
        loaded.upsample.weight, small_waveglow.upsample.weight.half().float()
    )


def test_pickled_half_precision_becomes_float32(small_waveglow, glow_files, tmp_path):
    theirs = {name: value.half() for name, value in to_nvidia_state_dict(small_waveglow).items()}
    glow_files.write(tmp_path / "waveglow.pt", theirs, stride=256, legacy=True)
    loaded = load(tmp_path / "waveglow.pt")
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}


def test_network_without_early_outputs_loads(tmp_path):
    network = WaveGlow(n_mels=2, n_flows=2, n_layers=1, n_channels=4)
    torch.save({"state_dict": to_nvidia_state_dict(network)}, tmp_path / "waveglow.pt")
    assert load(tmp_path / "waveglow.pt").config.flow_channels == (8, 8)


def test_classes_of_the_packaged_waveglow_load(small_waveglow, glow_files, tmp_path):
    path = tmp_path / "waveglow.pt"
    glow_files.write(path, to_nvidia_state_dict(small_waveglow), stride=256, module="waveglow.glow")
    assert_same_weights(load(path), small_waveglow)


def test_description_says_what_the_file_does_not_know(small_waveglow, tmp_path):
    torch.save({"state_dict": to_nvidia_state_dict(small_waveglow)}, tmp_path / "waveglow.pt")
    found = describe(tmp_path / "waveglow.pt")
    assert found["network"] == "WaveGlow"
    assert found["network_config"].items() <= dataclasses.asdict(small_waveglow.config).items()
    assert (found["mel"], found["tokenizer"], found["corpus"]) == (None, None, None)


def test_missing_weight_is_named(small_waveglow, tmp_path):
    theirs = to_nvidia_state_dict(small_waveglow)
    del theirs["WN.1.end.bias"]
    torch.save(theirs, tmp_path / "waveglow.pt")
    with pytest.raises(InputError, match=r"flows\.1\.coupling\.end\.bias is missing"):
        load(tmp_path / "waveglow.pt")


def test_missing_upsampler_is_named(small_waveglow, tmp_path):
    theirs = to_nvidia_state_dict(small_waveglow)
    del theirs["upsample.weight"]
    torch.save(theirs, tmp_path / "waveglow.pt")
    with pytest.raises(InputError, match=r"a WaveGlow without upsample\.weight"):
        load(tmp_path / "waveglow.pt")


def test_weight_of_another_shape_is_named(small_waveglow, tmp_path):
    theirs = to_nvidia_state_dict(small_waveglow)
    theirs["WN.2.end.bias"] = torch.zeros(7)
    torch.save(theirs, tmp_path / "waveglow.pt")
    with pytest.raises(InputError, match=r"flows\.2\.coupling\.end\.bias is 7, expected 6"):
        load(tmp_path / "waveglow.pt")


def test_names_of_the_fused_layout(small_waveglow):
    names = set(to_nvidia_state_dict(small_waveglow))
    assert {name for name in names if name.startswith("WN.0.")} == {
        f"WN.0.{layer}.{leaf}"
        for layer in (
            "start",
            "cond_layer",
            *(f"{kind}.{i}" for kind in ("in_layers", "res_skip_layers") for i in range(2)),
        )
        for leaf in ("bias", "weight_g", "weight_v")
    } | {"WN.0.end.weight", "WN.0.end.bias"}
    assert {name for name in names if not name.startswith("WN.")} == {
        "upsample.weight",
        "upsample.bias",
        *(f"convinv.{k}.conv.weight" for k in range(3)),
    }


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ({"hop_length": 128}, "hop_length=128: NVIDIA's layout of WaveGlow knows only 256"),
        ({"win_length": 512}, "win_length=512: NVIDIA's layout of WaveGlow knows only 1024"),
        ({"n_channels": 5}, "n_channels=5: NVIDIA's layout of WaveGlow has it even"),
    ],
)
def test_sizes_that_nvidias_code_lacks_cannot_be_written(small_waveglow, tmp_path, sizes, reason):
    network = WaveGlow(small_waveglow.config, **sizes)
    save(network, tmp_path / "x.safetensors")
    for refused in (
        lambda: save(network, tmp_path / "x.pt", "nvidia"),
        lambda: convert(tmp_path / "x.safetensors", tmp_path / "x.pt"),
    ):
        with pytest.raises(InputError, match=reason):
            refused()
    assert not (tmp_path / "x.pt").exists()


def test_network_trained_in_constant_memory_is_written_bit_for_bit(small_waveglow, tmp_path):
    """The option says how the network is computed, and not what it computes."""
    network = WaveGlow(small_waveglow.config, constant_memory=True)
    save(network, tmp_path / "ours.safetensors")
    lines = convert(tmp_path / "ours.safetensors", tmp_path / "theirs.pt")
    assert lines[-1].endswith("reads back bit for bit")
    theirs = torch.load(tmp_path / "theirs.pt", weights_only=True)["state_dict"]
    assert theirs.keys() == to_nvidia_state_dict(small_waveglow).keys()
    loaded = load(tmp_path / "theirs.pt")
    assert loaded.config == network.config
    assert_same_weights(loaded, network)


def test_constructor_arguments_are_theirs(small_waveglow):
    assert constructor_arguments(small_waveglow) == {
        "n_mel_channels": 3,
        "n_flows": 3,
        "n_group": 8,
        "n_early_every": 2,
        "n_early_size": 2,
        "WN_config": {"n_layers": 2, "n_channels": 6, "kernel_size": 3},
    }
