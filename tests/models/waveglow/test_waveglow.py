"""Tests of WaveGlow: invertibility, determinants, weight norm, noise, sizes and loss."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from tts.models import WaveGlow, WaveGlowConfig, WaveGlowOutput, waveglow_loss

TINY = WaveGlowConfig(
    n_mels=3,
    hop_length=16,
    win_length=40,
    n_flows=5,
    n_group=8,
    n_early_every=2,
    n_early_size=2,
    n_layers=2,
    n_channels=6,
)
N_FRAMES = 6


def make_network(config: WaveGlowConfig = TINY, seed: int = 0) -> WaveGlow:
    """A network with random couplings and mixings; in a new one they only rotate."""
    torch.manual_seed(seed)
    network = WaveGlow(config)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if ".end." in name or ".mix." in name:
                weight.add_(0.15 * torch.randn_like(weight))
    return network


def make_batch(config: WaveGlowConfig = TINY, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    mel = torch.randn(batch, config.n_mels, N_FRAMES, generator=generator)
    wave = 0.3 * torch.randn(batch, N_FRAMES * config.hop_length, generator=generator)
    return mel, wave


def max_error(a: torch.Tensor, b: torch.Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b).detach().abs().max())


@pytest.mark.parametrize("n_flows", [1, 2, 5])
def test_inverse_undoes_forward(n_flows):
    network = make_network(WaveGlowConfig(**{**vars(TINY), "n_flows": n_flows}))
    mel, wave = make_batch()
    assert max_error(network.inverse(mel, z=network(mel, wave).z), wave) < 1e-5


def test_inverse_undoes_forward_after_an_optimiser_step():
    network = make_network()
    mel, wave = make_batch()
    before = network.inverse(
        mel, z=network(mel, wave).z
    )  # a cached inverse would be wrong after the optimiser step
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    waveglow_loss(network(mel, wave))["total"].backward()
    optimiser.step()
    z = network(mel, wave).z
    assert max_error(network.inverse(mel, z=z), wave) < 1e-5
    assert max_error(before, wave) < 1e-5


def test_forward_undoes_inverse():
    network = make_network()
    mel, wave = make_batch()
    z = torch.randn(2, TINY.n_group, wave.size(1) // TINY.n_group)
    assert max_error(network(mel, network.inverse(mel, z=z)).z, z) < 1e-5


@pytest.mark.parametrize("mirror", [False, True], ids=["det>0", "det<0"])
def test_log_determinants_equal_those_of_the_jacobian(mirror):
    network = make_network().double()
    if mirror:
        with torch.no_grad():
            network.flows[1].mix.weight[0].neg_()
    mel, wave = (x.double() for x in make_batch(batch=1))
    mel, wave = mel[:, :, :2], wave[:, : 2 * TINY.hop_length]
    output = network(mel, wave)
    jacobian = torch.autograd.functional.jacobian(lambda x: network(mel, x).z.flatten(), wave)
    expected = torch.linalg.slogdet(jacobian.reshape(wave.numel(), wave.numel())).logabsdet
    found = sum(s.sum() for s in output.log_s) + output.log_det.sum()
    assert float(found.detach()) == pytest.approx(float(expected), rel=1e-6)


def test_log_det_is_scaled_by_batch_and_groups():
    network = make_network()
    mel, wave = make_batch(batch=2)
    weights = [flow.mix.weight.squeeze(-1) for flow in network.flows]
    expected = [2 * wave.size(1) // 8 * torch.linalg.slogdet(w).logabsdet for w in weights]
    torch.testing.assert_close(network(mel, wave).log_det, torch.stack(expected))


def test_shapes():
    mel, wave = make_batch()
    output = make_network()(mel, wave)
    groups = wave.size(1) // TINY.n_group
    assert output.z.shape == (2, 8, groups)
    assert [s.shape for s in output.log_s] == [(2, n, groups) for n in (4, 4, 3, 3, 2)]
    assert output.log_det.shape == (5,)


def test_early_channels_leave_before_later_flows_touch_them():
    network = make_network()
    mel, wave = make_batch()
    before = network(mel, wave).z
    with torch.no_grad():
        network.flows[2].mix.weight.add_(0.1)
    changed = (network(mel, wave).z - before).abs().amax(dim=(0, 2)) > 1e-6
    assert changed.tolist() == [False, False] + [True] * 6


def test_no_channels_leave_when_every_is_beyond_the_last_flow():
    network = make_network(WaveGlowConfig(**{**vars(TINY), "n_early_every": 9}))
    mel, wave = make_batch()
    output = network(mel, wave)
    assert {s.size(1) for s in output.log_s} == {4}
    assert max_error(network.inverse(mel, z=output.z), wave) < 1e-5


def test_new_network_only_rotates():
    network = WaveGlow(TINY)
    mel, wave = make_batch()
    output = network(mel, wave)
    assert float(output.z.detach().norm()) == pytest.approx(float(wave.norm()), rel=1e-5)
    assert float(output.log_det.detach().abs().max()) < 1e-3
    assert all(not s.any() for s in output.log_s)


@pytest.mark.parametrize("seed", range(4))
def test_new_mixing_weight_is_a_rotation(seed):
    torch.manual_seed(seed)
    for flow in WaveGlow(TINY).flows:
        weight = flow.mix.weight.squeeze(-1)
        assert max_error(weight @ weight.T, torch.eye(len(weight))) < 1e-5
        assert float(torch.linalg.det(weight.detach())) == pytest.approx(1.0, abs=1e-5)


def test_bf16_autocast_keeps_log_det_and_latent_in_float32():
    network = make_network()
    mel, wave = make_batch()
    exact = network(mel, wave)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(mel, wave)
    assert output.log_det.dtype == output.z.dtype == torch.float32
    torch.testing.assert_close(output.log_det, exact.log_det)
    assert max_error(output.z, exact.z) < 0.1


def test_bf16_autocast_is_inverted():
    network = make_network()
    mel, wave = make_batch()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = network.inverse(mel, z=network(mel, wave).z)
    assert max_error(found, wave) < 0.05


def test_bf16_weights_give_a_finite_float32_log_det():
    network = make_network().bfloat16()
    mel, wave = (x.bfloat16() for x in make_batch())
    output = network(mel, wave)
    assert output.log_det.dtype == torch.float32
    assert bool(output.log_det.isfinite().all())


def test_log_det_sends_gradients_into_a_mirroring_weight():
    network = make_network()
    with torch.no_grad():
        network.flows[0].mix.weight[0].neg_()
    output = network(*make_batch())
    output.log_det.sum().backward()
    gradient = network.flows[0].mix.weight.grad
    assert gradient is not None
    assert bool(gradient.isfinite().all())
    assert bool(gradient.any())


def test_removing_weight_norm_changes_nothing_but_the_parameters():
    network = make_network()
    mel, wave = make_batch()
    before = network(mel, wave)
    network.remove_weight_norm()
    assert not any("parametrizations" in name for name in network.state_dict())
    assert max_error(network(mel, wave).z, before.z) < 1e-5
    assert max_error(network.inverse(mel, z=before.z), wave) < 1e-5


def test_removing_weight_norm_twice_is_harmless():
    network = make_network()
    network.remove_weight_norm()
    names = list(network.state_dict())
    network.remove_weight_norm()
    assert list(network.state_dict()) == names


def test_weight_norm_comes_back():
    network = make_network()
    mel, wave = make_batch()
    names, before = set(network.state_dict()), network(mel, wave).z
    network.remove_weight_norm()
    network.apply_weight_norm()
    assert set(network.state_dict()) == names
    assert max_error(network(mel, wave).z, before) < 1e-5


def test_the_last_layer_of_a_coupling_has_no_weight_norm():
    parameters = dict(make_network().named_parameters())
    assert "flows.0.coupling.end.weight" in parameters
    assert "flows.0.coupling.start.parametrizations.weight.original0" in parameters


@pytest.mark.parametrize(
    ("n_channels", "with_norm", "folded"),
    [(256, 87_879_272, 87_731_816), (512, 268_294_760, 267_999_848)],
)
def test_full_size_has_the_published_number_of_parameters(n_channels, with_norm, folded):
    with torch.device("meta"):
        network = WaveGlow(n_channels=n_channels)
    assert sum(p.numel() for p in network.parameters()) == with_norm
    network.remove_weight_norm()
    assert sum(p.numel() for p in network.parameters()) == folded


def test_seed_decides_the_noise():
    network = make_network()
    mel, _ = make_batch()
    first, again, other = (
        network.inverse(mel, generator=torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_generator_leaves_the_global_one_alone():
    network = make_network()
    state = torch.get_rng_state()
    network.inverse(make_batch()[0], generator=torch.Generator().manual_seed(1))
    assert torch.equal(torch.get_rng_state(), state)


def test_noise_is_drawn_for_the_last_flow_first():
    network = make_network()
    mel, _ = make_batch()
    groups = N_FRAMES * TINY.hop_length // TINY.n_group
    generator = torch.Generator().manual_seed(5)
    remaining, second, first = (torch.randn(2, n, groups, generator=generator) for n in (4, 2, 2))
    expected = network.inverse(mel, z=0.5 * torch.cat([first, second, remaining], dim=1))
    found = network.inverse(mel, sigma=0.5, generator=torch.Generator().manual_seed(5))
    assert torch.equal(found, expected)


def test_zero_sigma_is_deterministic():
    network = make_network()
    mel, _ = make_batch()
    assert torch.equal(network.inverse(mel, sigma=0.0), network.inverse(mel, sigma=0.0))


def test_generated_length_is_the_hop_times_the_frames():
    mel, _ = make_batch()
    assert make_network().inverse(mel).shape == (2, N_FRAMES * TINY.hop_length)


def test_one_utterance_alone_equals_the_same_in_a_batch():
    network = make_network()
    mel, wave = make_batch(batch=3)
    z = network(mel, wave).z
    assert max_error(network(mel[1:2], wave[1:2]).z, z[1:2]) < 1e-5
    assert max_error(network.inverse(mel, z=z)[1:2], network.inverse(mel[1:2], z=z[1:2])) < 1e-5


def test_segment_may_be_longer_than_hop_times_frames():
    network = make_network()
    mel, _ = make_batch()
    wave = 0.1 * torch.randn(2, (N_FRAMES - 1) * TINY.hop_length + TINY.win_length)
    assert max_error(network.inverse(mel, z=network(mel, wave).z), wave) < 1e-5


def test_a_mel_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="2 mel frames cover 56 samples, the wave has 96"):
        make_network()(make_batch()[0][:, :, :2], make_batch()[1])


def test_a_wave_that_is_no_multiple_of_n_group_is_refused():
    mel, wave = make_batch()
    with pytest.raises(ValueError, match="95 samples: must be a multiple of n_group=8"):
        make_network()(mel, wave[:, :-1])


def test_inverse_builds_no_graph():
    assert not make_network().inverse(make_batch()[0]).requires_grad


def test_network_copies():
    network = make_network()
    twin = copy.deepcopy(network)
    mel, wave = make_batch()
    assert torch.equal(twin(mel, wave).z, network(mel, wave).z)


def test_overrides_replace_fields_of_the_config():
    assert WaveGlow(TINY, n_channels=4).config == WaveGlowConfig(**{**vars(TINY), "n_channels": 4})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"n_flows": 0}, "n_flows=0: it must be a whole number, 1 or more"),
        ({"n_mels": 1.5}, "n_mels=1.5: it must be a whole number"),
        ({"n_layers": True}, "n_layers=True: it must be a whole number"),
        ({"n_group": 7}, "n_group=7: it must be even"),
        ({"n_early_size": 1}, "n_early_size=1: it must be even"),
        ({"kernel_size": 4}, "kernel_size=4: it must be odd"),
        ({"hop_length": 100}, "hop_length=100: it must divide by n_group=8"),
        ({"win_length": 128}, "win_length=128: below hop_length=256"),
        ({"n_early_every": 1}, "no channel is left of n_group=8 after 12 flows"),
        ({"front": "mdct"}, "front=mdct: it must be one of squeeze, lapped"),
        ({"envelope": 1}, "envelope=1: it must be true or false"),
        ({"condition_channels": -1}, "condition_channels=-1: it must be a whole number, 0 or more"),
        ({"condition_channels": 8, "n_group": 256}, "needs n_group=256 to be at most half of"),
    ],
)
def test_impossible_sizes_are_refused(overrides, message):
    with pytest.raises(ValueError, match=message):
        WaveGlowConfig(**overrides)


def test_channels_of_the_published_network():
    assert WaveGlowConfig().flow_channels == (8,) * 4 + (6,) * 4 + (4,) * 4
    assert WaveGlowConfig().early_flows == (4, 8)


def make_output() -> WaveGlowOutput:
    z = torch.tensor([[[1.0, 2.0], [0.0, -2.0]]])
    return WaveGlowOutput(z, [torch.tensor([[[0.5, 0.25]]])], torch.tensor([1.5]))


def test_loss_is_the_negative_log_likelihood_per_element():
    loss = waveglow_loss(make_output(), sigma=0.5)
    assert float(loss["prior"]) == pytest.approx(9 / (2 * 0.25) / 4)
    assert float(loss["log_s"]) == pytest.approx(0.75 / 4)
    assert float(loss["log_det"]) == pytest.approx(1.5 / 4)
    assert float(loss["total"]) == pytest.approx((18 - 0.75 - 1.5) / 4)


def test_loss_is_a_density_of_the_wave():
    """exp(-loss), with the Gaussian's constant, integrates to 1 over waves of one group."""
    config = WaveGlowConfig(
        n_mels=1,
        hop_length=2,
        win_length=2,
        n_flows=2,
        n_group=2,
        n_early_every=9,
        n_layers=1,
        n_channels=2,
    )
    network = make_network(config).double()
    line = torch.linspace(-12, 12, 241, dtype=torch.float64)
    waves = torch.cartesian_prod(line, line)
    mel = torch.zeros(1, 1, 1, dtype=torch.float64)
    with torch.no_grad():
        losses = [waveglow_loss(network(mel, w[None]))["total"].double() for w in waves[::1200]]
        dense = network(mel.expand(len(waves), 1, 1), waves)
    log_s = torch.stack(dense.log_s).sum(dim=(0, 2, 3))
    log_density = -dense.z.square().sum(dim=(1, 2)) / 2 + log_s + dense.log_det.sum() / len(waves)
    torch.testing.assert_close(-2 * torch.stack(losses), log_density[::1200], atol=1e-5, rtol=1e-5)
    mass = (log_density.exp() / (2 * math.pi)).sum() * (line[1] - line[0]) ** 2
    assert float(mass) == pytest.approx(1.0, abs=1e-3)


def test_loss_falls_in_training():
    network = make_network()
    mel, wave = make_batch()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(12):
        loss = waveglow_loss(network(mel, wave))["total"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.3


def test_loss_is_float32_for_half_precision_outputs():
    output = make_output()
    half = WaveGlowOutput(output.z.half(), [s.half() for s in output.log_s], output.log_det)
    assert waveglow_loss(half)["total"].dtype == torch.float32


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_loss_needs_a_sigma_above_zero(sigma):
    with pytest.raises(ValueError, match="must be above 0"):
        waveglow_loss(make_output(), sigma=sigma)
