from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from tts.core.errors import InputError
from tts.data import LJSpeech, Prepared, Processing
from tts.data.features import prepared


@pytest.fixture
def corpus(write_corpus):
    return LJSpeech(write_corpus())


def opened(store):
    return Prepared(store.folder, store.table.folder.name, store.sources)


def spoil(store, row):
    """Write zeros into the middle of a mel, as a failing disk might."""
    record = store._mels.records[int(store.table.rows["mel"][row])]
    with store._mels.path(0).open("r+b") as file:
        file.seek(int(record["at"] + record["length"] * 2))
        file.write(bytes(40))


def test_a_damaged_mel_is_computed_again_and_logged_once(corpus, prepare, caplog):
    store = prepare(corpus)
    expected = [store.mel(row) for row in range(4)]
    spoil(store, 1)
    spoil(store, 3)
    again = opened(store)
    for row in range(4):
        assert torch.equal(again.mel(row), expected[row])
    assert caplog.text.count("the mel of 'b' is damaged, computing such mels again") == 1
    assert len(caplog.records) == 1


def test_a_mel_that_was_computed_again_stays(corpus, prepare, monkeypatch):
    store = prepare(corpus)
    spoil(store, 1)
    expected = opened(store).mel(1)
    monkeypatch.setattr(prepared, "compute_mel", lambda *_: pytest.fail("computed again"))
    assert torch.equal(opened(store).mel(1), expected)


def test_a_damaged_mel_without_its_recording_is_named(corpus, prepare):
    store = prepare(corpus)
    spoil(store, 1)
    message = "the mel of 'b' is damaged; prepare the corpus again from its recordings"
    with pytest.raises(InputError, match=message):
        Prepared(store.folder, store.table.folder.name).mel(1)
    store.sources[1].wav.unlink()
    with pytest.raises(InputError, match=r"b\.wav"):
        opened(store).mel(1)


def test_a_damaged_mel_of_a_recording_that_changed_is_named(corpus, prepare):
    store = prepare(corpus)
    spoil(store, 1)
    store.sources[0].wav.replace(store.sources[1].wav)
    with pytest.raises(InputError, match=r"b\.wav: has changed since"):
        opened(store).mel(1)


def test_a_damaged_mel_is_computed_of_the_samples_that_are_kept(corpus, prepare):
    store = prepare(corpus, complete=True)
    expected = store.mel(2)
    spoil(store, 2)
    for utterance in corpus.utterances():
        utterance.wav.unlink()
    assert torch.equal(Prepared(store.folder, store.table.folder.name).mel(2), expected)


def test_mels_are_copies(corpus, prepare):
    store = prepare(corpus)
    store.mel(0).zero_()
    assert store.mel(0).abs().sum() > 0


def test_a_worker_opens_the_files_itself(corpus, prepare):
    store = prepare(corpus, complete=True)
    expected = store.mel(1), store.whole_wave(1)
    copied = pickle.loads(pickle.dumps(store))
    assert len(pickle.dumps(Prepared(store.folder, store.table.folder.name))) < 4000
    assert torch.equal(copied.mel(1), expected[0])
    np.testing.assert_array_equal(copied.whole_wave(1), expected[1])


def test_whole_waves_are_what_training_sees(corpus, prepare):
    how = Processing(trim_db=30, lead_seconds=0.3)
    stored = prepare(corpus, processing=how, mels=False)
    computed = prepare(corpus, processing=how)
    assert stored.table.rows["wave"].min() >= 0 > computed.table.rows["wave"].max()
    for row in range(4):
        np.testing.assert_array_equal(stored.whole_wave(row), computed.whole_wave(row))


def test_a_recording_that_vanished_is_named(corpus, prepare):
    store = prepare(corpus, mels=False)
    store.sources[0].wav.unlink()
    with pytest.raises(InputError, match=r"a\.wav: cannot be read any more \(it is gone\)"):
        store.wave(0, 0, 100)


def test_columns_are_read_when_they_are_asked_for(corpus, prepare):
    table = prepare(corpus).table
    names = table.column("name", np.array([3, 0, 2]))
    assert (len(names), names[1], list(names[1:])) == (3, "a", ["a", "c"])
    assert pickle.loads(pickle.dumps(names))[0] == "d"
