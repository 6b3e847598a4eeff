"""MelConfig refuses illegal values, has a fingerprint, and names differences."""

import dataclasses
import math
import subprocess
import sys

import pytest

from tts.audio import MelConfig
from tts.core.errors import InputError


def test_defaults_are_the_contract_of_published_checkpoints():
    assert MelConfig().to_dict() == {
        "sample_rate": 22050,
        "n_fft": 1024,
        "hop_length": 256,
        "win_length": 1024,
        "n_mels": 80,
        "f_min": 0.0,
        "f_max": 8000.0,
        "log_floor": 1e-5,
        "window": "hann",
        "pad_mode": "reflect",
        "mel_scale": "slaney",
        "mel_norm": "slaney",
        "power": 1.0,
    }


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("sample_rate", 0, "whole number above 0"),
        ("sample_rate", 22050.0, "whole number above 0"),
        ("n_fft", -4, "whole number above 0"),
        ("n_fft", "1024", "whole number above 0"),
        ("n_fft", 1025, "even"),
        ("hop_length", 0, "whole number above 0"),
        ("hop_length", True, "whole number above 0"),
        ("hop_length", 1025, "at most win_length=1024"),
        ("win_length", 0, "whole number above 0"),
        ("win_length", 2048, "at most n_fft=1024"),
        ("n_mels", 0, "whole number above 0"),
        ("f_min", -1.0, "0 or more"),
        ("f_min", math.nan, "a number"),
        ("f_max", 0.0, "between f_min=0 and half the sample rate, 11025"),
        ("f_max", 12000.0, "between f_min=0 and half the sample rate, 11025"),
        ("f_max", None, "a number"),
        ("log_floor", 0.0, "above 0"),
        ("log_floor", math.inf, "a number"),
        ("window", "hamming", "'hann'"),
        ("pad_mode", "constant", "'reflect'"),
        ("mel_scale", "htk", "'slaney'"),
        ("mel_norm", None, "'slaney'"),
        ("power", 2.0, "1.0"),
        ("power", True, "a number"),
    ],
)
def test_illegal_value_is_named(name, value, message):
    with pytest.raises(InputError, match=f"^{name}=.*: it must be .*{message}"):
        MelConfig(**{name: value})


def test_fields_can_not_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        MelConfig().n_mels = 40  # type: ignore[misc]


def test_whole_hertz_are_the_same_contract():
    whole, fractional = MelConfig(f_min=0, f_max=8000), MelConfig()
    assert (whole, hash(whole), whole.fingerprint()) == (
        fractional,
        hash(fractional),
        fractional.fingerprint(),
    )


def test_fingerprint_is_stable():
    # If this value changes, all stored mels of users are computed again
    assert MelConfig().fingerprint() == "141fe12029ff"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sample_rate", 24000),
        ("n_fft", 2048),
        ("hop_length", 200),
        ("win_length", 800),
        ("n_mels", 40),
        ("f_min", 20.0),
        ("f_max", 7600.0),
        ("log_floor", 1e-3),
    ],
)
def test_every_number_is_part_of_the_fingerprint(name, value):
    assert MelConfig(**{name: value}).fingerprint() != MelConfig().fingerprint()


def test_differences_name_fields_and_both_values():
    ours, theirs = MelConfig(hop_length=200), MelConfig(f_max=7000)
    assert ours.differences(theirs) == [
        "hop_length: 200 here, 256 there",
        "f_max: 8000.0 here, 7000.0 there",
    ]


def test_equal_contracts_do_not_differ():
    assert MelConfig().differences(MelConfig()) == []


def test_description_rebuilds_the_contract():
    config = MelConfig(sample_rate=16000, f_max=7600, hop_length=160)
    assert MelConfig.from_dict(config.to_dict()) == config


def test_unknown_key_is_named():
    with pytest.raises(InputError, match="unknown key 'hop_size'; known: sample_rate, n_fft"):
        MelConfig.from_dict({"hop_size": 256})


def test_silence_is_the_logarithm_of_the_floor():
    assert MelConfig().silence == pytest.approx(-11.512925)


@pytest.mark.parametrize(("n_samples", "n_frames"), [(0, 1), (255, 1), (256, 2), (22050, 87)])
def test_number_of_frames(n_samples, n_frames):
    assert MelConfig().n_frames(n_samples) == n_frames


@pytest.mark.parametrize("name", ["MelConfig", "read_wave", "write_wave"])
def test_light_names_do_not_load_torch(name):
    code = f"import sys; from tts.audio import {name}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_package_names_what_it_has():
    import tts.audio

    assert set(tts.audio.__all__) <= set(dir(tts.audio))
    with pytest.raises(AttributeError, match="no attribute 'LogMal'"):
        tts.audio.LogMal  # noqa: B018
