"""Normalised English is what people read aloud; sentences.tsv has it by class of expression."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts.text import CLEANERS
from tts.text.normalize.roman import roman_value

english = CLEANERS["english"]
LINES = (Path(__file__).parent / "sentences.tsv").read_text(encoding="utf-8").splitlines()
SENTENCES = [line.split("\t") for line in LINES]
# Texts that are full of one of these make a careless pattern run for hours.
DENSE = [
    "1", "1,", "1,111,", "$1", "£1-", "1-", "1:", "1/", "1.", ".1", "a@", "a.", "A.", "A. ", "IV ",
    "Aa ", "George I ", "www.", "a.b", "http://", "+1 ", "(1", "'1", "Elm St. ", "no. 1", "Jan. 1 ",
    "1st", "-", "AB ", "½", "😀", "١", "1 %", "5 m", "{", "\n", "a@b.", "10 Elm ", "in 123 ",
    "12:30:",
]  # fmt: skip


def test_every_sentence_is_read_as_people_would():
    wrong = [
        f"{kind}: {written!r} is read {english(written)!r}, not {spoken!r}"
        for kind, written, spoken in SENTENCES
        if english(written) != spoken
    ]
    assert not wrong, "\n".join(wrong)


def test_three_hundred_sentences_in_thirty_classes():
    assert len(SENTENCES) >= 300
    assert len({sentence[0] for sentence in SENTENCES}) >= 30


def test_a_normalised_sentence_does_not_change_again():
    changed = [
        f"{kind}: {spoken!r} becomes {english(spoken)!r}"
        for kind, _, spoken in SENTENCES[::7]
        if english(spoken) != spoken
    ]
    assert not changed, "\n".join(changed)


@settings(max_examples=150)
@given(st.text(max_size=80))
def test_any_text_becomes_plain_letters(text):
    assert re.fullmatch(r"[a-z!'(),\-.:;?{} ]*", english(text))


@settings(max_examples=150)
@given(st.text("0123456789,.-/:$£€¥%°'\"()#@&+½ aAbBmMpPIVXkKgsthndr", max_size=40))
def test_any_numbers_and_signs_become_plain_letters(text):
    assert re.fullmatch(r"[a-z!'(),\-.:;?{} ]*", english(text))


def seconds_to_read(piece, n_chars):
    """Return the computing time of a text of n_chars that repeats a piece."""
    begin = time.process_time()
    english((piece * n_chars)[:n_chars])
    return time.process_time() - begin


def test_dense_text_is_read_in_time():
    # It takes 0.1 s here; a pattern that compares every pair of places takes minutes.
    assert [piece for piece in DENSE if seconds_to_read(piece, 5_000) > 3] == []


@pytest.mark.slow
def test_a_long_line_is_read_in_time():
    assert [piece for piece in DENSE if seconds_to_read(piece, 100_000) > 12] == []


@pytest.mark.parametrize("zeros", [36, 37, 5000])
def test_numbers_without_a_name_are_read_digit_by_digit(zeros):
    assert english("1" + "0" * zeros) == "one" + " zero" * zeros


def test_value_of_a_roman_numeral():
    values = {"I": 1, "IV": 4, "XIX": 19, "XL": 40, "XCIX": 99, "IIII": 0, "VX": 0, "IC": 0}
    assert {numeral: roman_value(numeral) for numeral in values} == values


def test_braces_stay_for_the_tokenizer_to_report():
    assert english("an {unclosed brace") == "an {unclosed brace"
