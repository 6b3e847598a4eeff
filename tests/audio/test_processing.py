from __future__ import annotations

import sys

import numpy as np
import pytest

from tts.audio.pcm import to_float, to_int16
from tts.audio.processing import to_rate
from tts.core.errors import InputError
from tts.data import Processing

RATE = 22050


def tone(seconds=0.5, level=0.3):
    time = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def in_silence(samples, before=0.7, after=1.1, noise=1e-5):
    quiet = np.random.default_rng(0).normal(0, noise, round((before + after) * RATE))
    quiet = quiet.astype(np.float32)
    middle = round(before * RATE)
    return np.concatenate([quiet[:middle], samples, quiet[middle:]])


def test_defaults_change_nothing():
    samples = in_silence(tone())
    assert not Processing().changes_samples
    assert Processing()(samples, RATE) is samples


def test_silence_is_cut_to_fixed_lengths():
    trimmed = Processing(trim_db=40, lead_seconds=0.02, tail_seconds=0.2)(in_silence(tone()), RATE)
    assert len(trimmed) == pytest.approx((0.02 + 0.5 + 0.2) * RATE, abs=RATE / 50)
    (loud,) = np.nonzero(np.abs(trimmed) > 0.01)
    assert loud[0] == pytest.approx(0.02 * RATE, abs=RATE / 100)
    assert len(trimmed) - loud[-1] == pytest.approx(0.2 * RATE, abs=RATE / 100)


def test_missing_silence_is_added():
    trimmed = Processing(trim_db=40, lead_seconds=0.1, tail_seconds=0.2)(tone(), RATE)
    assert len(trimmed) == pytest.approx(0.8 * RATE, abs=RATE / 50)


def test_a_higher_threshold_keeps_quiet_sound():
    samples = in_silence(tone(), noise=1e-3)
    kept, cut = (Processing(trim_db=db)(samples, RATE) for db in (60, 30))
    assert len(kept) > len(cut) + RATE


def test_silence_alone_is_refused():
    with pytest.raises(InputError, match=r"^holds only silence; record it again or leave it out$"):
        Processing(trim_db=40)(np.zeros(RATE, np.float32), RATE)


def loudness(samples):
    import pyloudnorm

    return pyloudnorm.Meter(RATE).integrated_loudness(samples.astype(np.float64))


@pytest.mark.parametrize("level", [0.001, 0.1])
def test_recordings_become_equally_loud(level):
    pytest.importorskip("pyloudnorm")
    louder = Processing(loudness=-25)(tone(2.0, level), RATE)
    assert loudness(louder) == pytest.approx(-25, abs=0.1)


def test_loudness_does_not_clip_peaks():
    pytest.importorskip("pyloudnorm")
    samples = tone(2.0, 0.01)
    samples[RATE] = 0.9
    louder = Processing(loudness=-10)(samples, RATE)
    assert 0.9 < np.abs(louder).max() < 1


@pytest.mark.parametrize(
    "samples", [tone(0.1), np.zeros(RATE, np.float32)], ids=["short", "silent"]
)
def test_loudness_gives_finite_samples(samples):
    pytest.importorskip("pyloudnorm")
    assert np.isfinite(Processing(loudness=-23)(samples, RATE)).all()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyloudnorm", None)
    with pytest.raises(InputError, match=r"pip install 'tacoglow\[loudness\]'"):
        Processing(loudness=-23).check()


@pytest.mark.parametrize(
    "options", [{"trim_db": 0}, {"trim_db": -40}, {"tail_seconds": -1}, {"loudness": 3}]
)
def test_impossible_settings_are_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(InputError, match=rf"data\.{name}={value}: it must be"):
        Processing(**options)


def test_lengths_matter_only_with_trimming():
    assert Processing(tail_seconds=0.1).to_dict() == Processing(tail_seconds=0.3).to_dict()
    cut = [Processing(trim_db=40, tail_seconds=tail).to_dict() for tail in (0.1, 0.3)]
    assert cut[0] != cut[1]


def test_sixteen_bits_survive_a_round_trip():
    whole = np.arange(-32768, 32768, dtype=np.int16)
    np.testing.assert_array_equal(to_int16(to_float(whole)), whole)
    assert to_int16(np.array([1.0, -1.0], np.float32)).tolist() == [32767, -32768]


def test_another_rate_keeps_the_pitch():
    resampled = to_rate(tone(1.0), RATE, 16000)
    assert len(resampled) == 16000
    assert np.abs(np.fft.rfft(resampled)).argmax() == 440
