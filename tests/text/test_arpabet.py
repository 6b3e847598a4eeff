"""Words become phones: by dictionary, by context, and by a network for unknown words."""

import lzma
import sys
from importlib import resources

import pytest

pytest.importorskip("hibari")

from tts.text import arpabet
from tts.text.arpabet import pronounce, to_arpabet
from tts.text.dictionary import dictionary
from tts.text.symbols import ARPABET


def pronounced(text, lexicon=None):
    return " | ".join(" ".join(phones) for _, _, phones in pronounce(text, lexicon or {}))


def test_words_of_the_dictionary():
    expected = {
        "hello world": "HH AH0 L OW1 | W ER1 L D",
        "Hello, WORLD!": "HH AH0 L OW1 | W ER1 L D",
        "that's": "DH AE1 T S",
        "forty-five": "F AO1 R T IY0 | F AY1 V",
        "the cat, the apple": "DH AH0 | K AE1 T | DH IY0 | AE1 P AH0 L",
        "a cat": "AH0 | K AE1 T",
        "u s a": "Y UW1 | EH1 S | EY1",
        "lead the way": "L IY1 D | DH AH0 | W EY1",
        "": "",
        "?!": "",
    }
    assert {text: pronounced(text) for text in expected} == expected


def phones_of(text, word):
    """Return the phones of one word of a text."""
    (phones,) = [each for begin, _, each in pronounce(text, {}) if begin == text.index(word)]
    return " ".join(phones)


def test_heteronym_is_chosen_by_context():
    cases = (
        ("he will read it", "read", "R IY1 D"),
        ("he read it yesterday", "read", "R EH1 D"),
        ("please record it", "record", "R AH0 K AO1 R D"),
        ("a new record", "record", "R EH1 K ER0 D"),
        ("i live here", "live", "L IH1 V"),
        ("live music", "live", "L AY1 V"),
        ("please close it", "close", "K L OW1 Z"),
        ("it is close", "close", "K L OW1 S"),
        ("you wind it", "wind", "W AY1 N D"),
        ("the wind blows", "wind", "W IH1 N D"),
        ("of no use", "use", "Y UW1 S"),
    )
    wrong = [case for case in cases if case[2] != phones_of(*case[:2])]
    assert wrong == []


def test_positions_are_those_of_the_words():
    text = "well, it's so-so"
    assert [text[begin:end] for begin, end, _ in pronounce(text, {})] == [
        "well",
        "it's",
        "so",
        "so",
    ]


@pytest.mark.parametrize(
    "word", ["zorkmid", "xylofrobnicate", "kubernetes", "zz", "qqqq", "x" * 60]
)
def test_unknown_word_has_phones_of_the_table(word):
    ((_, _, phones),) = pronounce(word, {})
    assert phones
    assert set(phones) <= ARPABET


def test_lexicon_comes_first():
    assert pronounced("the read", {"read": ("R", "IY1"), "the": ("DH", "IY1")}) == "DH IY1 | R IY1"


def test_phones_of_hibari_become_arpabet():
    expected = {
        "ɹˈɛd": "R EH1 D",
        "wˈɜɹd": "W ER1 D",
        "bˈʌtəɹ": "B AH1 T ER0",
        "ʧˌOɪŋ": "CH OW2 IH0 NG",
    }
    assert {spoken: " ".join(to_arpabet(spoken)) for spoken in expected} == expected


@pytest.fixture
def without_hibari(monkeypatch):
    cached = (arpabet._hibari, arpabet._heteronyms, arpabet._without_context)
    for function in cached:
        function.cache_clear()
    monkeypatch.setitem(sys.modules, "hibari.g2p", None)
    yield
    for function in cached:
        function.cache_clear()


def test_dictionary_needs_no_extra(without_hibari, caplog):
    assert pronounced("the lead in a record") == (
        "DH AH0 | L IY1 D | IH0 N | AH0 | R AH0 K AO1 R D"
    )
    assert not caplog.messages


def test_without_the_extra_one_warning_names_each_unknown_word(without_hibari, caplog):
    assert pronounced("a zorkmid, a zorkmid") == "AH0 | AH0"
    (message,) = caplog.messages
    assert message == (
        "'zorkmid' is in no dictionary and is read by its letters; install a network for such "
        "words (pip install 'tacoglow[phonemes]'), or write its phones into a lexicon "
        "(lexicon=FILE)"
    )


def test_dictionary_of_the_package():
    entries = dictionary()
    assert len(entries) > 120_000
    assert {phone for phones in entries["tomato"] for phone in phones} <= ARPABET
    packed = resources.files("tts.text").joinpath("cmudict.xz").read_bytes()
    assert "Carnegie Mellon" in lzma.decompress(packed).decode().partition("\n")[0]
