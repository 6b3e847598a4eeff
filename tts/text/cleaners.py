"""Written text to speakable text: transliteration, lower case, numbers, abbreviations, spaces.

``english_cleaners`` does what the front end of NVIDIA's Tacotron 2 (after keithito/tacotron) does,
in the same order and with its faults, because published checkpoints were trained on its output:
``£5`` is transliterated before numbers are read and ends as "psfive", ``mrs.`` becomes "misess",
every ``st.`` is a saint, ``3/4`` keeps its slash. Change nothing here; write another cleaner.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from tts.text.numbers import expand_numbers

# One after the other, in this order: "st.co." is "saintco.", for no word ends before its "co."
_ABBREVIATIONS = tuple(
    (re.compile(rf"\b{short}\."), spoken)
    for short, spoken in {
        "mrs": "misess",
        "mr": "mister",
        "dr": "doctor",
        "st": "saint",
        "co": "company",
        "jr": "junior",
        "maj": "major",
        "gen": "general",
        "drs": "doctors",
        "rev": "reverend",
        "lt": "lieutenant",
        "hon": "honorable",
        "sgt": "sergeant",
        "capt": "captain",
        "esq": "esquire",
        "ltd": "limited",
        "col": "colonel",
        "ft": "fort",
    }.items()
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def transliterate(text: str) -> str:
    """Spell any script in ASCII; characters that Unidecode has no spelling for vanish."""
    if text.isascii():
        return text
    # The only place that needs Unidecode: its licence (GPL) and its tables stay out of the rest
    from unidecode import unidecode

    return unidecode(_SURROGATES.sub("", text))


def collapse_whitespace(text: str) -> str:
    """Turn every run of white space into one space; leading and trailing ones stay."""
    return re.sub(r"\s+", " ", text)


def expand_abbreviations(text: str) -> str:
    """Speak the titles and company forms of a lower-case text: ``dr.`` is "doctor"."""
    for pattern, spoken in _ABBREVIATIONS:
        text = pattern.sub(spoken, text)
    return text


def english_cleaners(text: str) -> str:
    """Clean English as NVIDIA's Tacotron 2 does; result is lower-case ASCII without digits."""
    text = expand_numbers(transliterate(text).lower())
    return collapse_whitespace(expand_abbreviations(text))


def basic_cleaners(text: str) -> str:
    """Lower case and single spaces; for symbol tables that hold the language's own letters."""
    return collapse_whitespace(text.lower())


def transliteration_cleaners(text: str) -> str:
    """ASCII, lower case and single spaces; for other languages on a Latin table."""
    return collapse_whitespace(transliterate(text).lower())


def unicode_cleaners(text: str) -> str:
    """Plain quotes, digits and single spaces, letters as they are; for a reader of its own."""
    from tts.text.normalize.characters import fold_characters

    return fold_characters(text)


def english(text: str) -> str:
    """Write English as it is spoken, for models of your own; see ``tts.text.normalize``."""
    # some two hundred patterns, which only those who use them should wait for
    from tts.text.normalize import normalize_english

    return normalize_english(text)


CLEANERS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "english": english,
        "english_cleaners": english_cleaners,
        "basic_cleaners": basic_cleaners,
        "transliteration_cleaners": transliteration_cleaners,
        "unicode_cleaners": unicode_cleaners,
    }
)
