from __future__ import annotations

import pytest
import torch

from tts.audio import LogMel, MelConfig
from tts.core.errors import InputError
from tts.inference import GriffinLimVocoder, Vocoder, WaveGlowVocoder
from tts.inference.vocoders.denoiser import Denoiser
from tts.models import WaveGlow

MEL = MelConfig(sample_rate=8000, n_fft=128, hop_length=32, win_length=128, n_mels=5, f_max=4000.0)


@pytest.fixture(scope="module")
def network() -> WaveGlow:
    torch.manual_seed(0)
    network = WaveGlow(
        n_mels=5,
        hop_length=32,
        win_length=128,
        n_flows=4,
        n_early_every=2,
        n_layers=2,
        n_channels=8,
    )
    with torch.no_grad():
        for flow in network.flows:
            torch.nn.init.normal_(flow.coupling.end.weight, std=0.1)
            torch.nn.init.normal_(flow.coupling.end.bias, std=0.1)
    return network


@pytest.fixture
def mel() -> torch.Tensor:
    torch.manual_seed(1)
    return LogMel(MEL)(0.2 * torch.randn(1, 32 * 19))[0]


@pytest.fixture(params=["waveglow", "waveglow_raw", "waveglow_polished", "griffin_lim"])
def vocoder(request, network) -> Vocoder:
    if request.param == "griffin_lim":
        return GriffinLimVocoder(MEL, n_iter=3)
    strength = 0.0 if request.param == "waveglow_raw" else 0.1
    polish = 3 if request.param == "waveglow_polished" else 0
    return WaveGlowVocoder(network, MEL, denoiser_strength=strength, polish=polish)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_gives_one_float32_wave(vocoder, mel):
    wave = vocoder(mel, generator=seeded(0))
    assert wave.ndim == 1
    assert wave.dtype == torch.float32
    assert bool(wave.isfinite().all())
    assert (mel.size(1) - 1) * MEL.hop_length <= len(wave) <= mel.size(1) * MEL.hop_length


def test_names_its_mel_contract(vocoder):
    assert vocoder.mel == MEL


def test_seed_decides_the_wave(vocoder, mel):
    waves = [vocoder(mel, generator=seeded(seed)) for seed in (1, 1, 2)]
    assert torch.equal(waves[0], waves[1])
    assert not torch.equal(waves[0], waves[2])


def test_builds_no_graph(vocoder, mel):
    assert not vocoder(mel.requires_grad_()).requires_grad


def test_mel_of_another_shape_is_named(vocoder):
    with pytest.raises(InputError, match=r"shape \(4, 9\).*\(5, T\)"):
        vocoder(torch.zeros(4, 9))


def latent(network, mel):
    """Return the noise by its place in time, four groups for each frame."""
    return network.block_noise(1, seeded(4)).between(0, 4 * mel.shape[1])


def test_waveglow_without_denoiser_is_the_network(network, mel):
    vocoder = WaveGlowVocoder(network, MEL, sigma=0.5, denoiser_strength=0.0)
    expected = network.inverse(mel[None], z=0.5 * latent(network, mel))[0]
    assert torch.equal(vocoder(mel, generator=seeded(4)), expected)


def test_waveglow_applies_its_denoiser(network, mel):
    vocoder = WaveGlowVocoder(network, MEL, sigma=0.5, denoiser_strength=0.3)
    raw = network.inverse(mel[None], z=0.5 * latent(network, mel))
    expected = Denoiser(network, MEL, strength=0.3)(raw)[0]
    assert torch.equal(vocoder(mel, generator=seeded(4)), expected)


@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_very_short_mels_are_spoken(network, n_frames):
    wave = WaveGlowVocoder(network, MEL)(torch.full((5, n_frames), -3.0))
    assert len(wave) == n_frames * MEL.hop_length


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_mels": 6}, "n_mels is 5 in the network, 6 in the mel"),
        ({"hop_length": 64}, "hop_length is 32 in the network, 64 in the mel"),
    ],
)
def test_network_of_another_contract_is_refused(network, changes, message):
    config = MelConfig.from_dict({**MEL.to_dict(), **changes})
    with pytest.raises(InputError, match=message):
        WaveGlowVocoder(network, config)


def test_sigma_below_zero_is_refused(network):
    with pytest.raises(InputError, match=r"sigma=-1\.0: must be 0 or more"):
        WaveGlowVocoder(network, MEL, sigma=-1.0)


def magnitudes(wave: torch.Tensor) -> torch.Tensor:
    window = torch.hann_window(MEL.win_length)
    return torch.stft(wave, MEL.n_fft, MEL.hop_length, window=window, return_complex=True).abs()


@pytest.mark.parametrize(("mode", "level"), [("zeros", 0.0), ("silence", MEL.silence)])
def test_bias_is_the_first_frame_of_the_sound_of_an_empty_mel(network, mode, level):
    bias_noise = network.inverse(torch.full((1, 5, 88), level), sigma=0.0)
    denoiser = Denoiser(network, MEL, mode=mode)
    torch.testing.assert_close(denoiser.bias, magnitudes(bias_noise)[:, :, :1])


def test_strength_zero_gives_the_wave_back(network):
    wave = torch.randn(2, 32 * 20)
    torch.testing.assert_close(
        Denoiser(network, MEL, strength=0.0)(wave), wave, atol=1e-5, rtol=1e-5
    )


def test_subtraction_stops_at_silence(network):
    wave = torch.randn(1, 32 * 20)
    clean = Denoiser(network, MEL, strength=1e6)(wave)
    bias = Denoiser(network, MEL).bias
    assert bool((bias > 1e-3).all())
    assert float(clean.abs().max()) < 1e-5


def test_strength_of_the_call_wins(network):
    wave = torch.randn(1, 32 * 20)
    called = Denoiser(network, MEL, strength=0.9)(wave, strength=0.2)
    torch.testing.assert_close(called, Denoiser(network, MEL, strength=0.2)(wave))


@pytest.mark.parametrize("shape", [(640,), (2, 640), (1, 645), (1, 20)])
def test_denoiser_keeps_the_shape(network, shape):
    assert Denoiser(network, MEL)(torch.randn(shape)).shape == shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"mode": "normal"}, "choose from zeros, silence"), ({"strength": -0.1}, "must be 0 or more")],
)
def test_denoiser_names_what_is_wrong(network, arguments, message):
    with pytest.raises(InputError, match=message):
        Denoiser(network, MEL, **arguments)


@pytest.mark.parametrize("mode", ["zeros", "silence"])
def test_settings_are_changed_one_by_one(network, mode):
    vocoder = WaveGlowVocoder(network, MEL, 0.5, 0.3, chunk_frames=7, denoiser_mode=mode)
    louder = vocoder.with_settings(0.9, None, None)
    assert (louder.sigma, louder.denoiser.strength, louder.denoiser.mode) == (0.9, 0.3, mode)
    assert louder.chunk_frames == 7
    assert vocoder.with_settings(None, 0.0, None).denoiser is None
    assert vocoder.with_settings(None, None, "silence").denoiser.mode == "silence"
    assert vocoder.polish is None
    polished = vocoder.with_settings(polish=4)
    assert (polished.polish.n_iter, polished.polish.sharpness, polished.sigma) == (4, 0.3, 0.5)
    duller = polished.with_settings(sharpness=0.1, sigma=0.2)
    assert (duller.polish.n_iter, duller.polish.sharpness) == (4, 0.1)
    assert duller.with_settings(polish=0).polish is None


def test_frames_that_do_not_overlap_have_no_denoiser(caplog):
    contract = MelConfig.from_dict({**MEL.to_dict(), "hop_length": 128})
    torch.manual_seed(0)
    network = WaveGlow(
        n_mels=5,
        hop_length=128,
        win_length=128,
        n_flows=2,
        n_early_every=2,
        n_layers=2,
        n_channels=8,
    )
    vocoder = WaveGlowVocoder(network, contract)
    assert "do not overlap (hop_length=128), so the denoiser" in caplog.text
    wave = vocoder(torch.full((5, 6), -3.0), generator=seeded(0))
    assert bool(wave.isfinite().all())
    with pytest.raises(InputError, match=r"^denoiser=0\.01: .* both 128; use denoiser=0$"):
        WaveGlowVocoder(network, contract, denoiser_strength=0.01)
