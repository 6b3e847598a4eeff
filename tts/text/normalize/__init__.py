"""Normalises English text: writes numbers, dates, money and abbreviations as they are spoken.

Each kind of expression has its own file, and the order of the rules matters. Unicode characters
come first and transliteration last, because transliteration would turn £ into "PS" and ½ into "
1/2". Expressions with a special form (links, dates, times, money) come before plain numbers.
Abbreviations come after all expressions that can contain their full stop.
"""

from __future__ import annotations

import re

from tts.text.cleaners import transliterate
from tts.text.normalize import wording
from tts.text.normalize.abbreviations import read_abbreviations, read_day_ranges
from tts.text.normalize.characters import fold_characters
from tts.text.normalize.clock import read_durations, read_times
from tts.text.normalize.comparisons import read_comparisons
from tts.text.normalize.counts import read_counts, read_factors, read_ranges
from tts.text.normalize.dates import read_dates, read_months
from tts.text.normalize.fractions import read_fractions, read_scores
from tts.text.normalize.greek import read_greek
from tts.text.normalize.groups import read_groups
from tts.text.normalize.identifiers import read_identifiers, read_places, read_quarters
from tts.text.normalize.initialisms import read_initialisms
from tts.text.normalize.letters import read_letters, read_plurals
from tts.text.normalize.markup import read_markup
from tts.text.normalize.measures import read_measures, read_rates, read_sizes
from tts.text.normalize.money import read_money
from tts.text.normalize.roman import read_roman
from tts.text.normalize.signs import read_number_signs, read_signs
from tts.text.normalize.telephones import read_telephones
from tts.text.normalize.typeset import read_typeset
from tts.text.normalize.web import read_web

__all__ = ["LETTER_A", "normalize_english", "normalize_with_letters"]

#: Stands for the letter A in ``normalize_with_letters``.
LETTER_A = wording.LETTER_A
# Transliteration would write the mark as "a"; it keeps this one.
_KEPT_LETTER_A = "\x01"

_WITH_DIGITS = (
    read_places,
    read_telephones,
    read_scores,
    read_durations,
    read_groups,
    read_dates,
    read_times,
    read_sizes,
    read_money,
    read_ranges,
    read_factors,
    read_measures,
    read_fractions,
    read_number_signs,
)
_DIGIT = re.compile(r"\d")


def normalize_english(text: str) -> str:
    """Write a text as it is spoken, in lower-case ASCII without digits.

    Args:
        text: any Unicode string.

    Returns:
        Words, and the punctuation that one hears. A space at either end stays, because phones in
        braces may stand next to it. Braces stay, so that the tokenizer can report them.
    """
    return normalize_with_letters(text).replace(LETTER_A, "a")


def normalize_with_letters(text: str) -> str:
    """Write a text as ``normalize_english`` does, but with ``LETTER_A`` for the letter A.

    An "a" is then always the article, which sounds different.
    """
    before, after = (" " if edge.isspace() else "" for edge in (text[:1], text[-1:]))
    for read in (
        read_markup,
        read_typeset,
        fold_characters,
        read_web,
        read_roman,
        read_day_ranges,
        read_plurals,
        read_quarters,
        read_comparisons,
        read_months,
        read_rates,
    ):
        text = read(text)
    if _DIGIT.search(text):
        for read in _WITH_DIGITS:
            text = read(text)
    text = read_abbreviations(read_greek(text))
    if _DIGIT.search(text):
        text = read_counts(read_identifiers(text))
    for read in (read_letters, read_initialisms, read_signs):
        text = read(text)
    text = transliterate(text.replace(LETTER_A, _KEPT_LETTER_A))
    spoken = _tidy(text.lower()).replace(_KEPT_LETTER_A, LETTER_A)
    return f"{before}{spoken}{after}" if spoken else before or after


def _tidy(text: str) -> str:
    """Write out digits that transliteration produced, and correct the spaces."""
    text = re.sub(r"\d{1,36}", lambda match: f" {wording.whole(match[0])} ", text)
    text = re.sub(r"[^a-z!'(),\-.:;?{} \x01]", " ", text)
    text = re.sub(r"(?<=\() +", "", re.sub(r" +", " ", text))
    return re.sub(r"(?<=[\w\x01]) (?=[,.;:!?)](?:[ ,.;:!?)]|$))", "", text).strip()
