"""GriffinLim gives a wave with the given mel; seeds decide it, and faults are refused."""

from dataclasses import replace

import pytest
import torch

from tts.audio import GriffinLim, LogMel, MelConfig
from tts.core.errors import InputError


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(7)


@pytest.fixture(scope="module")
def mel(voice):
    return LogMel(MelConfig())(torch.from_numpy(voice))


def error_after(mel, **options):
    generator = torch.Generator().manual_seed(7)
    wave = GriffinLim(MelConfig(), **options)(mel, generator=generator)
    return float((LogMel(MelConfig())(wave) - mel).abs().mean())


def test_round_trip_is_close(mel):
    assert error_after(mel) < 0.06


def test_more_steps_reduce_the_error(mel):
    assert error_after(mel, n_iter=40) < 0.8 * error_after(mel, n_iter=8)


def test_momentum_reduces_the_error(mel):
    assert error_after(mel, n_iter=20) < error_after(mel, n_iter=20, momentum=0.0)


def test_loudness_is_kept(mel, voice):
    wave = GriffinLim(MelConfig())(mel)
    loudness = torch.from_numpy(voice).square().mean().sqrt()
    assert wave.square().mean().sqrt() == pytest.approx(float(loudness), rel=0.05)


@pytest.mark.parametrize("n_frames", [2, 3, 4, 50])
def test_analysis_has_the_same_frames(small, n_frames):
    wave = GriffinLim(small, n_iter=2)(torch.full((20, n_frames), -3.0))
    assert wave.shape == ((n_frames - 1) * small.hop_length,)


@pytest.mark.parametrize(
    ("n_fft", "hop_length", "win_length"), [(256, 64, 256), (256, 60, 200), (250, 50, 201)]
)
def test_overlap_add_equals_torch_istft(n_fft, hop_length, win_length, small):
    config = replace(small, n_fft=n_fft, hop_length=hop_length, win_length=win_length)
    griffin_lim = GriffinLim(config)
    spectrum = torch.randn(2, 9, n_fft // 2 + 1, dtype=torch.complex64)
    envelope = griffin_lim._envelope(torch.zeros(2, 9, 20))
    wave = griffin_lim._to_wave(spectrum, envelope)
    sizes = {"n_fft": n_fft, "hop_length": hop_length, "win_length": win_length}
    window, length = griffin_lim.window, 8 * hop_length
    theirs = torch.istft(spectrum.mT, **sizes, window=window, length=length)
    assert wave.shape == (2, length)
    assert torch.allclose(wave, theirs, rtol=1e-5, atol=1e-6)


def test_batch_gives_one_wave_for_each_mel(small):
    assert GriffinLim(small, n_iter=2)(torch.zeros(3, 20, 10)).shape == (3, 9 * 64)


def test_same_seed_same_wave(small):
    mel = torch.rand(20, 12)
    waves = [
        GriffinLim(small, n_iter=4)(mel, generator=torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    ]
    assert torch.equal(waves[0], waves[1])
    assert not torch.allclose(waves[0], waves[2])


def test_generator_leaves_the_global_one_alone(small, generator):
    before = torch.get_rng_state()
    GriffinLim(small, n_iter=2)(torch.rand(20, 12, generator=generator), generator=generator)
    assert torch.equal(torch.get_rng_state(), before)


def test_silence_stays_silent(small, generator):
    wave = GriffinLim(small)(torch.full((20, 30), small.silence), generator=generator)
    assert wave.abs().max() < 1e-3


@pytest.mark.parametrize(
    ("mel", "message"),
    [
        (torch.zeros(20), r"shape \(20,\); expected \(20, T\)"),
        (torch.zeros(10, 20), r"shape \(10, 20\)"),
        (torch.zeros(20, 1), "T of at least 2"),
        (torch.full((20, 5), torch.nan), "not finite"),
    ],
)
def test_wrong_mel_is_refused(small, mel, message):
    with pytest.raises(InputError, match=message):
        GriffinLim(small)(mel)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_iter": 0}, "n_iter is 0; it must be 1 or more"),
        ({"momentum": 1.5}, "momentum is 1.5; it must be between 0 and 1"),
        ({"config": MelConfig(hop_length=1024)}, "overlapping frames"),
    ],
)
def test_wrong_option_is_refused(small, options, message):
    with pytest.raises(InputError, match=message):
        GriffinLim(**{"config": small, **options})


def test_state_dict_is_empty(small):
    assert GriffinLim(small).state_dict() == {}
