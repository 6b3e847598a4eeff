"""LogMel equals the definition written out in numpy, and refuses wrong input."""

import numpy as np
import pytest
import torch

from tts.audio import MFCC, GriffinLim, LogMel, MelConfig
from tts.core.errors import InputError


def hz_of_mel(mel):
    """Convert by Slaney's scale: 15 mel up to 1000 Hz, then 27 mel for every factor of 6.4."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def mel_of_hz(hz):
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)


def filter_bank(config):
    """Return triangles between neighbouring mel points, each with an area of 1 over Hz."""
    points = np.linspace(mel_of_hz(config.f_min), mel_of_hz(config.f_max), config.n_mels + 2)
    low, peak, high = (hz_of_mel(points)[i : i + config.n_mels, None] for i in range(3))
    hz = np.arange(config.n_fft // 2 + 1) * config.sample_rate / config.n_fft
    triangles = np.minimum((hz - low) / (peak - low), (high - hz) / (high - peak))
    return 2 / (high - low) * np.maximum(0, triangles)


def definition(wave, config):
    """Compute the log-mel spectrogram frame by frame in float64."""
    window = np.zeros(config.n_fft)
    start = (config.n_fft - config.win_length) // 2
    n = np.arange(config.win_length)
    window[start : start + config.win_length] = 0.5 - 0.5 * np.cos(
        2 * np.pi * n / config.win_length
    )
    padded = np.pad(wave.astype(np.float64), config.n_fft // 2, mode="reflect")
    frames = [
        padded[i * config.hop_length :][: config.n_fft] * window
        for i in range(config.n_frames(len(wave)))
    ]
    magnitude = np.abs(np.fft.rfft(frames)).T
    return np.log(np.maximum(filter_bank(config) @ magnitude, config.log_floor))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"win_length": 800},
        {"hop_length": 200, "n_mels": 40, "f_min": 50.0, "f_max": 7600.0},
        {"n_fft": 512, "win_length": 400, "hop_length": 100, "n_mels": 30},
        {"log_floor": 0.01},
    ],
)
def test_equals_the_definition(voice, changes):
    config = MelConfig(**changes)
    mel = LogMel(config)(torch.from_numpy(voice))[0].numpy()
    np.testing.assert_allclose(mel, definition(voice, config), atol=1e-4)


@pytest.mark.slow
def test_equals_librosa(voice):
    import librosa

    spectrum = librosa.stft(voice, n_fft=1024, hop_length=256, pad_mode="reflect")
    bands = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=80, fmin=0, fmax=8000) @ abs(spectrum)
    mel = LogMel(MelConfig())(torch.from_numpy(voice))[0].numpy()
    np.testing.assert_allclose(mel, np.log(bands.clip(1e-5)), atol=1e-4)


def test_two_contracts_in_one_process_differ(voice):
    wave = torch.from_numpy(voice)
    first, second = LogMel(MelConfig()), LogMel(MelConfig(f_max=7000, log_floor=1e-4))
    before = first(wave)
    assert (second(wave) - before).abs().max() > 0.1
    assert torch.equal(first(wave), before)


def test_silence_is_the_floor():
    config = MelConfig()
    assert LogMel(config)(torch.zeros(2000)).unique().tolist() == pytest.approx([config.silence])


def test_batch_equals_single(small, voice):
    front_end = LogMel(small)
    batch = torch.from_numpy(voice[:8000]).view(2, 4000)
    single = torch.cat([front_end(batch[0]), front_end(batch[1])])
    torch.testing.assert_close(front_end(batch), single, atol=1e-5, rtol=0)


@pytest.mark.parametrize("n_samples", [129, 640, 4000, 4095])
def test_number_of_frames_is_that_of_the_contract(small, n_samples):
    assert LogMel(small)(torch.rand(3, n_samples)).shape == (3, 20, small.n_frames(n_samples))


def test_float64_stays_float64(small):
    assert LogMel(small)(torch.rand(500, dtype=torch.float64)).dtype == torch.float64


def test_autocast_does_not_change_it(small):
    wave = torch.rand(4000) - 0.5
    front_end = LogMel(small)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = front_end(wave)
    assert torch.equal(inside, front_end(wave))


def test_state_dict_is_empty(small):
    assert LogMel(small).state_dict() == {}


def test_gradient_of_silence_is_finite(small):
    wave = torch.zeros(1000, requires_grad=True)
    LogMel(small)(wave).sum().backward()
    assert wave.grad is not None
    assert torch.isfinite(wave.grad).all()


@pytest.mark.parametrize(
    ("wave", "message"),
    [
        (torch.zeros(1000, dtype=torch.int16), "divide 16-bit samples by 32768"),
        (torch.zeros(1, 1, 1000), r"shape \(1, 1, 1000\)"),
        (torch.zeros(128), "128 samples; n_fft=256 needs at least 129"),
    ],
)
def test_wrong_wave_is_refused(small, wave, message):
    with pytest.raises(InputError, match=message):
        LogMel(small)(wave)


def test_bands_without_a_frequency_are_reported(caplog):
    LogMel(MelConfig(n_fft=256, win_length=256))
    assert len(caplog.messages) == 1
    assert "of 80 mel bands are narrower than the frequencies of n_fft=256" in caplog.messages[0]


def test_print_shows_the_contract(small):
    assert small.fingerprint() in repr(LogMel(small))


def test_the_front_end_of_the_published_models_needs_no_argument():
    for front_end in (LogMel(), MFCC(), GriffinLim()):
        config = front_end.log_mel.config if isinstance(front_end, MFCC) else front_end.config
        assert config == MelConfig()
