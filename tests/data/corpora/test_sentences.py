from __future__ import annotations

import re
from importlib import resources

import pytest

FILE = resources.files("tts.data") / "sentences.txt"


@pytest.fixture(scope="module")
def lines():
    return [line for line in FILE.read_text(encoding="utf-8").splitlines() if line[0] != "#"]


def test_there_are_enough_for_hours(lines):
    assert 9000 <= len(lines) <= 11000


def test_source_and_licence_are_stated():
    header = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line[0] == "#"]
    assert "LJ Speech" in " ".join(header)
    assert "public domain" in " ".join(header)


def test_none_comes_twice(lines):
    assert len({line.lower() for line in lines}) == len(lines)


def test_all_are_plain_sentences(lines):
    pattern = re.compile(r"[A-Z][A-Za-z,.;:'!? -]*[.?!]")
    assert [line for line in lines if not pattern.fullmatch(line)] == []


def test_all_have_four_to_ten_words(lines):
    assert [line for line in lines if not 4 <= len(line.split()) <= 10] == []


def test_what_voices_are_judged_by_is_not_among_them(lines):
    from tts.evaluation.sentences import read_sentences

    judged = " ".join(re.sub("[^a-z]", "", s.text.lower()) for s in read_sentences())
    found = [line for line in lines if re.sub("[^a-z]", "", line.lower()) in judged]
    # a phrase of five words that the books use more than once
    assert len(found) <= 2, found
