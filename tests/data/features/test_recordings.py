from __future__ import annotations

import pytest

from tts.core.errors import InputError
from tts.data import LJSpeech
from tts.data.features.recordings import Recording, check_rates, slug


@pytest.fixture
def utterances(write_corpus):
    return LJSpeech(write_corpus()).utterances()


def at(rates, utterances):
    return [(u, Recording(rates.get(u.id, 22050), 99)) for u in utterances]


def test_another_rate_is_refused(utterances):
    message = (
        r"metadata\.csv:3: .*c\.wav: 48000 Hz, expected 22050 Hz \(1 of 4 recordings differ\); "
        r"set data\.resample=true"
    )
    with pytest.raises(InputError, match=message):
        check_rates(at({"c": 48000}, utterances), 22050)


def test_the_right_rate_is_accepted(utterances):
    check_rates(at({}, utterances), 22050)


def test_names_become_file_names():
    expected = {
        "synthetic corpus (hibari)": "synthetic-corpus-hibari",
        "LJ Speech": "lj-speech",
        "…": "corpus",
    }
    assert {name: slug(name) for name in expected} == expected
