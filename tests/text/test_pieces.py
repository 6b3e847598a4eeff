"""Texts are split into pieces: nothing lost, nothing too long, cut where a reader would breathe."""

import re
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
    # The hyphen of a divided word is left out on purpose.
    text = re.sub(r"[-\u2010\u00ad](?=[^\S\n]*\n)", "", text)
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


GOES_ON = [
    "I spoke to Ms. Smith about it.",
    "In vol. 2 of the work he says so.",
    "It took 5 hrs. to get there.",
    "See ch. 3, eq. 4, Thm. 2, App. A and Sec. 5, par. 2.",
    "Yesterday the govt. met in haste.",
    "Mon., Tues. and Wed. are free.",
    "He lives in Apt. 4B now.",
    "On Tues. Oct. 5 we met, on Fri. May 7 we did not.",
    "It is max. 5 and avg. 4 of them.",
    "Lt. Gov. Jones, Asst. Supt. Lee and Fr. O'Brien met.",
    "Contact Dr. A. Smith, M.D. at once.",
    "At 7A.M. sharp we left.",
    "Add 2 tbsp. sugar and 1 tsp. salt.",
    "It was e.g. Apples and approx. Fifty.",
    "Jos. Smith, Wm. Brown and Chas. Poe came.",
    "Attn. Mr. Lee of the Natl. Bank",
    '"Stop!" he said, "why?" and left.',
    "He said yes? maybe! who knows.",
    "iPhone sales rose. iPad sales fell.",
    "Gov. Brown v. Board of Ed. was cited.",
]
ENDS = {
    "He works for Acme Inc. She does not.": 2,
    "She has a Ph.D. He has none.": 2,
    "We left at 5 p.m. He stayed.": 2,
    "He lives on Elm St. She does not.": 2,
    "It weighs 150 lbs. She weighs 120.": 2,
    "I like cats.I like dogs.": 2,
    "She was in seat No. 5. Then she left.": 2,
}


def test_no_sentence_is_cut_inside_itself():
    cut = {text: texts(split_text(text)) for text in GOES_ON}
    assert {text: pieces for text, pieces in cut.items() if len(pieces) > 1} == {}


def test_sentences_that_end_in_an_abbreviation_end():
    assert {text: len(split_text(text)) for text in ENDS} == ENDS


def test_long_texts_in_small_letters_are_cut_after_their_sentences():
    text = "this is one of them. the govt. met again! so it goes on and on. "
    assert texts(split_text(text * 4, max_chars=70)) == [text.strip()] * 4


def test_headings_and_items_are_paragraphs():
    text = "# Title\nSome text\nthat goes on.\n- one\n- two\n\nHe came\n- late - again."
    assert [(p.text, p.after) for p in split_text(text)] == [
        ("# Title", Break.PARAGRAPH),
        ("Some text that goes on.", Break.PARAGRAPH),
        ("- one", Break.PARAGRAPH),
        ("- two", Break.PARAGRAPH),
        ("He came - late - again.", Break.PARAGRAPH),
    ]


def test_words_that_are_divided_at_a_line_end_are_joined():
    text = "The begin-\nning of a well-\nknown book of Anglo-\nSaxon times, un-\n  divided."
    assert texts(split_text(text)) == [
        "The beginning of a well-known book of Anglo-Saxon times, undivided."
    ]
    assert texts(split_text("die Wör-\nter", language="de")) == ["die Wörter"]


def test_a_long_paragraph_is_cut_at_the_same_places():
    sentence = "Mr. Smith said that it was late, and he left the house. "
    assert texts(split_text(sentence * 1000)) == [sentence.strip()] * 1000
