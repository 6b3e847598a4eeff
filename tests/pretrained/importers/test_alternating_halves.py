"""Compares the first release's order of coupling halves with a separate implementation."""

from __future__ import annotations

import dataclasses
import logging

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tts.audio import MelConfig, write_wave
from tts.core.errors import InputError
from tts.models import WaveGlow
from tts.pretrained import load, save
from tts.pretrained.convert import nll_by_order
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict


def weight(state: dict[str, Tensor], name: str) -> Tensor:
    """Return a weight under weight norm, from length and direction."""
    if f"{name}.weight" in state:
        return state[f"{name}.weight"]
    v = state[f"{name}.weight_v"]
    return state[f"{name}.weight_g"] * v / v.flatten(1).norm(dim=1)[:, None, None]


def couple(state: dict[str, Tensor], k: int, half: Tensor, spect: Tensor) -> tuple[Tensor, Tensor]:
    """Return shift and log scale by separate layers: res, skip and cond for each dilation."""
    name, total = f"WN.{k}", 0
    hidden = F.conv1d(half, weight(state, f"{name}.start"), state[f"{name}.start.bias"])
    n_layers = sum(key.startswith(f"{name}.in_layers.") and "bias" in key for key in state)
    for i in range(n_layers):
        kernel = weight(state, f"{name}.in_layers.{i}")
        inner = F.conv1d(
            hidden,
            kernel,
            state[f"{name}.in_layers.{i}.bias"],
            dilation=2**i,
            padding=2**i * (kernel.size(2) // 2),
        )
        inner = inner + F.conv1d(
            spect, weight(state, f"{name}.cond_layers.{i}"), state[f"{name}.cond_layers.{i}.bias"]
        )
        a, b = inner.chunk(2, 1)
        acts = torch.tanh(a) * torch.sigmoid(b)
        if i < n_layers - 1:
            res = f"{name}.res_layers.{i}"
            hidden = hidden + F.conv1d(acts, weight(state, res), state[f"{res}.bias"])
        skip = f"{name}.skip_layers.{i}"
        total = total + F.conv1d(acts, weight(state, skip), state[f"{skip}.bias"])
    out = F.conv1d(total, state[f"{name}.end.weight"], state[f"{name}.end.bias"])
    return out[:, : half.size(1)], out[:, half.size(1) :]


def old_inverse(state: dict[str, Tensor], config, mel: Tensor, z: Tensor) -> Tensor:
    """Turn noise into speech as the first release did: odd flows transform the first half."""
    spect = F.conv_transpose1d(
        mel, state["upsample.weight"], state["upsample.bias"], stride=config.hop_length
    )
    spect = spect[:, :, : z.size(2) * config.n_group]
    spect = spect.unfold(2, config.n_group, config.n_group).permute(0, 1, 3, 2).flatten(1, 2)
    n_early = len(config.early_flows) * config.n_early_size
    early, audio = list(z[:, :n_early].split(config.n_early_size, 1)), z[:, n_early:]
    for k in reversed(range(config.n_flows)):
        first, second = audio.chunk(2, 1)
        if k % 2 == 0:
            shift, log_s = couple(state, k, first, spect)
            second = (second - shift) / log_s.exp()
        else:
            shift, log_s = couple(state, k, second, spect)
            first = (first - shift) / log_s.exp()
        inverse = state[f"convinv.{k}.conv.weight"].squeeze(-1).inverse()
        audio = inverse @ torch.cat([first, second], 1)
        if k in config.early_flows:
            audio = torch.cat([early.pop(), audio], 1)
    return audio.transpose(1, 2).flatten(1)


@pytest.fixture(params=["normed", "folded"])
def separate(request, small_waveglow, layouts) -> dict[str, Tensor]:
    if request.param == "folded":
        small_waveglow.remove_weight_norm()
    return layouts["separate"](to_nvidia_state_dict(small_waveglow))


@pytest.mark.parametrize("container", ["zip", "legacy", "state dict"])
def test_layout_a_sounds_as_the_first_release(
    separate, small_waveglow, glow_files, tmp_path, container
):
    path = tmp_path / "waveglow_old.pt"
    if container == "state dict":
        torch.save({"state_dict": separate}, path)
    else:
        glow_files.write(
            path, separate, stride=256, module="glow_old", legacy=container == "legacy"
        )
    loaded = load(path)
    assert loaded.config.alternate_halves
    mel, z = torch.randn(2, 3, 5), torch.randn(2, 8, 160)
    expected = old_inverse(separate, loaded.config, mel, z)
    torch.testing.assert_close(loaded.inverse(mel, z=z), expected, atol=1e-4, rtol=0)
    other = load(path, alternate_halves=False).inverse(mel, z=z)
    assert (other - expected).abs().max() > 1e-2


def test_list_layout_of_the_old_class_alternates(small_waveglow, layouts, glow_files, tmp_path):
    path = tmp_path / "waveglow_old.pt"
    state = layouts["list"](to_nvidia_state_dict(small_waveglow))
    glow_files.write(path, state, stride=256, module="glow_old")
    assert load(path).config.alternate_halves


def test_source_text_shows_that_halves_alternate(small_waveglow, layouts, glow_files, tmp_path):
    path = tmp_path / "waveglow.pt"
    state, source = layouts["list"](to_nvidia_state_dict(small_waveglow)), glow_files.alternating
    glow_files.write(path, state, stride=256, legacy=True, source=source)
    assert load(path).config.alternate_halves


def test_source_text_shows_that_halves_do_not_alternate(separate, glow_files, tmp_path):
    path = tmp_path / "waveglow.pt"
    glow_files.write(path, separate, stride=256, legacy=True, source=glow_files.ordinary)
    assert not load(path).config.alternate_halves


def test_an_assumed_order_is_logged(separate, tmp_path, caplog):
    torch.save(separate, tmp_path / "waveglow.pt")
    with caplog.at_level(logging.INFO, "tts.pretrained"):
        load(tmp_path / "waveglow.pt")
    assert "which half each coupling transforms is not in the file" in caplog.text


def test_list_layout_of_512_channels_is_ambiguous_and_logged(small_waveglow, tmp_path, caplog):
    sizes = dataclasses.asdict(small_waveglow.config) | {"n_channels": 512, "n_flows": 1}
    state = to_nvidia_state_dict(WaveGlow(**sizes))
    listed = {}
    for name, value in state.items():
        if ".cond_layer." in name:
            for i, part in enumerate(value.chunk(2)):
                listed[name.replace(".cond_layer.", f".cond_layers.{i}.")] = part
        else:
            listed[name] = value
    torch.save(listed, tmp_path / "waveglow.pt")
    with caplog.at_level(logging.INFO, "tts.pretrained"):
        assert not load(tmp_path / "waveglow.pt").config.alternate_halves
    assert "waveglow_old.pt is the exception" in caplog.text


def test_alternating_network_inverts_itself(small_waveglow):
    network = WaveGlow(small_waveglow.config, alternate_halves=True)
    network.load_state_dict(small_waveglow.state_dict())
    mel, wave = torch.randn(2, 3, 6), torch.rand(2, 1536) - 0.5
    z = network(mel, wave).z
    torch.testing.assert_close(network.inverse(mel, z=z), wave, atol=1e-5, rtol=0)


def test_alternating_network_survives_safetensors(small_waveglow, tmp_path):
    network = WaveGlow(small_waveglow.config, alternate_halves=True)
    save(network, tmp_path / "x.safetensors")
    assert load(tmp_path / "x.safetensors").config == network.config


def test_alternating_network_has_no_place_in_nvidias_layout(small_waveglow, tmp_path):
    network = WaveGlow(small_waveglow.config, alternate_halves=True)
    with pytest.raises(
        InputError, match="alternate_halves=True: NVIDIA's layout of WaveGlow knows only False"
    ):
        save(network, tmp_path / "x.pt", "nvidia")


def test_recording_shows_the_order_of_a_trained_network(small_waveglow, tmp_path):
    """A network that has learnt one order gives a recording a higher likelihood in it."""
    torch.manual_seed(3)
    contract = MelConfig(n_mels=3)
    time = torch.arange(4096) / contract.sample_rate
    wave = 0.3 * torch.sin(2 * torch.pi * 300 * time) + 0.01 * torch.randn(4096)
    write_wave(tmp_path / "clip.wav", wave.numpy(), contract.sample_rate)
    trained = train_a_little(WaveGlow(small_waveglow.config, alternate_halves=True), wave, contract)
    save(trained, tmp_path / "x.safetensors", description={"mel": contract.to_dict()})
    found = nll_by_order(tmp_path / "x.safetensors", tmp_path / "clip.wav")
    assert found[True] < found[False] - 0.1


def train_a_little(network: WaveGlow, wave: Tensor, contract: MelConfig) -> WaveGlow:
    from tts.audio import LogMel
    from tts.models import waveglow_loss

    mel = LogMel(contract)(wave)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        waveglow_loss(network(mel, wave[None]))["total"].backward()
        optimizer.step()
    return network
