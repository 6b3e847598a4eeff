"""Texts are split into pieces: nothing lost, nothing too long, cut where a reader would breathe."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts.text.pieces import Break, split_text

SENTENCES = {
    "Dr. Smith lives here. He is old.": ["Dr. Smith lives here.", "He is old."],
    "It is 5 p.m. in the U.S. now.": ["It is 5 p.m. in the U.S. now."],
    "See Fig. 3.2 for it. Then go.": ["See Fig. 3.2 for it.", "Then go."],
    "The price is $3.50. That is a lot... Is it?": [
        "The price is $3.50.",
        "That is a lot...",
        "Is it?",
    ],
    "I live in the U.S. He lives in the U.K.": ["I live in the U.S.", "He lives in the U.K."],
    "one line\nand the next": ["one line and the next"],
    "no stop at the end": ["no stop at the end"],
    "": [],
    " \n\n \t ": [],
}


def texts(pieces):
    return [piece.text for piece in pieces]


def test_sentences():
    assert {text: texts(split_text(text)) for text in SENTENCES} == SENTENCES


def test_each_piece_names_the_boundary_after_it():
    text = "One. Two three, four five; six.\n\nSeven."
    assert [(p.text, p.after) for p in split_text(text, max_chars=17)] == [
        ("One.", Break.SENTENCE),
        ("Two three,", Break.CLAUSE),
        ("four five;", Break.CLAUSE),
        ("six.", Break.PARAGRAPH),
        ("Seven.", Break.PARAGRAPH),
    ]


def test_long_sentences_are_cut_where_a_reader_breathes():
    text = (
        "Beyond this there was no provision of any kind, neither beds nor food; and those who had "
        "no friends, or whose friends had forgotten them, went without."
    )
    assert texts(split_text(text, max_chars=72)) == [
        "Beyond this there was no provision of any kind, neither beds nor food;",
        "and those who had no friends,",
        "or whose friends had forgotten them, went without.",
    ]


def test_clauses_that_fit_stay_together():
    text = "a, b, c, d, e, f."
    assert texts(split_text(text, max_chars=9)) == ["a, b, c,", "d, e, f."]


def test_words_without_clauses_are_cut_before_conjunctions_and_evenly():
    text = "the quick brown fox jumps over it and the lazy dog sleeps on"
    assert texts(split_text(text, max_chars=40)) == [
        "the quick brown fox jumps over it",
        "and the lazy dog sleeps on",
    ]
    even = texts(split_text("word " * 50, max_chars=100))
    assert max(map(len, even)) - min(map(len, even)) <= 5


def test_a_long_word_is_cut_anywhere_but_not_before_an_accent():
    assert texts(split_text("a" * 25, max_chars=10)) == ["a" * 10, "a" * 10, "a" * 5]
    accented = texts(split_text("ae\u0301" * 4, max_chars=5))
    assert len(accented) == 3
    assert not any(piece.startswith("\u0301") for piece in accented)


def test_phones_in_braces_stay_together():
    text = "Say {HH AH0  L OW1} to {W ER1 L D} now"
    assert texts(split_text(text, max_chars=12)) == [
        "Say",
        "{HH AH0 L OW1}",
        "to",
        "{W ER1 L D}",
        "now",
    ]


def test_long_braces_are_cut_between_phones():
    text = "{" + " ".join(["HH AH0 L OW1"] * 20) + "}"
    pieces = texts(split_text(text, max_chars=40))
    assert all(piece.startswith("{") and piece.endswith("}") for piece in pieces)
    assert all(len(piece) <= 40 for piece in pieces)
    assert [phone for piece in pieces for phone in piece[1:-1].split()] == text[1:-1].split()


def test_lone_surrogates_become_replacement_characters():
    assert texts(split_text("a\udce9b. And so on.")) == ["a\ufffdb.", "And so on."]


def test_russian_has_abbreviations_of_its_own():
    assert len(split_text("Он живёт на ул. Ленина.", language="ru")) == 1


@given(st.text(), st.integers(1, 50))
def test_nothing_is_lost_and_nothing_is_too_long(text, max_chars):
    text = text.replace("{", "").replace("\ue000", "")
    pieces = split_text(text, max_chars)
    assert all(piece.text.strip() for piece in pieces)
    assert all(len(piece.text) <= max_chars for piece in pieces)
    assert "".join("".join(texts(pieces)).split()) == "".join(text.split())


def test_a_megabyte_without_a_full_stop_is_split_in_time():
    begin = time.perf_counter()
    pieces = split_text("abc def " * 125_000)
    assert sum(len(piece.text) for piece in pieces) > 990_000
    assert time.perf_counter() - begin < 30


def test_a_piece_has_characters():
    with pytest.raises(ValueError, match="max_chars=0"):
        split_text("a", 0)
