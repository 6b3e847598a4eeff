"""Cleans text before it is read: transliteration, lower case, numbers, abbreviations, spaces.

``english_cleaners`` repeats the front end of NVIDIA's Tacotron 2 (after keithito/tacotron) in the
same order and with the same faults, because published checkpoints were trained on its output:
``£5`` is transliterated before numbers are read and becomes "psfive", ``mrs.`` becomes "misess",
every ``st.`` becomes "saint", and ``3/4`` keeps its slash. Do not change this cleaner; add another
one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from tts.text.numbers import expand_numbers

# The rules apply in this order. "st.co." becomes "saintco.", because after the first rule no word
# boundary remains before "co.".
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
    """Spell any script in ASCII; characters that Unidecode cannot spell are removed."""
    if text.isascii():
        return text
    # Nothing else imports Unidecode: its licence is the GPL, and its tables take time to load.
    from unidecode import unidecode

    return unidecode(_SURROGATES.sub("", text))


def collapse_whitespace(text: str) -> str:
    """Replace each run of white space by one space, also at the beginning and the end."""
    return re.sub(r"\s+", " ", text)


def expand_abbreviations(text: str) -> str:
    """Write out titles and company forms in a lower-case text: ``dr.`` becomes "doctor"."""
    for pattern, spoken in _ABBREVIATIONS:
        text = pattern.sub(spoken, text)
    return text


def english_cleaners(text: str) -> str:
    """Clean English as NVIDIA's Tacotron 2 does, to lower-case ASCII without digits."""
    text = expand_numbers(transliterate(text).lower())
    return collapse_whitespace(expand_abbreviations(text))


def basic_cleaners(text: str) -> str:
    """Write lower case and single spaces, for tables with the language's own letters."""
    return collapse_whitespace(text.lower())


def transliteration_cleaners(text: str) -> str:
    """Write ASCII, lower case and single spaces, for other languages on a Latin table."""
    return collapse_whitespace(transliterate(text).lower())


def unicode_cleaners(text: str) -> str:
    """Write plain quotes, digits and single spaces, and keep the letters, for eSpeak NG."""
    from tts.text.normalize.characters import fold_characters

    return fold_characters(text)


def english(text: str) -> str:
    """Write English as it is spoken, for new models; see ``tts.text.normalize``."""
    # Compiling about two hundred patterns takes time, so the module loads on first use.
    from tts.text.normalize import normalize_english

    return normalize_english(text)


def korean(text: str, readings: Mapping[str, tuple[str, ...]] | None = None) -> str:
    """Write Korean in Hangul as it is spoken; see ``tts.text.korean``.

    Args:
        text: any text.
        readings: words, and how each is read in Hangul, which come before all rules.
    """
    from tts.text.korean import read_korean

    return read_korean(text, readings or {})


def korean_pronounced(text: str, readings: Mapping[str, tuple[str, ...]] | None = None) -> str:
    """Write Korean in Hangul as it is pronounced; see ``tts.text.korean.pronunciation``.

    Args:
        text: any text.
        readings: as for :func:`korean`.

    Raises:
        InputError: the extra ``korean`` is not installed.
    """
    from tts.text.korean.pronunciation import pronounced

    return pronounced(korean(text, readings))


def _english_with_letters(text: str) -> str:
    from tts.text.normalize import normalize_with_letters

    return normalize_with_letters(text)


CLEANERS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "english": english,
        "english_cleaners": english_cleaners,
        "basic_cleaners": basic_cleaners,
        "transliteration_cleaners": transliteration_cleaners,
        "unicode_cleaners": unicode_cleaners,
        "korean": korean,
        "korean_pronounced": korean_pronounced,
    }
)

#: Cleaners that can mark each letter A, so that it is not read as the article.
WITH_LETTERS: Mapping[Callable[[str], str], Callable[[str], str]] = MappingProxyType(
    {english: _english_with_letters}
)

#: Cleaners that write numbers and signs in words, and the code of their language.
WRITES_WORDS: Mapping[str, str] = MappingProxyType(
    {"english": "en", "korean": "ko", "korean_pronounced": "ko"}
)

#: Cleaners that take the readings of a lexicon.
TAKES_READINGS: frozenset[str] = frozenset({"korean", "korean_pronounced"})
