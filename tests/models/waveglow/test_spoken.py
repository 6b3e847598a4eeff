"""WaveGlow is trained in the direction in which it speaks: gradients, losses, critics."""

from __future__ import annotations

import math

import pytest
import torch

from tts.models import WaveGlow
from tts.models.waveglow.spectral_loss import band_loss, spectral_loss
from tts.models.waveglow.wave_critic import WaveCritic

FRONTS = {
    "squeeze": {},
    "halves": {"alternate_halves": True},
    "lapped": {"front": "lapped", "condition_channels": 4, "envelope": True, "n_group": 16},
    "separable": {"separable": True},
}


def network(front: str) -> WaveGlow:
    torch.manual_seed(0)
    sizes = {"n_mels": 3, "hop_length": 64, "win_length": 128, "n_flows": 3, "n_early_every": 2}
    made = WaveGlow(**{**sizes, "n_layers": 2, "n_channels": 4, **FRONTS[front]}).double()
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if ".end." in name or ".mix." in name:
                weight.add_(0.1 * torch.randn_like(weight))
    return made


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    mel = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64)
    return mel, 0.3 * torch.randn(2, 5 * 64, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("front", FRONTS)
def test_gradients_through_the_inverse_equal_finite_differences(front):
    made = network(front)
    mel, target = batch()
    z = made.draw_noise(2, target.shape[1] // made.config.n_group, mel.device).double()

    def loss() -> torch.Tensor:
        return (made.invert(mel, z) - target).square().mean()

    loss().backward()
    for name, weight in made.named_parameters():
        assert weight.grad is not None, name
        direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(3)).to(weight)
        found = (weight.grad * direction).sum()
        with torch.no_grad():
            values = []
            for step in (1e-6, -1e-6):
                weight.add_(step * direction)
                values.append(loss())
                weight.sub_(step * direction)
        expected = (values[0] - values[1]) / 2e-6
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-8, msg=name)


@pytest.mark.parametrize("front", FRONTS)
def test_a_network_that_was_trained_by_its_sound_still_inverts(front):
    made = network(front)
    mel, target = batch()
    optimizer = torch.optim.Adam(made.parameters(), 1e-3)
    for _ in range(5):
        z = 0.7 * made.draw_noise(2, target.shape[1] // made.config.n_group, mel.device).double()
        optimizer.zero_grad()
        (made.invert(mel, z) - target).square().mean().backward()
        optimizer.step()
    with torch.no_grad():
        latent = made(mel, target).z
        # the lapped transform has cosines in float32
        error = 1e-6 if front == "lapped" else 1e-10
        torch.testing.assert_close(made.invert(mel, latent), target, rtol=0, atol=error)


LOSSES = {"spectra": spectral_loss, "bands": band_loss}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_equal_waves_have_no_distance_and_louder_noise_has_more(loss):
    wave = 0.1 * torch.randn(2, 8192, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(2, 8192, generator=torch.Generator().manual_seed(1))
    distances = [float(loss(wave + level * noise, wave)) for level in (0, 0.01, 0.1)]
    assert distances[0] == 0
    assert 0 < distances[1] < distances[2]


def test_bands_hear_a_level_exactly_and_another_noise_less_than_spectra_do():
    """A band is a mean over frequencies, in which chance counts less than in each of them."""
    noise, other = torch.randn(2, 2, 16384, generator=torch.Generator().manual_seed(0))
    twice = float(band_loss(2 * noise, noise))
    assert twice == pytest.approx(math.log(2), abs=1e-3)
    assert float(band_loss(other, noise)) < 0.5 * float(spectral_loss(other, noise))


def test_a_band_hears_its_own_frequencies():
    """A tone changes a band near it, and changes the more bands the lower it is."""
    time = torch.arange(22050) / 22050
    quiet = 1e-3 * torch.randn(1, 22050, generator=torch.Generator().manual_seed(0))
    found = [float(band_loss(quiet + torch.sin(6.2832 * f * time), quiet)) for f in (300, 9000)]
    assert found[0] > found[1] > 0.05


def test_silence_has_finite_gradients():
    silence = torch.zeros(1, 4096, requires_grad=True)
    for loss in LOSSES.values():
        loss(silence, torch.zeros(1, 4096)).backward()
    assert torch.isfinite(silence.grad).all()
    losses = WaveCritic().losses(silence, torch.zeros(1, 4096))
    losses.total(1.0).backward()
    assert torch.isfinite(silence.grad).all()


def test_the_loss_of_a_batch_is_the_mean_of_its_parts():
    generator = torch.Generator().manual_seed(0)
    ours, theirs = (torch.randn(4, 4096, generator=generator) for _ in range(2))
    for loss in LOSSES.values():
        parts = [loss(ours[i : i + 2], theirs[i : i + 2]) for i in (0, 2)]
        torch.testing.assert_close(torch.stack(parts).mean(), loss(ours, theirs))
    critic = WaveCritic()
    whole = critic.losses(ours, theirs)
    halves = [critic.losses(ours[i : i + 2], theirs[i : i + 2]) for i in (0, 2)]
    for name, value in whole.to_dict().items():
        mean = torch.stack([half.to_dict()[name] for half in halves]).mean()
        torch.testing.assert_close(mean, value, msg=name)


def test_gradients_of_each_loss_reach_the_right_network():
    wave = torch.randn(1, 4096, requires_grad=True)
    critic = WaveCritic()
    losses = critic.losses(wave, torch.randn(1, 4096))
    losses.critic_loss.backward(retain_graph=True)
    assert wave.grad is None
    critic.zero_grad()
    (losses.generator_loss + losses.feature_loss).backward()
    assert wave.grad is not None
    assert all(p.grad is None for p in critic.parameters())


@pytest.mark.slow
def test_the_critic_learns_to_distinguish_phases():
    """Magnitudes alone would not do: the made waves have those of the recordings."""
    torch.manual_seed(0)
    critic = WaveCritic()
    optimizer = torch.optim.Adam(critic.parameters(), 2e-3)
    ramp = torch.linspace(0, 1, 4096)
    for step in range(80):
        pitch = 100 + 10 * torch.rand(4, 1, generator=torch.Generator().manual_seed(step))
        angle = 6.2832 * pitch * ramp * 4096 / 22050
        pulses = torch.stack([torch.cos(k * angle) for k in range(1, 9)]).sum(0) * 0.05
        phases = torch.arange(1, 9) ** 2.0
        smeared = torch.stack([torch.cos(k * angle + phases[k - 1]) for k in range(1, 9)])
        losses = critic.losses(smeared.sum(0) * 0.05, pulses)
        optimizer.zero_grad()
        losses.critic_loss.backward()
        optimizer.step()
    # 0.25 is the loss of a critic that distinguishes nothing
    assert losses.critic_loss.item() < 0.15
