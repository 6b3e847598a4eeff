"""Characters that have no symbol are found where they stand, and can be said by their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts.core.errors import InputError
from tts.text import Tokenizer
from tts.text.unknown import list_unknown

LETTERS = Tokenizer()
PLAIN = Tokenizer(cleaner="basic_cleaners")
GREEK = Tokenizer(["_", *" αβγδεζηθ"], cleaner="basic_cleaners")


def spoken(text, tokenizer=LETTERS):
    reader = tokenizer.for_speaking("spell")
    return "".join("".join(word.letters) for word in reader.read(text).words).strip()


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", []),
        ("I saw you.", []),
        ("☃ I ☃", [("☃", 0), ("☃", 4)]),
        ("a & {QQ} ☃ {HH AH0}☃", [("&", 2), ("{QQ}", 5), ("☃", 9), ("☃", 19)]),
        ("{HH  QQ QQ}", [("{QQ}", 5), ("{QQ}", 8)]),
        ("closed} {", [("}", 6), ("{", 8)]),
    ],
)
def test_unknown_characters_have_offsets(text, places):
    assert LETTERS.unknown_characters(text) == places


def test_characters_that_only_the_cleaner_knows_are_those_of_the_written_text():
    assert GREEK.unknown_characters("ΑΩ ω") == [("Ω", 1), ("ω", 3)]


@given(st.text(max_size=60), st.sampled_from([LETTERS, PLAIN, GREEK]))
def test_offsets_point_at_what_is_unknown(text, tokenizer):
    places = tokenizer.unknown_characters(text)
    assert bool(places) == bool(tokenizer.unknown(text))
    assert [place.offset for place in places] == sorted(place.offset for place in places)
    for char, offset in places:
        assert text.startswith(char.strip("{}") or char, offset)


def test_a_message_counts_from_one_and_stays_short():
    text = "☃" * 5 + "&"
    listed = list_unknown(LETTERS.unknown_characters(text))
    assert listed == "'☃' x5 (characters 1, 2, 3, ...), '&' x1 (character 6)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I ☃ you", "i  snowman  you"),
        ("2☃2", "two snowman two"),
        ("☃☃ ☃!", "snowman three times !"),
        ("fish & chips", "fish  ampersand  chips"),
        ('say "yes"', "say yes"),
        ("no [x]", "no x"),
        ("a\ue000b", "ab"),
    ],
)
def test_signs_are_said_by_their_names(text, words):
    assert spoken(text).replace("  ", " ") == words.replace("  ", " ")


@pytest.mark.parametrize(
    ("text", "words"), [("große 你好", "grosse ni hao"), ("100 %", "one zero zero percent sign")]
)
def test_letters_and_digits_are_written_out(text, words):
    assert " ".join(spoken(text, PLAIN).split()) == words


def test_a_table_without_latin_letters_has_no_names(caplog):
    reader = GREEK.for_speaking("spell")
    assert reader.encode("αβ☃q") == GREEK.quiet().encode("αβ")
    assert "'☃' x1, 'q' x1" in caplog.text


def test_names_of_another_language_are_not_said():
    from tts.text.reading import Reading, Word
    from tts.text.unknown import spell_unknown

    def read(text):
        known = [char for char in text if char.isascii()]
        return Reading((Word(tuple(known)),), {c: 1 for c in text if not c.isascii()})

    text = "ja ☃ ß"
    assert spell_unknown(text, read(text), read, is_english=False) == "ja ☃ ss"


def test_a_text_of_signs_is_not_much_longer_to_say_than_one_of_words():
    signs = "".join(map(chr, range(0x2600, 0x2700))) * 40
    said = spoken(signs)
    assert 0 < len(said) < 3 * len(signs)
    assert len(spoken("☃" * 10_000)) < 40


def test_policies_of_speaking(caplog):
    with pytest.raises(InputError, match="'&' x1"):
        LETTERS.for_speaking("raise").encode("a & b")
    ids = LETTERS.quiet().encode("a & b")
    assert LETTERS.for_speaking("skip").encode("a & b") == ids
    assert caplog.messages == ["text 'a & b': left out, not in the symbol table: '&' x1"]
    assert LETTERS.for_speaking("spell").encode("a & b") == LETTERS.encode("a  ampersand  b")
    assert LETTERS.for_speaking(None) is LETTERS


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_known_texts_are_spelt_as_before(text):
    if not LETTERS.unknown(text):
        assert LETTERS.for_speaking("spell").read(text) == LETTERS.read(text)
