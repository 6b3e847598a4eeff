"""Each written word has the symbols that say it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts.text import Tokenizer
from tts.text.written_words import written_words

LETTERS = Tokenizer(cleaner="english")
PHONES = Tokenizer(cleaner="english", p_arpabet=1.0)

CASES = {
    "Hello, world!": ["Hello: hello", "world: world"],
    "It costs £5 today.": ["It: it", "costs: costs", "£5: five pounds", "today: today"],
    "Dr. Smith's 3 cats": ["Dr: doctor", "Smith's: smith's", "3: three", "cats: cats"],
    "(see p. 12) — now": ["see: see", "p: page", "12: twelve", "now: now"],
    "1,234 people": ["1,234: one thousand, two hundred thirty-four", "people: people"],
    "at 5:30 p.m. sharp": ["at: at", "5:30: five thirty", "p.m: p m", "sharp: sharp"],
    "“Stop!” he said": ["Stop: stop", "he: he", "said: said"],
}


@pytest.mark.parametrize("text", CASES)
def test_marks_cover_what_is_said(text):
    ids = LETTERS.encode(text)
    said = [LETTERS.symbols[i] for i in ids]
    found = [
        f"{word.word}: {''.join(said[word.first : word.last + 1])}"
        for word in written_words(text, LETTERS)
    ]
    assert found == CASES[text]


@pytest.mark.parametrize("text", CASES)
def test_letters_and_phones_have_the_same_words(text):
    words = [[word.word for word in written_words(text, reader)] for reader in (LETTERS, PHONES)]
    assert words[0] == words[1]


def test_phones_in_braces_are_a_word():
    text = "say {HH AH0 L OW1}, please"
    words = written_words(text, PHONES)
    assert [word.word for word in words] == ["say", "{HH AH0 L OW1}", "please"]
    assert words[1].last - words[1].first == 3
    assert text[words[1].begin :].startswith("{HH")


WORDS = st.lists(
    st.sampled_from(
        ["Hello,", "world", "£5", "1998", "Dr.", "10%", "don't", "NASA", "—", "3rd", "(x)", "2:15"]
    ),
    min_size=1,
    max_size=12,
)


@given(WORDS, st.booleans())
def test_words_are_in_order_and_do_not_overlap(words, as_phones):
    tokenizer = PHONES if as_phones else LETTERS
    text = " ".join(["Say", *words])
    found = written_words(text, tokenizer)
    n_symbols = len(tokenizer.encode(text))
    places = [place for word in found for place in (word.first, word.last)]
    assert places == sorted(places)
    assert 0 <= places[0] <= places[-1] < n_symbols
    assert [word.begin for word in found] == sorted({word.begin for word in found})
    for word in found:
        assert text[word.begin :].lstrip("(\"'").startswith(word.word)
