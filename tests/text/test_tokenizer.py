"""Checks the tokenizer: ids, phones in braces, and a report of everything that is left out."""

import logging
import pickle

import pytest

from tts.core.errors import InputError
from tts.text import SYMBOL_SETS, Tokenizer

RUSSIAN = ("_", " ", *"абвгдеёжзийклмнопрстуфхцчшщъыьэюя")


@pytest.fixture
def tokenizer():
    return Tokenizer()


def test_encode_gives_the_ids_of_the_table(tokenizer):
    expected = {
        "Hello.": [45, 42, 49, 49, 52, 7],
        "a-b! c?": [38, 1, 39, 2, 11, 40, 10],
        "it's (2):;,": [46, 57, 3, 56, 11, 4, 57, 60, 52, 5, 8, 9, 6],
        "Mr. É": [50, 46, 56, 57, 42, 55, 11, 42],
        "{HH AH0}": [106, 73],
        "a {B} c": [38, 11, 88, 11, 40],
        "{HH}{AH0}": [106, 73],
        "{ AA  ZH }": [64, 147],
        "dr. {K}\n5.": [41, 52, 40, 57, 52, 55, 11, 116, 11, 43, 46, 59, 42, 7],
    }
    assert {text: tokenizer.encode(text) for text in expected} == expected


def test_decode_gives_the_cleaned_text(tokenizer):
    expected = {
        "Hello, world!": "hello, world!",
        "Turn {L EH1 F T} at 5": "turn {L EH1 F T} at five",
        "{HH}{AH0}": "{HH AH0}",
        "{HH} {AH0}": "{HH} {AH0}",
    }
    assert {text: tokenizer.decode(tokenizer.encode(text)) for text in expected} == expected


def test_encode_of_decode_gives_the_same_ids(tokenizer):
    ids = tokenizer.encode("Mrs. {S M IH1 TH} paid $3.50 (1st time)?")
    assert tokenizer.encode(tokenizer.decode(ids)) == ids


@pytest.mark.parametrize("index", [-1, 148])
def test_decode_refuses_ids_outside_the_table(tokenizer, index):
    with pytest.raises(InputError, match=f"id {index} .* 148 symbols"):
        tokenizer.decode([index])


def test_unknown_counts_what_the_table_lacks(tokenizer):
    expected = {
        "plain text": {},
        '"a" b"': {'"': 3},
        "a_b~": {"_": 1, "~": 1},
        "50% & [x]": {"%": 1, "&": 1, "[": 1, "]": 1},
        "fine 😀😀": {"😀": 2},
        "e\u0301 and \u200bjoiner": {},
        "unclosed {HH AH0": {"{": 1},
        "closed} {}": {"}": 2, "{": 1},
        "{HH QQ hh QQ}": {"{QQ}": 2, "{hh}": 1},
    }
    assert {text: tokenizer.unknown(text) for text in expected} == expected


def test_warn_logs_characters_and_counts(tokenizer, caplog):
    ids = tokenizer.encode('say "yes" & go')
    assert ids == Tokenizer(on_unknown="ignore").encode('say "yes" & go')
    assert caplog.messages == [
        "text 'say \"yes\" & go': left out, not in the symbol table: '\"' x2, '&' x1"
    ]


def test_warn_logs_a_text_once(tokenizer, caplog):
    for text in ("a & b", "a & b", "a & c"):
        tokenizer.encode(text)
    assert len(caplog.messages) == 2


def test_known_text_logs_nothing(tokenizer, caplog):
    tokenizer.encode("Nothing strange, 1984.")
    assert caplog.messages == []


def test_ignore_logs_nothing(caplog):
    Tokenizer(on_unknown="ignore").encode("a & {QQ} b")
    assert caplog.messages == []


def test_raise_names_the_characters():
    with pytest.raises(InputError, match="'a & b & %': not in the symbol table: '&' x2, '%' x1"):
        Tokenizer(on_unknown="raise").encode("a & b & %")


@pytest.mark.parametrize("policy", ["warn", "raise"])
def test_unknown_phone_is_named(policy):
    with pytest.raises(InputError, match="unknown phone 'QQ' in braces; write ARPAbet"):
        Tokenizer(on_unknown=policy).encode("say {HH QQ}")


def test_lower_case_phone_gets_a_hint(tokenizer):
    with pytest.raises(InputError, match="unknown phone 'ah0' in braces; write 'AH0'"):
        tokenizer.encode("{HH ah0}")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_empty_text_is_refused(tokenizer, text):
    with pytest.raises(InputError, match="it is empty"):
        tokenizer.encode(text)


@pytest.mark.parametrize("text", ["?!", "...", " - ", "({})", '"', "😀", "_"])
@pytest.mark.parametrize("policy", ["warn", "ignore"])
def test_text_that_can_not_be_pronounced_is_refused(text, policy):
    with pytest.raises(InputError, match="nothing in it can be pronounced"):
        Tokenizer(on_unknown=policy).encode(text)


def test_messages_stay_on_one_short_line(tokenizer):
    with pytest.raises(InputError) as error:
        tokenizer.encode("!\n" * 500)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 150


def test_another_table_and_cleaner():
    tokenizer = Tokenizer(RUSSIAN, cleaner="basic_cleaners")
    assert tokenizer.decode(tokenizer.encode("Ёлка и ЁЖ")) == "ёлка и ёж"
    assert tokenizer.n_symbols == 35


def test_description_rebuilds_the_tokenizer():
    tokenizer = Tokenizer(RUSSIAN, cleaner="basic_cleaners", on_unknown="raise")
    again = Tokenizer.from_dict(tokenizer.to_dict())
    assert again == tokenizer
    assert again.on_unknown == "raise"


def test_description_holds_the_whole_table(tokenizer):
    assert tokenizer.to_dict() == {
        "symbols": list(SYMBOL_SETS["english_148"]),
        "cleaner": "english_cleaners",
        "on_unknown": "warn",
        "p_arpabet": 0.0,
        "lexicon": None,
        "language": None,
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"symbols": "english_148", "cleaner": "basic_cleaners", "case": 1}, "unknown key 'case'"),
        ({"cleaner": "english_cleaners"}, "'symbols' is missing"),
        ({"symbols": "english_148"}, "'cleaner' is missing"),
    ],
)
def test_wrong_description_is_refused(data, message):
    with pytest.raises(InputError, match=message):
        Tokenizer.from_dict(data)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"symbols": "klingon"}, "symbol table 'klingon' does not exist; choose from english_148"),
        (
            {"cleaner": "french"},
            "cleaner 'french' does not exist; choose from english, english_cleaners",
        ),
        ({"on_unknown": "drop"}, "on_unknown 'drop' does not exist; choose from warn, raise"),
        ({"symbols": ["_"]}, "at least one more"),
        ({"symbols": ["_", "a", "b", "a"]}, "'a' occurs 2 times"),
        ({"symbols": ["_", "a b"]}, "'a b' is neither one character nor"),
        ({"symbols": ["_", ""]}, "'' is neither"),
        ({"p_arpabet": 1.5}, "tokenizer.p_arpabet=1.5: it must be between 0 and 1"),
        ({"p_arpabet": "some"}, "tokenizer.p_arpabet=some: it must be between 0 and 1"),
        ({"lexicon": {"a": "EY1"}}, "no effect unless tokenizer.p_arpabet is above 0"),
        ({"p_arpabet": 1, "language": "de"}, "use one of them"),
        ({"p_arpabet": 1, "symbols": "ipa"}, "has no @AA; use tokenizer.symbols=english_148"),
    ],
)
def test_wrong_argument_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Tokenizer(**arguments)


def test_logger_is_the_modules_own(tokenizer, caplog):
    with caplog.at_level(logging.WARNING, logger="tts.text.tokenizer"):
        tokenizer.encode("a & b")
    assert caplog.records[0].name == "tts.text.tokenizer"


def test_description_of_an_older_checkpoint_still_loads():
    old = {"symbols": list(RUSSIAN), "cleaner": "basic_cleaners", "on_unknown": "raise"}
    assert Tokenizer.from_dict(old) == Tokenizer(RUSSIAN, "basic_cleaners")


def test_quiet_reads_the_same_and_logs_nothing(tokenizer, caplog):
    quiet = tokenizer.quiet()
    quiet.encode("a & b")
    assert quiet == tokenizer
    assert (quiet.on_unknown, tokenizer.on_unknown) == ("ignore", "warn")
    assert caplog.messages == []


def test_tokenizer_can_be_sent_to_a_worker(tokenizer):
    tokenizer.encode("hello")
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again.encode("hello, worker") == tokenizer.encode("hello, worker")


def test_a_spelling_tokenizer_spells_in_a_worker_as_well(tokenizer):
    spelling = tokenizer.for_speaking("spell")
    again = pickle.loads(pickle.dumps(spelling))
    assert again.encode("I ☃ you") == spelling.encode("I ☃ you") != tokenizer.encode("I you")


def test_readings_are_forgotten_when_there_are_too_many(tokenizer, monkeypatch):
    monkeypatch.setattr("tts.text.words._MAX_READINGS", 3)
    for i in range(10):
        tokenizer.encode(f"word {i}")
    assert len(tokenizer._reader._readings) <= 3


def test_text_of_unknown_characters_alone_is_one_message(tokenizer, caplog):
    with pytest.raises(InputError, match="nothing in it can be pronounced"):
        tokenizer.encode("😀😀")
    assert caplog.messages == []
