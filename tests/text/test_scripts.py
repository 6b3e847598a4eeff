"""A text in another script than the symbol table is refused; a foreign name in it is not."""

import pytest

from tts.core.errors import InputError
from tts.text import Tokenizer
from tts.text.scripts import encode_checked

RUSSIAN = "Она пошла через улицу."


@pytest.mark.parametrize("cleaner", ["english", "english_cleaners"])
def test_another_script_is_named(cleaner):
    with pytest.raises(InputError, match=r"'Она .*' is written in cyrillic letters.*tokenizer=ipa"):
        encode_checked(Tokenizer(cleaner=cleaner), RUSSIAN)


@pytest.mark.parametrize(
    "text",
    ["Hello.", "The word улица means street.", "Señor Müller’s naïve café", "5 €!", "Ａｂｃ"],
)
def test_a_foreign_word_or_accent_is_allowed(text):
    quiet = Tokenizer(cleaner="english").quiet()
    assert encode_checked(quiet, text) == quiet.encode(text)


def test_a_table_with_these_letters_reads_them():
    letters = sorted({*RUSSIAN})
    tokenizer = Tokenizer(["_", *letters], cleaner="unicode_cleaners", on_unknown="raise")
    assert encode_checked(tokenizer, RUSSIAN) == tokenizer.encode(RUSSIAN)


def test_another_script_is_allowed_if_the_cleaner_transliterates():
    tokenizer = Tokenizer(cleaner="transliteration_cleaners")
    assert encode_checked(tokenizer, RUSSIAN) == tokenizer.encode(RUSSIAN)
