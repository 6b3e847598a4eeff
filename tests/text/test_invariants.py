"""Whatever a text holds: no words are glued, no sign vanishes unsaid, no sentence is cut inside."""

import itertools
import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tts.text import CLEANERS, Tokenizer, short_forms
from tts.text.dictionary import dictionary
from tts.text.pieces import Break, split_text
from tts.text.supplement import SUPPLEMENT

english = CLEANERS["english"]
# Words that are no abbreviation, unit, name or number, and that occur in no rule.
WORDS = ["blorf", "snarfing", "Quibble", "zumbled", "Trogdor", "frobnicate"]
SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
MORE_SIGNS = "£€¥¢₹₩₽₿°±×÷§¶©®™½¾²³⁴₂①µΩπαβ∞√≤≥≠→←•·…–—‘’“”«»‰№♥★☃😀"
NUMBERS = ["0", "1", "2", "7", "10", "12", "45", "100", "1984", "1,234", "3.14", "007", "555-0199"]
UNITS = ["kg", "km/h", "%", "°C", "m", "st", "th", "pm", "s", "k", "ft", "GB"]
CHUNKS = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(NUMBERS),
    st.sampled_from(UNITS),
    st.sampled_from(SIGNS + MORE_SIGNS + "       "),
    st.sampled_from(["A", "I", "IV", "FBI", "TVs", "U.S.", "Mr.", "St.", "No.", "e.g.", "Jan."]),
)


#: Names of numbers that the dictionary lacks.
LARGE = {
    "quadrillion",
    "quintillion",
    "sextillion",
    "septillion",
    "octillion",
    "nonillion",
    "decillion",
}


def known_word(word, written):
    """Whether a word of a reading is written in the text as it is, or in the dictionary."""
    return word in written or word in dictionary() or word in SUPPLEMENT or word in LARGE


def joined(chunks):
    """Write chunks one after the other, with a space where two words would be one written word."""
    text = ""
    for chunk in chunks:
        text += " " if text[-1:].isalpha() and chunk[0].isalpha() else ""
        text += chunk
    return text


@settings(max_examples=400)
@given(st.lists(CHUNKS, min_size=2, max_size=8))
@example(["40", "°", "blorf"])
@example(["₹", "500"])
@example(["blorf", "½", "snarfing"])
def test_no_two_words_are_glued(chunks):
    text = joined(chunks)
    spoken = re.findall(r"[a-z]+", english(text))
    written = set(re.findall("[a-z]+", text.lower()))
    assert [word for word in spoken if not known_word(word, written)] == []
    for word in WORDS:
        assert spoken.count(word.lower()) >= len(re.findall(rf"(?<![^\W_]){word}(?![^\W_])", text))


# These separate or decorate words; people do not say them.
SILENT = frozenset("!\"'(),-.:;?[]{}|\\/*_`~•·…–—‘’“”«»™® ")


@settings(max_examples=300)
@given(st.characters(min_codepoint=33, max_codepoint=0x2BFF, exclude_categories=["C", "M", "Z"]))
def test_no_sign_vanishes_unsaid(char):
    # Apostrophes and length marks of other scripts are letters for Unicode, but have no sound.
    if char in SILENT or unicodedata.category(char) not in {"Sm", "Sc", "So", "Nd", "Nl", "No"}:
        return
    reading = Tokenizer(cleaner="english").read(f"blorf {char} snarfing")
    said = "".join("".join(word.letters) for word in reading.words)
    between = re.sub(r"[^a-z]", "", said.removeprefix("blorf").removesuffix("snarfing"))
    assert between or reading.unknown, f"{char!r} is read {said!r}"


@pytest.mark.parametrize("sign", sorted(set("#$%&+<=>@^" + "£€¥¢°±×÷§¶©½²³≤≥≠→‰№∞√")))
def test_no_sign_beside_numbers_vanishes_unsaid(sign):
    tokenizer = Tokenizer(cleaner="english")
    for text in (f"5{sign}7", f"5 {sign} 7", f"5{sign}", f"{sign}7", f"x{sign}y"):
        reading = tokenizer.read(text)
        said = "".join("".join(word.letters) for word in reading.words)
        plain = {english(text.replace(sign, by)) for by in ("", " ")}
        assert said.strip() not in plain or reading.unknown, f"{text!r} is read {said!r}"


SENTENCE_PARTS = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from([f"{short}." for table in short_forms.TABLES for short in table]),
    st.sampled_from(
        ["e.g.", "U.S.", "5", "2.", "A.", "p.m.", "7A.M.", "No.", "Ms.", "vol.", "yes!"]
    ),
    st.sampled_from(["said", "(and", '"or"', "why?", "well...", "iPhone", "so;", "end."]),
)


@settings(max_examples=300)
@given(st.lists(SENTENCE_PARTS, min_size=1, max_size=12), st.sampled_from([" ", "  ", "\n"]))
def test_no_sentence_is_cut_before_a_small_letter(parts, space):
    pieces = split_text(space.join(parts), max_chars=1000)
    for piece, after in itertools.pairwise(pieces):
        assert piece.after is Break.SENTENCE
        letters = re.sub(r"^[\W_]+", "", after.text)
        assert not letters[:1].islower(), [p.text for p in pieces]


GOING_ON = {
    **dict.fromkeys(short_forms.TITLES.keys() - {"st", "dr"}, "Smith came"),
    **dict.fromkeys(short_forms.GIVEN_NAMES, "Smith came"),
    **dict.fromkeys(short_forms.PHRASES, "Fifty more"),
    **dict.fromkeys(short_forms.NUMBERED.keys() - short_forms.TITLES.keys(), "2 is here"),
    **dict.fromkeys(short_forms.DAYS, "5 May"),
    **dict.fromkeys(short_forms.ENDINGS, "and so on"),
}


@pytest.mark.parametrize("short", sorted(GOING_ON))
def test_no_sentence_is_cut_after_an_abbreviation_in_it(short):
    written = short if short in short_forms.PHRASES else short.capitalize()
    text = f"We know that {written}. {GOING_ON[short]}."
    assert [piece.text for piece in split_text(text)] == [text]
