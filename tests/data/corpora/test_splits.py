from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.paths import REPO
from tts.core.errors import InputError
from tts.data.corpora.manifest import Utterance
from tts.data.corpora.splits import hash_split, is_ljspeech, ljspeech_split


def utterances(*names: str) -> list[Utterance]:
    return [Utterance(name, Path(f"{name}.wav"), "Hello.", "here:1") for name in names]


def ids(split, part):
    return [utterance.id for utterance in split[part]]


MANY = [f"clip-{i}" for i in range(400)]


def test_every_utterance_is_in_one_part():
    split = hash_split(utterances(*MANY), 0.1, 0.1)
    assert sorted(ids(split, "train") + ids(split, "val") + ids(split, "test")) == sorted(MANY)


def test_fractions_are_about_what_was_asked_for():
    for fraction in (0.02, 0.1, 0.5):
        split = hash_split(utterances(*MANY), fraction, 0.0)
        assert len(split["val"]) / len(MANY) == pytest.approx(fraction, abs=0.06)


def test_an_utterance_keeps_its_part_when_others_come_and_go():
    whole = set(ids(hash_split(utterances(*MANY), 0.2, 0.2), "val"))
    half = random.Random(0).sample(MANY, 200)
    assert set(ids(hash_split(utterances(*half), 0.2, 0.2), "val")) == whole.intersection(half)


def test_the_order_of_the_corpus_is_kept_but_decides_nothing():
    forward = hash_split(utterances(*MANY), 0.2, 0.1)
    backward = hash_split(utterances(*MANY[::-1]), 0.2, 0.1)
    assert ids(forward, "val") == ids(backward, "val")[::-1]


def test_the_split_is_the_same_on_every_machine():
    # Those of which `printf clip-3 | sha256sum` begins below 0x1999..., a tenth
    expected = ["clip-3", "clip-7", "clip-17", "clip-21", "clip-26", "clip-34"]
    assert ids(hash_split(utterances(*MANY[:40]), 0.1, 0.0), "val") == expected


def test_a_fraction_gives_at_least_one_utterance():
    for n in (2, 3, 5):
        split = hash_split(utterances(*MANY[:n]), 0.001, 0.0)
        assert (len(split["val"]), len(split["train"])) == (1, n - 1)


def test_no_fraction_gives_none():
    split = hash_split(utterances(*MANY), 0.0, 0.0)
    assert (split["val"], split["test"]) == ([], [])


@pytest.mark.parametrize("fractions", [(-0.1, 0.0), (0.5, 0.5), (0.0, 1.0)])
def test_impossible_fractions_are_refused(fractions):
    with pytest.raises(InputError, match="val_fraction"):
        hash_split(utterances(*MANY), *fractions)


def test_ljspeech_is_split_as_nvidia_does():
    split = ljspeech_split(utterances("LJ022-0023", "LJ045-0096", "LJ001-0002", "LJ050-0234"))
    assert {part: ids(split, part) for part in split} == {
        "train": ["LJ001-0002", "LJ050-0234"],
        "val": ["LJ022-0023"],
        "test": ["LJ045-0096"],
    }


def test_ljspeech_has_its_canonical_sizes():
    folder = REPO / "tts" / "data" / "splits"
    val = (folder / "ljspeech_val.txt").read_text().split()
    test = (folder / "ljspeech_test.txt").read_text().split()
    assert (len(set(val)), len(set(test)), len(set(val + test))) == (100, 500, 600)


def test_ljspeech_is_known_by_its_ids():
    assert is_ljspeech(utterances("LJ001-0001", "LJ050-0278"))
    assert not is_ljspeech(utterances("LJ001-0001", "mine"))
    assert not is_ljspeech(utterances("LJ1"))
