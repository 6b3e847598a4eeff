"""The reader cuts any text into decoding units, or refuses it in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts.core.errors import InputError
from tts.inference.reader import TextReader
from tts.text import Tokenizer
from tts.text.pieces import Break
from tts.text.written_words import written_words


@pytest.fixture(scope="module")
def reader():
    return TextReader(Tokenizer(), max_chars=60)


def texts(utterances):
    return [utterance.text for utterance in utterances]


def test_a_text_of_one_piece_stays_unchanged(reader):
    (only,) = reader.read("  Hello,\n world ", speaker=3)
    assert only.text == "  Hello,\n world "
    assert only.ids == tuple(reader.tokenizer.encode("  Hello,\n world "))
    assert (only.begins, only.after, only.speaker) == (True, None, 3)


def test_every_piece_but_the_last_knows_what_ends_it(reader):
    read = reader.read("One, two. Three.\n\nFour!")
    assert texts(read) == ["One, two.", "Three.", "Four!"]
    assert [utterance.after for utterance in read] == [Break.SENTENCE, Break.PARAGRAPH, None]
    assert [utterance.begins for utterance in read] == [True, False, False]


def test_ornaments_are_left_out(reader):
    assert texts(reader.read("One.\n\n* * *\n\nTwo. ...")) == ["One.", "Two."]


def test_pieces_that_are_left_out_are_logged(reader, caplog):
    assert texts(reader.read("One.\n\n☃☃\n\nTwo.")) == ["One.", "Two."]
    (message,) = caplog.messages
    assert message == (
        "text 'One. ☃☃ Two.': left out, not in the symbol table: '☃' x2 (characters 7, 8)"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "empty"), ("☃", "pronounced"), ("...\n\n* * *", "pronounced"), ("One. {QQ}", "QQ")],
)
def test_unreadable_text_is_refused_in_one_line(reader, text, message):
    with pytest.raises(InputError, match=message) as caught:
        reader.read(text)
    assert "\n" not in str(caught.value)


def test_unknown_characters_are_refused_in_every_piece():
    strict = TextReader(Tokenizer(on_unknown="raise"))
    with pytest.raises(InputError, match="☃"):
        strict.read("One.\n\n☃\n\nTwo.")


def test_a_piece_that_takes_long_to_say_is_cut_again(reader):
    read = reader.read("9" * 50)
    assert len(read) > 2
    assert all(len(utterance.ids) <= 2 * 60 for utterance in read)
    assert "".join(texts(read)) == "9" * 50


def test_a_cut_unit_keeps_its_edges(reader):
    first, second, third = reader.read("Oh. But the first, and then the second of them. No.")
    assert reader.cut(third) == [third]
    begin, end = reader.cut(second)
    assert texts([begin, end]) == ["But the first,", "and then the second of them."]
    assert (begin.begins, begin.after) == (False, Break.CLAUSE)
    assert (end.begins, end.after) == (False, Break.SENTENCE)
    assert first.begins


@pytest.mark.parametrize("text", ["a" * 40, "hi there", "supercalifragilisticexpialidocious"])
def test_the_guard_never_cuts_words(reader, text):
    (only,) = reader.read(text)
    assert reader.cut(only) == [only]


@given(st.text(max_size=200), st.integers(1, 30))
def test_any_text_is_read_or_refused_in_one_line(text, max_chars):
    text = text.replace("{", "")  # phones in braces may be illegal
    reader = TextReader(Tokenizer(on_unknown="ignore"), max_chars)
    if not reader.has_sound(text):
        with pytest.raises(InputError, match=r"^[^\n]+$"):
            reader.read(text)
        return
    read = reader.read(text)
    assert all(utterance.ids for utterance in read)
    assert [u.after is None for u in read] == [False] * (len(read) - 1) + [True]


def test_unknown_characters_of_all_pieces_are_refused_with_their_places():
    strict = TextReader(Tokenizer().for_speaking("raise"))
    text = "One ☃ day.\n\nTwo ☃ & more."
    places = r"'☃' x2 \(characters 5, 17\), '&' x1 \(character 19\)"
    with pytest.raises(InputError, match=places):
        strict.read(text)
    assert strict.unknown_characters(text) == [("☃", 4), ("☃", 16), ("&", 18)]


def test_a_sign_that_is_spelt_has_its_own_time_mark():
    spelling = TextReader(Tokenizer().for_speaking("spell"))
    (unit,) = spelling.read("I ☃ you")
    assert unit.text == "I ☃ you"
    words = [word.word for word in written_words(unit.text, spelling.tokenizer)]
    assert words == ["I", "☃", "you"]
