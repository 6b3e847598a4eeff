"""Measures recordings whose values are known."""

import logging
from itertools import product

import numpy as np
import pytest
import soundfile

from tts.audio import write_wave
from tts.core.errors import InputError
from tts.data.doctor.recording_stats import measure_recording, muted_log

RATE = 22050


def tone(seconds=1.0, amplitude=0.5, pitch=220, rate=RATE):
    return amplitude * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


def silence(seconds, rate=RATE):
    return np.zeros(round(seconds * rate))


@pytest.fixture
def hear(tmp_path):
    def hear(*parts, rate=RATE, silence_db=40.0):
        write_wave(tmp_path / "a.wav", np.concatenate(parts), rate)
        return measure_recording(tmp_path / "a.wav", silence_db)[0]

    return hear


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_silence_at_both_ends(hear, rate):
    sound = hear(silence(0.3, rate), tone(rate=rate), silence(0.7, rate), rate=rate)
    assert sound.lead == pytest.approx(0.3, abs=0.011)
    assert sound.tail == pytest.approx(0.7, abs=0.011)
    assert sound.speech_seconds == pytest.approx(1.0, abs=0.021)
    assert (sound.seconds, sound.rate) == (pytest.approx(2.0), rate)


def test_noise_is_silence_if_it_is_far_below(hear):
    parts = tone(), tone(0.5, 0.5e-2 * 10**-0.1)
    assert hear(*parts).tail == pytest.approx(0.5, abs=0.011)
    assert hear(*parts, silence_db=50).tail == 0


def test_the_level_is_that_of_the_sound(hear):
    assert hear(tone(), silence(3)).level == pytest.approx(-9.03, abs=0.05)
    assert hear(tone(amplitude=0.05), silence(3)).level == pytest.approx(-29.03, abs=0.05)


def test_the_offset_is_the_mean(hear):
    assert hear(tone() + 0.03).offset == pytest.approx(0.03, abs=1e-4)


def test_flat_tops_are_counted(hear):
    wave = tone(amplitude=2, pitch=100)
    expected = int((np.abs(wave) >= 1).sum())
    assert hear(wave.clip(-1, 1)).n_clipped == pytest.approx(expected, rel=0.02)
    assert hear(wave.clip(-1, 1) * 0.3).n_clipped == pytest.approx(expected, rel=0.02)
    one_side = wave.clip(-3, 1) / 3
    assert hear(one_side).n_clipped == pytest.approx(expected / 2, rel=0.02)


def test_voices_have_no_flat_tops(hear):
    clipped = []
    for rate, pitch, amplitude in product([16000, 48000], [70.3, 220, 1000], [0.1, 0.3, 0.999]):
        voice = tone(1, 0.7, pitch, rate) + tone(1, 0.3, 3 * pitch, rate)
        voice *= np.sin(np.pi * np.arange(rate) / rate) / np.abs(voice).max()
        if hear(amplitude * voice, rate=rate).n_clipped >= 10:
            clipped.append((rate, pitch, amplitude))
    assert clipped == []


@pytest.mark.parametrize("edge", [3400, 7000])
def test_the_band_ends_where_the_sound_ends(hear, edge):
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(2 * RATE))
    spectrum[2 * edge :] = 0
    noise = np.fft.irfft(spectrum)
    # the window lets ten of its bins through
    leaked = hear(0.5 * noise / np.abs(noise).max()).band - edge
    assert 0 <= leaked <= 10 * RATE / 1024


def test_short_and_silent_recordings_are_heard(hear):
    short = hear(np.array([0.5]))
    assert (short.lead, short.tail) == (0, 0)
    assert not short.is_silent
    assert hear(silence(0.5)).is_silent
    assert hear(silence(0.5)).level == -np.inf


def test_equal_sound_has_an_equal_digest(tmp_path):
    digests = []
    for name, rate in (("a.wav", RATE), ("b.flac", RATE), ("c.wav", 16000)):
        write_wave(tmp_path / name, tone(), rate)
        digests.append(measure_recording(tmp_path / name, 40)[0].digest)
    assert digests[0] == digests[1] != digests[2]


def test_channels_are_counted_and_mixed_in_silence(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="tts")
    soundfile.write(tmp_path / "a.wav", np.stack([tone(), 0 * tone()], 1), RATE)
    with muted_log():
        sound, _ = measure_recording(tmp_path / "a.wav", 40)
    assert (sound.channels, round(sound.peak, 2)) == (2, 0.25)
    assert caplog.messages == []


def test_what_is_no_sound_is_refused(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"a\.wav"):
        measure_recording(tmp_path / "a.wav", 40)
