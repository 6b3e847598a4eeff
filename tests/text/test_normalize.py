"""English as it is written to English as it is said, by class of what is read."""

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
# What a text is full of when a careless pattern would run for hours
DENSE = [
    "1", "1,", "1,111,", "$1", "£1-", "1-", "1:", "1/", "1.", ".1", "a@", "a.", "A.", "A. ", "IV ",
    "Aa ", "George I ", "www.", "a.b", "http://", "+1 ", "(1", "'1", "Elm St. ", "no. 1", "Jan. 1 ",
    "1st", "-", "AB ", "½", "😀", "١", "1 %", "5 m", "{", "\n", "a@b.", "10 Elm ", "in 123 ",
    "12:30:",
]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "spoken"),
    [sentence[1:] for sentence in SENTENCES],
    ids=[f"{i}-{sentence[0].replace(' ', '_')}" for i, sentence in enumerate(SENTENCES)],
)
def test_sentence_is_read_as_people_would(written, spoken):
    assert english(written) == spoken


def test_three_hundred_sentences_in_thirty_classes():
    assert len(SENTENCES) >= 300
    assert len({sentence[0] for sentence in SENTENCES}) >= 30


@pytest.mark.parametrize("sentence", SENTENCES[::7], ids=lambda sentence: sentence[0])
def test_what_is_read_is_left_alone_when_read_again(sentence):
    assert english(sentence[2]) == sentence[2]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_any_text_becomes_plain_letters(text):
    assert re.fullmatch(r"[a-z!'(),\-.:;?{} ]*", english(text))


@settings(max_examples=150, deadline=None)
@given(st.text("0123456789,.-/:$£€¥%°'\"()#@&+½ aAbBmMpPIVXkKgsthndr", max_size=40))
def test_any_numbers_and_signs_become_plain_letters(text):
    assert re.fullmatch(r"[a-z!'(),\-.:;?{} ]*", english(text))


@pytest.mark.parametrize("piece", DENSE, ids=ascii)
def test_dense_text_is_read_in_time(piece):
    text = (piece * 5_000)[:5_000]
    begin = time.process_time()
    english(text)
    # 0.1 s here; a pattern that looks at every pair of places takes minutes
    assert time.process_time() - begin < 3


@pytest.mark.slow
@pytest.mark.parametrize("piece", DENSE, ids=ascii)
def test_a_long_line_is_read_in_time(piece):
    begin = time.process_time()
    english((piece * 100_000)[:100_000])
    assert time.process_time() - begin < 12


@pytest.mark.parametrize("zeros", [36, 37, 5000])
def test_numbers_without_a_name_are_read_digit_by_digit(zeros):
    assert english("1" + "0" * zeros) == "one" + " zero" * zeros


@pytest.mark.parametrize(
    ("numeral", "number"),
    [("I", 1), ("IV", 4), ("XIX", 19), ("XL", 40), ("XCIX", 99), ("IIII", 0), ("VX", 0), ("IC", 0)],
)
def test_value_of_a_roman_numeral(numeral, number):
    assert roman_value(numeral) == number


def test_braces_stay_for_the_tokenizer_to_report():
    assert english("an {unclosed brace") == "an {unclosed brace"
