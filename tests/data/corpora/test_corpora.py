from __future__ import annotations

import json

import pytest

from tts.core.errors import InputError
from tts.data import Filelist, LJSpeech
from tts.data.corpora.splits import held_out_ids

CANONICAL = ["LJ001-0001", "LJ001-0002", "LJ022-0023", "LJ045-0096"]


def sizes(corpus):
    return {name: len(utterances) for name, utterances in corpus.split().items()}


def test_ljspeech_is_named_and_split_canonically(write_corpus):
    corpus = LJSpeech(write_corpus(CANONICAL))
    corpus.prepare()
    assert corpus.name == "LJ Speech"
    assert sizes(corpus) == {"train": 2, "val": 1, "test": 1}


def test_ljspeech_without_its_validation_clips_validates_on_others(write_corpus, caplog):
    names = [f"LJ001-{i:04d}" for i in (1, 2, 3, 5, 6, 8)]
    assert sizes(LJSpeech(write_corpus(names)))["val"] == 1
    assert "none of LJ Speech's validation clips is here" in caplog.text


def test_other_recordings_in_the_same_layout_are_split_by_hash(write_corpus):
    corpus = LJSpeech(write_corpus(["a", "b", "c"], folder="my voice"), val_fraction=0.3)
    assert corpus.name == "my voice"
    assert sum(sizes(corpus).values()) == 3
    assert sizes(corpus)["val"] >= 1


def test_a_synthetic_corpus_keeps_its_name_when_read_as_a_folder(write_corpus):
    root = write_corpus()
    (root / "corpus.json").write_text(json.dumps({"name": "synthetic corpus (tones)"}))
    assert LJSpeech(root).name == "synthetic corpus (tones)"


@pytest.mark.parametrize("damaged", ["", "[]", '{"name": 3}', "{}"])
def test_a_damaged_description_names_nothing(write_corpus, damaged):
    root = write_corpus()
    (root / "corpus.json").write_text(damaged)
    assert LJSpeech(root).name == "corpus"


def test_missing_root_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: there is no such folder; set data\.root"):
        LJSpeech(tmp_path / "nowhere").prepare()


def test_root_without_metadata_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no metadata\.csv in it"):
        LJSpeech(tmp_path).prepare()


def test_a_corpus_that_leaves_nothing_to_train_on_is_refused(write_corpus):
    with pytest.raises(InputError, match="left to train"):
        LJSpeech(write_corpus(["alone"])).split()


@pytest.mark.parametrize("line", ["b", "b|its text"])
def test_what_is_held_out_is_validated_on(line, write_corpus, tmp_path):
    (tmp_path / "ids.txt").write_text(f"# ids\n{line}\n")
    split = LJSpeech(write_corpus(["a", "b", "c"]), held_out=tmp_path / "ids.txt").split()
    assert {part: [u.id for u in found] for part, found in split.items()} == {
        "train": ["a", "c"],
        "val": ["b"],
        "test": [],
    }


def test_the_sentences_that_voices_are_judged_by_can_be_held_out(write_corpus):
    corpus = LJSpeech(write_corpus(["LJ001-0001", "LJ001-0011"]), held_out="shipped")
    assert [u.id for u in corpus.split()["val"]] == ["LJ001-0011"]


def test_sentences_to_choose_by_are_others_and_both_lists_can_be_held_out(write_corpus):
    assert not held_out_ids("choosing") & held_out_ids("shipped")
    ids = ["LJ001-0001", "LJ001-0009", "LJ001-0011"]
    split = LJSpeech(write_corpus(ids), held_out="choosing").split()
    assert {part: [u.id for u in found] for part, found in split.items()} == {
        "train": ["LJ001-0001"],
        "val": ["LJ001-0009"],
        "test": ["LJ001-0011"],
    }


def test_held_out_ids_that_are_not_there_are_refused(write_corpus, tmp_path):
    with pytest.raises(InputError, match=r"^data\.held_out=shipped: none of these ids"):
        LJSpeech(write_corpus(["a"]), held_out="shipped").split()
    with pytest.raises(InputError, match=r"^data\.held_out=.*nowhere: cannot be read"):
        LJSpeech(write_corpus(["a"]), held_out=tmp_path / "nowhere").split()


def test_the_fingerprint_knows_texts_but_not_places(write_corpus):
    here, there = write_corpus(folder="here"), write_corpus(folder="there")
    assert LJSpeech(here).fingerprint() == LJSpeech(there).fingerprint()
    path = there / "metadata.csv"
    path.write_text(path.read_text().replace("Text of a", "Other text"))
    assert LJSpeech(here).fingerprint() != LJSpeech(there).fingerprint()


@pytest.fixture
def lists(write_corpus):
    root = write_corpus(["a", "b", "c", "d"])
    for name, wavs in {"train": "abc", "val": "d", "both": "cd"}.items():
        rows = [f"DUMMY/{wav}.wav|Text of {wav}." for wav in wavs]
        (root / f"{name}.txt").write_text("\n".join(rows))
    return root


def test_filelists_are_the_split(lists):
    corpus = Filelist(lists, "train.txt", "val.txt", wav_root="wavs")
    split = corpus.split()
    assert [u.id for u in split["train"]] == ["a", "b", "c"]
    assert [u.id for u in split["val"]] == ["d"]
    assert split["test"] == []
    assert [u.id for u in corpus.utterances()] == ["a", "b", "c", "d"]


def test_a_filelist_alone_is_split_by_hash(lists):
    assert sizes(Filelist(lists, "train.txt", wav_root="wavs")) == {"train": 2, "val": 1, "test": 0}


def test_training_on_what_is_validated_is_refused(lists):
    with pytest.raises(InputError, match=r"both\.txt:1: 'c' stands in train\.txt:3 already"):
        Filelist(lists, "train.txt", "both.txt", wav_root="wavs").split()


def test_validation_and_test_may_be_the_same(lists):
    corpus = Filelist(lists, "train.txt", "val.txt", "val.txt", wav_root="wavs")
    assert sizes(corpus) == {"train": 3, "val": 1, "test": 1}


def test_missing_filelist_is_named(lists):
    with pytest.raises(InputError, match=r"lost\.txt: there is no such file"):
        Filelist(lists, "lost.txt").prepare()
