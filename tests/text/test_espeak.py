"""Reads other languages as IPA, and checks the symbol table of IPA."""

import pytest

from tts.core.errors import InputError
from tts.text import SYMBOL_SETS, Tokenizer

pytest.importorskip("phonemizer")
pytest.importorskip("espeakng_loader")

TEXTS = {
    "en-us": "It's 10 o'clock; “quoted” (aside)!",
    "de": "Die Größe des Übergangs, 3,5 Meter!",
    "fr-fr": "L'été, où est-ce que tu vas, garçon?",
    "ru": "Съешь ещё этих мягких французских булок.",
    "es": "¿El niño llegó rápido?",
    "cmn": "你好世界",
    "vi": "Tiếng Việt rất hay",
    "cs": "Příliš žluťoučký kůň",
    "pt-br": "não sei então coração",
    "ar": "مرحبا بالعالم",
    "hi": "नमस्ते दुनिया",
    "fi": "Hyvää päivää",
}


def ipa(language, **options):
    return Tokenizer("ipa", "unicode_cleaners", language=language, **options)


def test_english_in_ipa():
    tokenizer = ipa("en-us")
    assert tokenizer.decode(tokenizer.encode("Hello, world!")) == "həlˈoʊ, wˈɜːld!"


@pytest.mark.parametrize("language", TEXTS)
def test_table_has_what_espeak_writes(language):
    tokenizer = ipa(language, on_unknown="raise")
    assert len(tokenizer.encode(TEXTS[language])) > 8


def test_unknown_language_is_named_with_the_known_ones():
    with pytest.raises(InputError, match=r"tokenizer.language=xx is unknown to espeak-ng; it has"):
        ipa("xx").encode("word")


@pytest.mark.parametrize("text", ["", "?!", "...", " - "])
def test_a_text_without_words_is_refused(text):
    with pytest.raises(InputError, match=r"empty|nothing in it"):
        ipa("de", on_unknown="ignore").encode(text)


def test_description_keeps_the_language():
    again = Tokenizer.from_dict(ipa("de").to_dict())
    assert again == ipa("de") != ipa("en-us")


def test_ipa_in_the_text_needs_no_language():
    tokenizer = Tokenizer("ipa", "unicode_cleaners")
    assert tokenizer.decode(tokenizer.encode("həlˈoʊ")) == "həlˈoʊ"


def test_table_is_a_contract():
    symbols = SYMBOL_SETS["ipa"]
    assert len(symbols) == len(set(symbols))
    assert [symbols.index(symbol) for symbol in ("_", " ", "a", "ə", "ˈ", "ː")] == [
        0, 1, 21, 69, 156, 158,
    ]  # fmt: skip
