"""Reads Korean: writes numbers, dates, units, Latin letters and signs in spoken Hangul.

``read_korean`` turns a text into spoken Hangul. The tokenizer then writes each syllable as its
jamo (``tts.text.jamo``). What a standard pronunciation changes (국물, said 궁물) has its
place between the two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from tts.text.korean.amounts import read_amounts
from tts.text.korean.characters import fold_korean
from tts.text.korean.counts import read_counters, read_native_ranges, read_numbers
from tts.text.korean.dates_and_times import read_korean_dates, read_korean_times
from tts.text.korean.hangul_letters import say_letters
from tts.text.korean.hanja import read_hanja
from tts.text.korean.large_numbers import join_large_numbers
from tts.text.korean.latin import read_latin, read_phrases
from tts.text.korean.readings import apply_readings
from tts.text.korean.signs import read_arithmetic, read_korean_signs
from tts.text.korean.telephones import read_telephones_and_codes
from tts.text.korean.web_addresses import read_web_addresses

__all__ = ["read_korean"]

_WITH_DIGITS = (
    read_korean_dates,
    read_telephones_and_codes,
    read_korean_times,
    join_large_numbers,
    read_native_ranges,
    read_amounts,
    read_arithmetic,
    read_counters,
    read_numbers,
)
_NO_READINGS: Mapping[str, tuple[str, ...]] = MappingProxyType({})
_DIGIT = re.compile(r"\d")
_PLAIN = re.compile(r"[가-힣 .,?!]*")


def read_korean(text: str, readings: Mapping[str, tuple[str, ...]] = _NO_READINGS) -> str:
    """Write a text as it is spoken, in Hangul syllables with the punctuation that one hears.

    Args:
        text: any Unicode string.
        readings: words in small letters, and the words of their readings, which come first.

    Returns:
        Syllables and punctuation in Unicode's composed form (NFC). A space at either end stays,
        because phones in braces may stand next to it. Characters that the reader does not know
        stay, so that the tokenizer can report them.
    """
    before, after = (" " if edge.isspace() else "" for edge in (text[:1], text[-1:]))
    text = apply_readings(fold_korean(text), readings)
    if not _PLAIN.fullmatch(text):
        for read in (read_web_addresses, read_phrases, read_hanja):
            text = read(text)
        if _DIGIT.search(text):
            for read in _WITH_DIGITS:
                text = read(text)
        for read in (read_latin, say_letters, read_korean_signs):
            text = read(text)
    spoken = _tidy(text)
    return f"{before}{spoken}{after}" if spoken else before or after


def _tidy(text: str) -> str:
    """Leave out quotes and brackets, and correct the spaces and pauses."""
    text = re.sub(r"[\"“”\[\]\\]", " ", text)
    text = re.sub(r"(?<![가-힣])'|'(?![가-힣])", " ", text)
    text = re.sub(r" +", " ", text)
    return re.sub(r" (?=[,.;:!?)](?:[ ,.;:!?)]|$))", "", re.sub(r"(?<=\() +", "", text)).strip()
