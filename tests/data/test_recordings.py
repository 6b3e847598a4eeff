from __future__ import annotations

import os

import numpy as np
import pytest
import soundfile

from tts.data import LJSpeech
from tts.data.recordings import Recording, check_rates, files_key, read_samples, slug, survey
from tts.errors import InputError


@pytest.fixture
def utterances(write_corpus):
    return LJSpeech(write_corpus()).utterances()


def test_recordings_are_known_by_rate_and_length(utterances, tmp_path):
    found = survey(utterances, tmp_path / "cache", "My voice").recordings
    assert found["a"] == Recording(22050, round(0.3 * 22050))
    assert found["b"].seconds == pytest.approx(0.35, abs=1e-4)


def test_recordings_are_decoded_once(utterances, tmp_path, monkeypatch):
    first = survey(utterances, tmp_path, "x").recordings
    monkeypatch.setattr("tts.data.recordings.read_wave", lambda *_: pytest.fail("decoded again"))
    assert survey(utterances, tmp_path, "x").recordings == first


def test_a_changed_recording_is_looked_at_again(utterances, tmp_path):
    survey(utterances, tmp_path, "x")
    soundfile.write(utterances[0].wav, np.zeros(500), 16000)
    assert survey(utterances, tmp_path, "x").recordings["a"] == Recording(16000, 500)


@pytest.mark.parametrize("damage", ["", "{}", '{"a": 3}', '{"a": ["x", "y"]}'])
def test_a_damaged_note_is_made_anew(utterances, tmp_path, damage, caplog):
    first = survey(utterances, tmp_path / "cache", "x").recordings
    (note,) = (tmp_path / "cache").iterdir()
    note.write_text(damage)
    assert survey(utterances, tmp_path / "cache", "x").recordings == first
    assert "damaged" in caplog.text


def truncate(path):
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (truncate, "truncated"),
        (lambda path: path.write_bytes(b"not sound at all"), "cannot be read as sound"),
        (lambda path: soundfile.write(path, np.zeros((99, 2)), 22050), "2 channels"),
        (lambda path: soundfile.write(path, np.zeros(0), 22050), "no samples"),
    ],
)
def test_a_spoilt_recording_is_named_with_its_row(utterances, tmp_path, spoil, message):
    spoil(utterances[1].wav)
    with pytest.raises(InputError, match=rf"metadata\.csv:2: .*b\.wav: .*{message}") as error:
        survey(utterances, tmp_path / "cache", "x")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "cache").exists()


def test_by_choice_spoilt_recordings_are_left_out(utterances, tmp_path):
    truncate(utterances[1].wav)
    utterances[3].wav.write_bytes(b"")
    found = survey(utterances, tmp_path / "cache", "x", on_error="skip")
    assert set(found.recordings) == {"a", "c"}
    assert set(found.unreadable) == {"b", "d"}
    assert "metadata.csv:2: " in found.unreadable["b"]


def test_what_was_left_out_is_noted_and_not_forgiven(utterances, tmp_path, monkeypatch):
    truncate(utterances[1].wav)
    first = survey(utterances, tmp_path, "x", on_error="skip")
    monkeypatch.setattr("tts.data.recordings.read_wave", lambda *_: pytest.fail("decoded again"))
    assert survey(utterances, tmp_path, "x", on_error="skip") == first
    with pytest.raises(InputError, match=r"metadata\.csv:2: .*b\.wav: .*truncated"):
        survey(utterances, tmp_path, "x")


def test_a_corpus_of_spoilt_recordings_is_refused_anyhow(utterances, tmp_path):
    for utterance in utterances:
        truncate(utterance.wav)
    with pytest.raises(InputError, match=r"a\.wav"):
        survey(utterances, tmp_path, "x", on_error="skip")


def test_another_rate_is_refused(utterances):
    recordings = {u.id: Recording(22050, 99) for u in utterances} | {"c": Recording(48000, 99)}
    message = r"metadata\.csv:3: .*c\.wav: 48000 Hz, expected 22050 Hz .*data\.resample=true"
    with pytest.raises(InputError, match=message):
        check_rates(utterances, recordings, 22050, resample=False)


def test_resampling_is_said_once(utterances, caplog):
    recordings = {u.id: Recording(16000, 99) for u in utterances} | {"c": Recording(22050, 99)}
    check_rates(utterances, recordings, 22050, resample=True)
    assert [record.message for record in caplog.records] == [
        "resampling 3 of 4 recordings to 22050 Hz: 3 at 16000 Hz"
    ]


def test_the_right_rate_needs_no_word(utterances, caplog):
    check_rates(utterances, dict.fromkeys("abcd", Recording(22050, 99)), 22050, resample=True)
    assert not caplog.records


def test_samples_are_resampled_to_the_length_that_was_foretold(utterances, tmp_path):
    recording = survey(utterances, tmp_path, "x").recordings["a"]
    assert len(read_samples(utterances[0].wav, 16000)) == recording.n_samples_at(16000)


def test_the_key_knows_dates_and_contract_but_not_order(utterances):
    key = files_key(utterances, "contract")
    assert files_key(utterances[::-1], "contract") == key
    assert files_key(utterances, "other") != key
    os.utime(utterances[0].wav, ns=(1, 1))
    assert files_key(utterances, "contract") != key


def test_a_recording_that_vanished_is_named(utterances):
    utterances[2].wav.unlink()
    with pytest.raises(InputError, match=r"metadata\.csv:3: recording .*c\.wav is missing"):
        files_key(utterances)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("synthetic corpus (hibari)", "synthetic-corpus-hibari"),
        ("LJ Speech", "lj-speech"),
        ("…", "corpus"),
    ],
)
def test_names_become_file_names(name, expected):
    assert slug(name) == expected
