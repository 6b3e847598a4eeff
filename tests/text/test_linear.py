"""A text of any kind is read in a time that grows with its length, not with the square of it."""

import time

import pytest

from tts.text import CLEANERS
from tts.text.arpabet import pronounce
from tts.text.line_ends import join_lines
from tts.text.pieces import split_text

READERS = {
    **CLEANERS,
    "pieces": split_text,
    "lines": join_lines,
    "phones": lambda text: pronounce(text, {}),
}
# Texts that repeat one of these make a careless pattern try every pair of places.
HOSTILE = [
    # digits, dots, commas and signs of numbers
    "1", "1,", "1.", "1.1", "1,1", "$", "$1", "$1,", "1st", "1-", "1:", "1/", "-", ".", ",", "5 m ",
    # quotes, brackets and spaces
    "'", '"', "(", ")", "[", "{", "}", "“", "` ", "`x", " ", "\t", "\n", "\n\n", "\u200b", "…",
    "—",
    # letters, capitals and initials
    "a", "A", "A ", "a.", "A.", "A. ", "a.a.a.a ", "A.a", "AB", "AB ", "a'", "'s", "s's", "é", "α ",
    "µ",
    # numerals, abbreviations and titles
    "I", "I ", "I, ", "IV ", "XIV-", "Louis X", "Parts I ", "Mr.", "Mr. ", "St. ", "No. ", "e.g. ",
    "Elm St ", "Mon-", "mrs", "Aa ", "King A ", "John A ", "WWI", "M", "MM ",
    # markup, lines and words that are divided
    "<", "<b>", "<b ", "</", "&", "&amp;", "&#", "&a", "#", "# ", "\n# a", "\n- a", "*", "**",
    "**a", "_", "_a ", "[a](", "![", "~~a", "a-", "a-\n", "https://", "@a.", "x<",
    # ends of sentences
    "!", "? ", "? a", "? A", "Ms. a ", "a. A", ". . ", "a!b",
]  # fmt: skip


def seconds(read, piece, length):
    """Return the least computing time of three readings."""
    text = (piece * (length // len(piece) + 1))[:length]
    spent = []
    for _ in range(3):
        begin = time.process_time()
        read(text)
        spent.append(time.process_time() - begin)
        if spent[-1] < 0.02:
            break
    return min(spent)


def too_slow(read, length, pieces=HOSTILE):
    """Return the pieces whose text of four times the length takes nine times as long.

    In a linear time it is four times, in a quadratic one sixteen times. Short times say nothing.
    """
    read("1 AB read a.")
    slow = []
    for piece in pieces:
        much = seconds(read, piece, 4 * length)
        if much > 0.1 and much > 9 * max(seconds(read, piece, length), 0.004):
            slow.append((piece, much))
    return slow


@pytest.mark.parametrize("name", READERS)
def test_time_grows_with_the_length_of_a_text(name):
    assert too_slow(READERS[name], 1_500) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_time_grows_with_the_length_of_a_long_text(name):
    assert too_slow(READERS[name], 6_000) == []


def test_english_cleaners_read_many_digits_at_once():
    begin = time.process_time()
    CLEANERS["english_cleaners"]("1" * 100_000)
    # It takes 0.1 s; before patterns began at the start of a run only, it took two minutes.
    assert time.process_time() - begin < 5


KOREAN = [
    "1~", "1:", "1만", "1만 ", "3개", "3개~", "₩1", "가", "가 ", "가~", "가<", "가=", "1월",
    "1번 ", "하루 1번", "ㅋ", "漢", "가(漢", "A&", "1+", "010-", "가·", "제1", "손님 1분", "1x1x",
    "1천", "1천 ", "1°", "1도", "-1", "1대", "오전 1:1", "차 1대", "1여 명", "K-", "^^", "1^1",
    "1. 1.", "혈압 1/", "9초 58", "○",
]  # fmt: skip


@pytest.mark.slow
def test_korean_is_read_in_linear_time():
    assert too_slow(CLEANERS["korean"], 6_000, KOREAN) == []
