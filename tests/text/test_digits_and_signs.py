"""Digits and signs are read in all their forms; digits_and_signs.tsv has them by kind."""

import re
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts.text import CLEANERS, Tokenizer
from tts.text.normalize.currencies import SIGNED
from tts.text.normalize.units import UNITS

english = CLEANERS["english"]
LINES = (Path(__file__).parent / "digits_and_signs.tsv").read_text(encoding="utf-8").splitlines()
PHRASES = [line.split("\t") for line in LINES]
SEVEN = {"seven", "sevens", "seventh", "sevenths", "seventies"}
CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1)]
# These end the word before them, or are part of the number.
JOINED = set("{}")
# Texts that are full of one of these make a careless pattern run for hours.
DENSE = [
    "<1", "1½", "5″", "5° 5'", "5~", "10⁴", "x²", "5'6\"", "3×4×", "3 x 4 x ", "1'111", "1 111 ",
    "1.111.", "1h 1m ", "5 - ", "1 - 2 ", "5k users ", "$1-$2-", "$5/a", "₹1", "Rs. 1", "1 in. ",
    "40 N, 40 E ", "100 W. Main ", "No 1 ", "1 kg/", "1 kg·", "5-Jan-", "Mon-", "12/25 ",
    "020 7946 ", "1111 ", "ISBN 1", "9am-", "13:30-", "1:11:11", "49ers ", "users/", "αβ", "^5",
    "5e5", "5 ft 1 ", "rated 5/5 ", "1/2 ", "5 A ", "call 911 ", "0 1", "+1 1", "a <= ", "≤1",
]  # fmt: skip


def test_every_phrase_is_read_as_people_would():
    wrong = [
        f"{kind}: {written!r} is read {english(written)!r}, not {spoken!r}"
        for kind, written, spoken in PHRASES
        if english(written) != spoken
    ]
    assert not wrong, "\n".join(wrong)


def test_every_phrase_is_read_in_the_middle_of_a_sentence():
    wrong = []
    for kind, written, spoken in PHRASES:
        read = english(f"See {written} and so on.")
        # Some readings depend on what follows; the words are still apart and without a sign.
        if kind not in _CHANGING and spoken.rstrip(".") not in read:
            wrong.append(f"{kind}: {written!r} is read {read!r}, not {spoken!r}")
    assert not wrong, "\n".join(wrong)


_CHANGING = {"feet and inches", "letters that are no units"}


def test_a_sentence_of_words_does_not_change_again():
    changed = [
        f"{spoken!r} becomes {english(spoken)!r}"
        for _, _, spoken in PHRASES
        if english(spoken) != spoken
    ]
    assert not changed, "\n".join(changed)


@pytest.mark.parametrize("category", ["No", "Nd", "Nl", "Sc", "Sm"])
def test_every_number_and_sign_of_unicode_is_spoken_or_reported(category):
    tokenizer = Tokenizer(cleaner="english")
    lost = []
    for char in CHARACTERS:
        if unicodedata.category(char) == category and char not in tokenizer.unknown(char):
            alone, inside = english(char), english(f"aa {char} bb")
            if not re.search("[a-z]", alone) or inside == "aa bb":
                lost.append(f"U+{ord(char):04X} {char} is read {alone!r} and {inside!r}")
    assert not lost, "\n".join(lost)


def _touching(char):
    """Return the texts in which a character makes the number seven part of another word."""
    texts = (f"{char}7", f"7{char}", f"aa{char}7{char}bb")
    return [
        f"U+{ord(char):04X}: {text!r} is read {english(text)!r}"
        for text in texts
        if not SEVEN & set(re.findall("[a-z]+", english(text)))
    ]


@pytest.mark.parametrize("category", ["No", "Nl", "Sc", "Sm", "So", "Sk", "Po", "Pd", "Ps", "Pe"])
def test_no_sign_joins_a_number_to_its_neighbours(category):
    # A digit beside a digit is one number, of course.
    chars = [c for c in CHARACTERS if unicodedata.category(c) == category]
    wrong = [line for char in chars if char not in JOINED for line in _touching(char)]
    assert not wrong, "\n".join(wrong)


@settings(max_examples=200)
@given(st.characters(categories=["L", "M", "P", "S"], exclude_characters="{}"))
def test_no_letter_joins_a_number_to_its_neighbours(char):
    assert _touching(char) == []


@pytest.mark.slow
def test_no_letter_of_unicode_joins_a_number_to_its_neighbours():
    chars = [c for c in CHARACTERS if unicodedata.category(c)[0] in "LM"]
    wrong = [line for char in chars[::7] for line in _touching(char)]
    assert not wrong, "\n".join(wrong[:50])


def test_every_currency_is_named_before_and_after_its_amount():
    wrong = [
        (sign, english(text))
        for sign, currency in SIGNED.items()
        for text in (
            f"{sign}5",
            f"{sign} 5",
            f"5{sign}",
            f"5 {sign}",
            f"It costs {sign}5, he said.",
        )
        if f"five {currency.many}" not in english(text)
    ]
    assert wrong == []


def test_every_unit_is_named_behind_its_number():
    wrong = [
        (symbol, english(text))
        for symbol, (_, many) in UNITS.items()
        for text in (f"It is 25 {symbol} now", f"about 25{symbol}, he said")
        if f"twenty-five {many}" not in english(text)
    ]
    assert wrong == []


_AROUND = st.text(
    "abcdehikmnostxzACEGINKMPVW$£€₹%°'\"′″@#&+=<>~^*_|\\/-.,:;()½²⁴₂×μΩπ ", max_size=5
)


@settings(max_examples=300)
@given(_AROUND, _AROUND)
def test_signs_and_letters_in_any_order_leave_a_number_its_word(before, after):
    read = english(f"{before}7{after}")
    assert re.fullmatch(r"[a-z!'(),\-.:;?{} ]*", read)
    assert SEVEN & set(re.findall("[a-z]+", read)), read


def test_digits_and_signs_are_read_in_time():
    # A pattern that compares every pair of places takes minutes.
    slow = []
    for piece in DENSE:
        begin = time.process_time()
        english((piece * 5_000)[:5_000])
        if time.process_time() - begin > 3:
            slow.append(piece)
    assert slow == []


@pytest.mark.slow
@pytest.mark.parametrize("piece", DENSE)
def test_reading_is_linear_in_the_length(piece):
    def seconds(n_chars):
        text = (piece * n_chars)[:n_chars]
        begin = time.process_time()
        english(text)
        return time.process_time() - begin

    # Eight times the length may take no more than sixteen times as long.
    assert seconds(40_000) < 16 * max(seconds(5_000), 0.02)
