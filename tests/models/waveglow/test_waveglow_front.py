"""Tests of the options for small WaveGlows: lapped front, condition at the mel's rate, envelope."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from tts.models import WaveGlow, WaveGlowConfig, waveglow_loss
from tts.models.waveglow.condition import Condition
from tts.models.waveglow.front import LappedTransform

COMPACT = {"front": "lapped", "condition_channels": 5, "envelope": True, "separable": True}
OPTIONS = [{}, *({key: value} for key, value in COMPACT.items()), COMPACT]
IDS = ["published", *COMPACT, "all"]


@pytest.fixture
def precise(trained_waveglow) -> Callable[..., WaveGlow]:
    """Makes a network in float64, so that rounding does not matter."""
    return lambda options: trained_waveglow(**options).double()


def batch(n_frames: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    mel = torch.randn(2, 3, n_frames, generator=generator, dtype=torch.float64)
    wave = torch.randn(2, n_frames * 32, generator=generator, dtype=torch.float64)
    return mel, wave


@pytest.mark.parametrize("options", OPTIONS, ids=IDS)
def test_inverse_undoes_forward(precise, options):
    network = precise(options)
    mel, wave = batch()
    torch.testing.assert_close(network.inverse(mel, z=network(mel, wave).z), wave)


@pytest.mark.parametrize("options", OPTIONS, ids=IDS)
def test_the_loss_contains_the_log_determinant_of_the_jacobian(precise, options):
    network = precise(options)
    mel, wave = (x[:1, ..., : 2 * x.shape[-1] // 4] for x in batch())

    def latent(x):
        return network(mel, x).z.flatten()

    jacobian = torch.autograd.functional.jacobian(latent, wave).reshape(wave.numel(), -1)
    terms = waveglow_loss(network(mel, wave))
    expected = torch.linalg.slogdet(jacobian).logabsdet / wave.numel()
    torch.testing.assert_close(
        (terms["log_s"] + terms["log_det"]).double(), expected, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("n_blocks", [1, 2, 7])
@pytest.mark.parametrize("n_group", [2, 8, 64])
def test_lapped_transform_is_orthonormal(n_group, n_blocks):
    transform = LappedTransform(n_group).double()
    wave = torch.randn(3, n_group * n_blocks, dtype=torch.float64)
    channels = transform(wave)
    assert channels.shape == (3, n_group, n_blocks)
    torch.testing.assert_close(
        channels.square().sum((1, 2)), wave.square().sum(1), rtol=1e-6, atol=0
    )
    torch.testing.assert_close(transform.inverse(channels), wave, rtol=1e-6, atol=1e-6)


def test_channels_of_the_lapped_transform_are_frequencies():
    n_group, channel = 16, 5
    frequency = (channel + 0.5) / (2 * n_group)  # cycles in a sample
    wave = torch.sin(2 * math.pi * frequency * torch.arange(16 * 40))[None]
    inner = LappedTransform(n_group)(wave)[0, :, 1:-1]  # the outer blocks have no neighbour
    energy = inner.square().sum(1)
    assert int(energy.argmax()) == channel
    # with a sine window nearly all of a tone lies in its channel and the two neighbours
    assert energy[channel - 1 : channel + 2].sum() / energy.sum() > 0.99


def test_interpolation_is_centred_on_the_frames():
    ramp = torch.arange(6.0).view(1, 1, -1)  # the value of frame t is t
    rate = 4
    dense = Condition(ramp, 5 * rate, rate).at_groups(ramp)[0, 0]
    centres = (torch.arange(5 * rate) + 0.5) / rate  # centre of each group, in frames
    torch.testing.assert_close(dense, centres)


def test_segments_and_whole_frames_fit_the_condition(trained_waveglow):
    network = trained_waveglow(**COMPACT)
    mel = torch.randn(1, 3, 5)
    assert network(mel, torch.randn(1, 4 * 32)).z.shape == (1, 8, 16)
    assert network.inverse(mel).shape == (1, 5 * 32)


def test_a_mel_that_is_too_short_is_refused(trained_waveglow):
    with pytest.raises(ValueError, match="2 mel frames cover 8 groups of samples, the wave has 12"):
        trained_waveglow(**COMPACT)(torch.randn(1, 3, 2), torch.randn(1, 96))


def test_new_network_with_a_lapped_front_keeps_one_of_two_frequencies(tiny_waveglow):
    network = tiny_waveglow(**COMPACT)
    first, second = network.flows[0].mix.weight[..., 0], network.flows[1].mix.weight[..., 0]
    assert first.abs().argmax(1).tolist() == [0, 2, 4, 6, 1, 3, 5, 7]
    assert second.abs().argmax(1).tolist() == [4, 5, 6, 7, 0, 1, 2, 3]
    assert torch.linalg.det(first) > 0
    assert torch.linalg.det(second) > 0


def test_front_adds_nothing_to_the_state(tiny_waveglow):
    assert not [name for name in tiny_waveglow(**COMPACT).state_dict() if "front" in name]


def test_defaults_are_the_published_network():
    config = WaveGlowConfig()
    options = (config.front, config.condition_channels, config.envelope, config.separable)
    assert options == ("squeeze", 0, False, False)
