from __future__ import annotations

import os
import pickle
from dataclasses import replace

import pytest
import torch

from tts.audio import LogMel, read_wave
from tts.data import LJSpeech, MelStore, mel_store
from tts.errors import InputError


@pytest.fixture
def utterances(write_corpus):
    return LJSpeech(write_corpus()).utterances()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_mels_are_those_of_the_recordings(utterances, mel, cache):
    store = MelStore.build(utterances, mel, cache)
    for utterance in utterances:
        expected = LogMel(mel)(torch.from_numpy(read_wave(utterance.wav)[0]))[0]
        torch.testing.assert_close(store[utterance.id], expected, rtol=0, atol=0)
        assert store.n_frames(utterance.id) == expected.shape[1]


def test_other_rates_are_resampled(write_corpus, mel, cache):
    (utterance,) = LJSpeech(write_corpus(["a"], seconds=0.5, rate=44100)).utterances()
    store = MelStore.build([utterance], mel, cache)
    assert store.n_frames("a") == mel.n_frames(22050 // 2)


def test_a_store_knows_its_names(utterances, mel, cache):
    store = MelStore.build(utterances, mel, cache)
    assert len(store) == 4
    assert "a" in store
    assert "z" not in store


def test_a_store_is_computed_once(utterances, mel, cache, monkeypatch):
    first = MelStore.build(utterances, mel, cache)
    monkeypatch.setattr(mel_store, "LogMel", lambda _: pytest.fail("computed again"))
    again = MelStore.build(utterances[::-1], mel, cache)
    assert again.folder == first.folder


def touch(utterances, mel):
    os.utime(utterances[0].wav, ns=(1, 1))
    return utterances, mel


@pytest.mark.parametrize(
    "change",
    [
        touch,
        lambda utterances, mel: (utterances[1:], mel),
        lambda utterances, mel: (utterances, replace(mel, f_max=7000.0)),
    ],
    ids=["recording", "corpus", "contract"],
)
def test_a_change_makes_another_store(utterances, mel, cache, change):
    first = MelStore.build(utterances, mel, cache)
    second = MelStore.build(*change(utterances, mel), cache)
    assert second.folder != first.folder


def cut(folder):
    with (folder / "mels.float32").open("r+b") as file:
        file.truncate(100)


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        lambda folder: (folder / "mels.float32").unlink(),
        lambda folder: (folder / "index.npz").unlink(),
        lambda folder: (folder / "index.npz").write_bytes(b"PK nonsense"),
    ],
    ids=["short", "no mels", "no index", "broken index"],
)
def test_a_damaged_store_is_computed_again_and_that_is_said(utterances, mel, cache, damage, caplog):
    store = MelStore.build(utterances, mel, cache)
    expected = store["c"]
    damage(store.folder)
    rebuilt = MelStore.build(utterances, mel, cache)
    assert torch.equal(rebuilt["c"], expected)
    assert "computing it again" in caplog.text


def test_a_damaged_store_is_not_opened(utterances, mel, cache):
    store = MelStore.build(utterances, mel, cache)
    cut(store.folder)
    with pytest.raises(InputError, match="100 bytes, expected"):
        MelStore(store.folder)


def spoil(store, name):
    """Put noughts in the middle of a mel, as a bad disk might."""
    start, end = store._places[name]
    with (store.folder / "mels.float32").open("r+b") as file:
        file.seek((start + end) // 2 * store.n_mels * 4)
        file.write(bytes(40))


def test_a_damaged_mel_is_computed_again_and_that_is_said_once(utterances, mel, cache, caplog):
    store = MelStore.build(utterances, mel, cache)
    expected = {name: store[name] for name in "abcd"}
    spoil(store, "b")
    spoil(store, "d")
    again = MelStore.build(utterances, mel, cache)
    for name in "abcd":
        assert torch.equal(again[name], expected[name])
    assert caplog.text.count("the mel of 'b' is damaged, computing such mels again") == 1
    assert len(caplog.records) == 1


def test_a_mel_that_was_computed_again_stays(utterances, mel, cache, monkeypatch):
    store = MelStore.build(utterances, mel, cache)
    spoil(store, "b")
    expected = MelStore.build(utterances, mel, cache)["b"]
    monkeypatch.setattr(mel_store, "LogMel", lambda _: pytest.fail("computed again"))
    assert torch.equal(MelStore.build(utterances, mel, cache)["b"], expected)


def test_a_damaged_mel_without_its_recording_is_named(utterances, mel, cache):
    store = MelStore.build(utterances, mel, cache)
    spoil(store, "b")
    with pytest.raises(InputError, match="the mel of 'b' is damaged; delete the folder"):
        MelStore(store.folder)["b"]
    utterances[1].wav.unlink()
    with pytest.raises(InputError, match=r"b\.wav"):
        MelStore(store.folder, utterances, mel)["b"]


def test_a_damaged_mel_of_a_recording_that_changed_is_named(utterances, mel, cache):
    store = MelStore.build(utterances, mel, cache)
    spoil(store, "b")
    utterances[0].wav.replace(utterances[1].wav)
    with pytest.raises(InputError, match=r"b\.wav: has changed since"):
        MelStore(store.folder, utterances, mel)["b"]


@pytest.mark.parametrize("reason", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_nothing(utterances, mel, cache, monkeypatch, reason):
    def interrupt(path, rate):
        if path.stem == "c":
            raise reason
        return read_wave(path)[0]

    monkeypatch.setattr(mel_store, "read_samples", interrupt)
    with pytest.raises(reason):
        MelStore.build(utterances, mel, cache)
    assert list(cache.iterdir()) == []


def test_a_recording_too_short_for_a_frame_is_named(write_corpus, mel, cache):
    utterances = LJSpeech(write_corpus(["a"], seconds=0.01)).utterances()
    with pytest.raises(InputError, match=r"metadata\.csv:1: .*a\.wav: wave has 220 samples"):
        MelStore.build(utterances, mel, cache)


def test_mels_are_copies(utterances, mel, cache):
    store = MelStore.build(utterances, mel, cache)
    store["a"].zero_()
    assert store["a"].abs().sum() > 0


def test_a_worker_opens_the_file_itself(utterances, mel, cache):
    store = MelStore.build(utterances, mel, cache)
    expected = store["b"]
    copied = pickle.dumps(store)
    assert len(copied) < 4000
    assert torch.equal(pickle.loads(copied)["b"], expected)


def test_the_thread_count_is_left_as_it_was(utterances, mel, cache):
    before = torch.get_num_threads()
    MelStore.build(utterances, mel, cache)
    assert torch.get_num_threads() == before


def test_a_cache_that_cannot_be_made_is_named(utterances, mel, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file.*choose another paths\.cache_dir"):
        MelStore.build(utterances, mel, tmp_path / "file" / "cache")
