"""A symbol may have several characters; the longest that fits is read."""

import logging
import re

import pytest

from tests.support.paths import REPO
from tts.core.errors import InputError
from tts.text import Tokenizer
from tts.text.preview import preview
from tts.text.scripts import encode_checked
from tts.text.symbols import SYMBOL_SETS, is_phone, longest_first, without_prefix
from tts.text.written_words import written_words

#: Syllables with tones, some letters, and punctuation.
PINYIN = ("_", *" ,.!", "ni3", "hao3", "ha", "shi4", "jie4", *"aehijno34")


def reader(symbols=PINYIN, cleaner="basic_cleaners", **options):
    return Tokenizer(symbols, cleaner, **options)


def read(text, tokenizer):
    return [tokenizer.symbols[i] for i in tokenizer.encode(text)]


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("ni3 hao3, shi4jie4!", ["ni3", " ", "hao3", ",", " ", "shi4", "jie4", "!"]),
        ("ni4", ["n", "i", "4"]),
        ("hao4", ["ha", "o", "4"]),
        ("nni3", ["n", "ni3"]),
        ("NI3", ["ni3"]),
    ],
)
def test_the_longest_symbol_is_read(text, symbols):
    assert read(text, reader()) == symbols


def test_the_first_place_decides_and_the_order_of_the_table_does_not():
    for table in (["_", "ab", "bcd", *"abcd"], ["_", *"dcba", "bcd", "ab"]):
        assert read("abcd", reader(table)) == ["ab", "c", "d"]


def test_tone_letters_and_signs_of_patterns_are_symbols():
    tokenizer = reader(["_", "˨˩˦", "˥", "t͡ʃ", "a.", "(b)", *"tʃiab"])
    assert read("t͡ʃi˨˩˦ta˥", tokenizer) == ["t͡ʃ", "i", "˨˩˦", "t", "a", "˥"]
    assert read("a.(b)", tokenizer) == ["a.", "(b)"]


def test_decoded_text_gives_the_same_ids():
    ids = reader().encode("ni3 hao3, shi4jie4!")
    assert reader().decode(ids) == "ni3 hao3, shi4jie4!"
    assert reader().encode(reader().decode(ids)) == ids


def test_description_keeps_the_symbols():
    again = Tokenizer.from_dict(reader().to_dict())
    assert again == reader()
    assert again.encode("ni3 hao3") == reader().encode("ni3 hao3")


def test_phones_stay_in_braces():
    tokenizer = reader(["_", " ", "@ni3", "ni3", *"ni"])
    assert read("{ni3} ni3", tokenizer) == ["@ni3", " ", "ni3"]
    assert tokenizer.decode(tokenizer.encode("{ni3} ni3")) == "{ni3} ni3"
    assert [is_phone(s) for s in ("@ni3", "ni3", "@")] == [True, False, False]
    assert [without_prefix(s) for s in ("@ni3", "ni3", "@")] == ["ni3", "ni3", "@"]


@pytest.mark.parametrize("name", SYMBOL_SETS)
def test_published_tables_are_read_character_by_character(name):
    assert longest_first(SYMBOL_SETS[name]) is None


@pytest.mark.parametrize(
    ("symbols", "cleaner", "message"),
    [
        (["_", "ni 3"], "basic_cleaners", "'ni 3' is neither one character nor several without"),
        (["_", "{a}"], "basic_cleaners", "neither one character"),
        (["_", "NI3"], "basic_cleaners", "no text produces 'NI3', which is cleaned to 'ni3'"),
        (["_", "ni3"], "english", "no text produces 'ni3', which is cleaned to"),
        (["_", "a", 3], "basic_cleaners", "3 is not a text; write it in quotes"),
        (["_", "ni3", "ni3"], "basic_cleaners", "'ni3' occurs 2 times"),
    ],
)
def test_a_symbol_that_no_text_produces_is_refused(symbols, cleaner, message):
    with pytest.raises(InputError, match=message):
        reader(symbols, cleaner)


def test_a_symbol_for_espeak_has_separate_accents():
    with pytest.raises(InputError, match="no text produces 'õː'"):
        reader(["_", "õː"], "unicode_cleaners", language="fr-fr")
    assert reader(["_", "o\u0303ː"], "unicode_cleaners", language="fr-fr").n_symbols == 2


def test_unknown_characters_are_counted_one_by_one():
    assert reader().unknown("ni3 wu3 ☃") == {"w": 1, "u": 1, "☃": 1}


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("ni3 n", [("n", 4)]),
        ("n ni3 n ☃", [("n", 0), ("n", 6), ("☃", 8)]),
        ("ni3i", [("i", 3)]),
        ("hao3ni3", []),
        ("i" * 300, [("i", n) for n in range(300)]),
    ],
)
def test_a_part_of_a_symbol_is_not_unknown(text, places):
    tokenizer = reader(["_", " ", "ni3", "hao3"], on_unknown="ignore")
    assert tokenizer.unknown_characters(text) == places


def test_spelling_leaves_symbols_alone():
    tokenizer = reader(["_", " ", "ß3", "s"])
    spelled = "".join(
        letter
        for word in tokenizer.for_speaking("spell").read("ß3 ß").words
        for letter in word.letters
    )
    assert spelled == "ß3 ss"


def test_words_have_their_symbols():
    text = "Ni3hao3, shi4jie4!"
    words = written_words(text, reader())
    assert [(w.word, w.first, w.last) for w in words] == [("Ni3hao3", 0, 1), ("shi4jie4", 4, 5)]


@pytest.mark.parametrize("mark", ["˨˩˦", "\u0303", "˥"])
def test_tone_letters_and_accents_end_no_word(mark):
    tokenizer = reader(["_", " ", "˨˩˦", "\u0303", "˥", *"nia"])
    words = written_words(f"ni{mark}a{mark} na", tokenizer)
    assert [(w.word, w.first, w.last) for w in words] == [(f"ni{mark}a{mark}", 0, 4), ("na", 6, 7)]


def test_preview_shows_each_symbol():
    assert preview("ni3 hao3!", reader()).symbols == ("ni3", " ", "hao3", "!")


def test_the_script_of_long_symbols_counts():
    cyrillic = reader(["_", " ", "ша", "ма"])
    assert len(encode_checked(cyrillic, "маша")) == 2
    with pytest.raises(InputError, match="written in hangul letters"):
        encode_checked(reader(), "안녕")


def test_many_symbols_are_read_quickly_and_logged_once(caplog):
    syllables = [a + b + tone for a in "bcdfghjklmnpqrstwxyz" for b in "aeiou" for tone in "1234"]
    tokenizer = reader(["_", " ", *syllables])
    with caplog.at_level(logging.WARNING):
        assert len(tokenizer.encode(" ".join(syllables) + " 9")) == 2 * len(syllables)
    assert len(caplog.messages) == 1


def test_the_table_of_the_page_is_legal():
    page = REPO / "docs" / "text.md"
    if not page.is_file():
        pytest.skip("docs/ is not part of the source distribution")
    (listed,) = re.findall(r"tokenizer\.symbols=\[(_.*ni3.*?)\]", page.read_text(encoding="utf-8"))
    symbols = [part.strip('"') for part in listed.split(",")]
    assert read("ni3 hao3", reader(symbols)) == ["ni3", " ", "hao3"]


def test_the_doctor_knows_the_letters_of_long_symbols():
    from types import SimpleNamespace

    from tts.data.doctor.options import DoctorOptions
    from tts.data.doctor.text_checks import check_accents

    utterance = SimpleNamespace(text="nǐ hǎo", id="a", where="list:1", wav=None)
    cases = [SimpleNamespace(utterance=utterance)] * 10
    without, with_them = (["_", " ", *"nihao"], ["_", " ", "nǐ", "hǎo"])
    assert list(check_accents(cases, reader(without), DoctorOptions()))
    assert not list(check_accents(cases, reader(with_them), DoctorOptions()))


def test_a_textgrid_and_a_picture_have_a_label_for_each_symbol():
    from tts.audio.plots.figures import alignment_figure
    from tts.training.duration_writer import _textgrid

    symbols = read("ni3 hao3", reader())
    words = written_words("ni3 hao3", reader())
    grid = _textgrid(symbols, words, [0.0, 0.1, 0.2, 0.3], 0.3)
    assert re.findall(r'text = "(.+)"', grid) == ["ni3", "hao3", "ni3", " ", "hao3"]
    axes = alignment_figure([[0.5, 0.25, 0.25]] * 4, "syllables", symbols).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ni3", "␣", "hao3"]
