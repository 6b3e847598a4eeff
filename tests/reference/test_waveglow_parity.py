from __future__ import annotations

import pytest
import torch

from tts.audio import MelConfig
from tts.inference.vocoders.denoiser import Denoiser
from tts.models import WaveGlow, WaveGlowConfig, waveglow_loss
from tts.pretrained import load, save
from tts.pretrained.convert import convert
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict


def assert_close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found.detach(), expected.detach(), atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def pair(packages, formula, theirs_filled, ours_with_weights_of):
    # NVIDIA's denoiser works with 80 mel bands only
    theirs = theirs_filled(packages.waveglow(**{**formula.WAVEGLOW, "n_mel_channels": 80}))
    return ours_with_weights_of(theirs), theirs


@pytest.fixture(scope="module")
def batch(formula):
    return formula.log_mel(80, 5), formula.wave(5 * 256)


def test_forward(pair, batch):
    ours, theirs = pair
    found, (z, log_s, log_det) = ours(*batch), theirs(batch)
    assert_close(found.z, z)
    assert len(found.log_s) == len(log_s)
    for a, b in zip(found.log_s, log_s, strict=True):
        assert_close(a, b)
    assert_close(found.log_det, torch.stack(log_det))


@pytest.mark.parametrize("n_samples", [8, 1000, 4 * 256 + 1024], ids=["short", "odd", "longest"])
def test_forward_of_a_segment_that_is_no_multiple_of_the_hop(pair, formula, n_samples):
    ours, theirs = pair
    mel, wave = formula.log_mel(80, 5), formula.wave(n_samples)
    assert_close(ours(mel, wave).z, theirs((mel, wave))[0])


@pytest.mark.parametrize("sigma", [1.0, 0.6])
def test_inverse_with_the_same_seed(pair, batch, packages, sigma):
    ours, theirs = pair
    torch.manual_seed(11)
    with packages.active():
        expected = theirs.infer(batch[0], sigma=sigma)
    generator = torch.Generator().manual_seed(11)
    assert_close(ours.inverse(batch[0], sigma=sigma, generator=generator), expected)


def test_inverse_with_the_global_generator(pair, batch, packages):
    ours, theirs = pair
    torch.manual_seed(12)
    with packages.active():
        expected = theirs.infer(batch[0], sigma=0.6)
    torch.manual_seed(12)
    assert_close(ours.inverse(batch[0], sigma=0.6), expected)


def test_inverse_of_weights_that_have_changed(
    packages, formula, theirs_filled, ours_with_weights_of
):
    """Our inverse follows the weights; NVIDIA's code keeps the inverse of its first call."""
    theirs = theirs_filled(packages.waveglow(**formula.WAVEGLOW))
    mel = formula.log_mel(4, 3)
    with packages.active():
        theirs.infer(mel, sigma=0.0)
        with torch.no_grad():
            theirs.convinv[0].conv.weight.mul_(1.1)
        stale = theirs.infer(mel, sigma=1e-9)
        for conv in theirs.convinv:
            del conv.W_inverse
        torch.manual_seed(1)
        fresh = theirs.infer(mel, sigma=1.0)
    found = ours_with_weights_of(theirs).inverse(mel, generator=torch.Generator().manual_seed(1))
    assert_close(found, fresh)
    assert stale.shape == fresh.shape


@pytest.mark.parametrize("sigma", [1.0, 0.7])
def test_loss(pair, batch, packages, sigma):
    ours, theirs = pair
    with packages.active():
        expected = packages.module("waveglow.glow").WaveGlowLoss(sigma)(theirs(batch))
    assert_close(waveglow_loss(ours(*batch), sigma)["total"], expected)


def test_gradients(pair, batch, packages):
    ours, theirs = pair
    with packages.active():
        packages.module("waveglow.glow").WaveGlowLoss()(theirs(batch)).backward()
    waveglow_loss(ours(*batch))["total"].backward()
    expected = dict(theirs.named_parameters())
    for name, value in to_nvidia_state_dict(with_gradients(ours)).items():
        assert_close(value, expected[name].grad)


def with_gradients(network: torch.nn.Module) -> torch.nn.Module:
    """Return a network whose weights are the gradients of this one."""
    twin = WaveGlow(network.config)
    twin.load_state_dict({name: p.grad for name, p in network.named_parameters()})
    return twin


def test_nvidias_folded_weights(packages, formula, theirs_filled, ours_with_weights_of):
    theirs = theirs_filled(packages.waveglow(**formula.WAVEGLOW))
    mel, wave = formula.log_mel(4, 3), formula.wave(768)
    expected = theirs((mel, wave))[0].detach()
    with packages.active():
        theirs.remove_weightnorm(theirs)
    assert_close(ours_with_weights_of(theirs)(mel, wave).z, expected)


def test_nvidias_code_loads_what_we_save(packages, pair, batch, tmp_path):
    ours, theirs = pair
    save(ours, tmp_path / "ours.pt", "nvidia")
    content = torch.load(tmp_path / "ours.pt", weights_only=True)
    built = packages.waveglow(**content["config"])
    built.load_state_dict(content["state_dict"])
    assert torch.equal(built(batch)[0], theirs(batch)[0])


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_a_module_that_nvidias_code_pickled_loads(packages, pair, batch, tmp_path, legacy):
    ours, theirs = pair
    with packages.active():
        content = {"model": theirs, "iteration": 1, "learning_rate": 1e-4}
        torch.save(content, tmp_path / "x.pt", _use_new_zipfile_serialization=not legacy)
    assert torch.equal(load(tmp_path / "x.pt")(*batch).z, ours(*batch).z)


def unfused(theirs: torch.nn.Module, n_layers: int, letter: str) -> dict[str, torch.Tensor]:
    """NVIDIA's state dict in layout B (cond_layers) or A (also res_layers and skip_layers)."""
    state: dict[str, torch.Tensor] = {}
    for name, value in theirs.state_dict().items():
        if ".cond_layer." in name:
            for i, part in enumerate(value.chunk(n_layers)):
                state[name.replace(".cond_layer.", f".cond_layers.{i}.")] = part
        elif ".res_skip_layers." in name and letter == "A":
            last = f".{n_layers - 1}." in name
            parts = [value] if last else value.chunk(2)
            for kind, part in zip(("skip",) if last else ("res", "skip"), parts, strict=True):
                state[name.replace("res_skip", kind)] = part
        else:
            state[name] = value
    return state


@pytest.mark.parametrize("layout", ["A", "B", "C"])
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_every_layout_gives_nvidias_speech(
    packages, pair, batch, formula, tmp_path, layout, legacy
):
    _, theirs = pair
    n_layers = formula.WAVEGLOW["WN_config"]["n_layers"]
    state = theirs.state_dict() if layout == "C" else unfused(theirs, n_layers, layout)
    torch.save({"state_dict": state}, tmp_path / "x", _use_new_zipfile_serialization=not legacy)
    found = load(tmp_path / "x", alternate_halves=False)
    assert_close(found(*batch).z, theirs(batch)[0])
    torch.manual_seed(11)
    with packages.active():
        expected = theirs.infer(batch[0], sigma=0.7)
    assert_close(found.inverse(batch[0], sigma=0.7, generator=seeded(11)), expected)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("folded", [False, True], ids=["normed", "folded"])
def test_alternating_halves_give_the_speech_of_nvidias_old_code(
    packages, formula, tmp_path, folded
):
    """Compare with NVIDIA's glow_old.py and its names (layout B); only its ``infer`` runs."""
    with packages.active():
        module = packages.module("waveglow.glow_old")
        # in this code early channels leave before every fourth flow, for any arguments
        sizes = {**formula.WAVEGLOW, "n_flows": 6, "n_early_every": 4}
        theirs = module.WaveGlow(**sizes).eval()
    shapes = {name: tuple(value.shape) for name, value in theirs.state_dict().items()}
    theirs.load_state_dict(formula.weights(shapes))
    path, mel = tmp_path / "waveglow_old.pt", formula.log_mel(4, 3)
    with packages.active(), torch.no_grad():
        torch.manual_seed(4)
        expected = theirs.infer(mel, sigma=0.8)
        if folded:
            theirs = theirs.remove_weightnorm(theirs)
        torch.save({"model": theirs}, path)
    found = load(path)
    assert found.config.alternate_halves
    assert_close(found.inverse(mel, sigma=0.8, generator=seeded(4)), expected)


def test_nvidias_code_loads_folded_weights(packages, pair, batch, formula, tmp_path):
    """In layout D NVIDIA's network is folded first, then it loads the weights."""
    ours, theirs = pair
    save(ours, tmp_path / "ours.safetensors")
    convert(tmp_path / "ours.safetensors", tmp_path / "ours.pt", weight_norm="fold")
    content = torch.load(tmp_path / "ours.pt", weights_only=True)
    built = packages.waveglow(**content["config"])
    with packages.active():
        built.remove_weightnorm(built)
    built.load_state_dict(content["state_dict"])
    assert_close(built(batch)[0], theirs(batch)[0])


@pytest.mark.parametrize("strength", [0.01, 0.1, 1.0])
def test_denoiser(packages, pair, formula, strength):
    ours, theirs = pair
    wave = formula.wave(20 * 256)
    with packages.active(), torch.no_grad():
        expected = packages.module("waveglow.denoiser").Denoiser(theirs)(wave, strength)
    found = Denoiser(ours, MelConfig(), strength)(wave)
    assert_close(found, expected.squeeze(1))


@pytest.mark.slow
def test_full_size_weights_load_strictly(packages, ours_with_weights_of):
    theirs = packages.waveglow(
        n_mel_channels=80,
        n_flows=12,
        n_group=8,
        n_early_every=4,
        n_early_size=2,
        WN_config={"n_layers": 8, "n_channels": 256, "kernel_size": 3},
    )
    assert ours_with_weights_of(theirs).config == WaveGlowConfig()
