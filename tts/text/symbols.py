"""Defines the symbol tables: of the published English Tacotron 2, of IPA, and of Korean.

``english_148`` has 148 symbols in a fixed order: row ``i`` of the embedding belongs to symbol
``i``. The padding comes first, then a hyphen, punctuation, capitals, small letters and ARPAbet, the
phone alphabet of the CMU Pronouncing Dictionary. An ARPAbet symbol begins with ``@``, so that the
phone ``@B`` and the letter ``B`` differ. The table has no symbol for the beginning or end of a
sentence. ``ipa`` holds what eSpeak NG writes for its languages: small letters, the IPA block of
Unicode, marks of length, stress and tone, diacritics as separate symbols, and punctuation.
``korean`` has the punctuation of ``english_148`` and the jamo, by their position in a syllable.

A table of the user's may have symbols of several characters, such as the syllable ``ni3`` or the
affricate ``t͡ʃ``. At each place of a text the longest symbol that fits is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from string import ascii_lowercase, ascii_uppercase
from types import MappingProxyType

from tts.core.errors import InputError
from tts.text.jamo import FINALS, INITIALS, VOWELS

PAD = "_"
PHONE_PREFIX = "@"

_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()
# A vowel has four forms: unmarked, unstressed (0), primary stress (1) and secondary stress (2).
_PHONES = sorted([vowel + stress for vowel in _VOWELS for stress in ("", *"012")] + _CONSONANTS)

ARPABET: frozenset[str] = frozenset(_PHONES)

ENGLISH_148: tuple[str, ...] = (
    PAD,
    "-",
    *"!'(),.:;? ",
    *ascii_uppercase,
    *ascii_lowercase,
    *(PHONE_PREFIX + phone for phone in _PHONES),
)

_IPA_LETTERS = "".join(map(chr, range(0x250, 0x2B0)))
_IPA_MARKS = "ˈˌːˑ˞ʰʲʷʼˠˤⁿˡ˥˦˧˨˩↓↑→↗↘‿"
# Marks above, below and through a letter: nasal, syllabic, dental, voiceless, raised and others.
_IPA_DIACRITICS = "".join(map(chr, [*range(0x300, 0x30D), 0x30F, 0x311, *range(0x318, 0x335), 0x339,
                                    0x33A, 0x33B, 0x33C, 0x33D, 0x35C, 0x361]))  # fmt: skip

IPA: tuple[str, ...] = (
    PAD,
    *" -!'(),.:;?\"¡¿«»“”…—",
    *ascii_lowercase,
    *"æðøħŋœβεθχᵊᵻᵝ",
    *_IPA_LETTERS,
    *_IPA_MARKS,
    *_IPA_DIACRITICS,
    *"0123456789",
)

KOREAN: tuple[str, ...] = (PAD, "-", *"!'(),.:;? ", *INITIALS, *VOWELS, *FINALS)

SYMBOL_SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"english_148": ENGLISH_148, "ipa": IPA, "korean": KOREAN}
)


def is_phone(symbol: str) -> bool:
    """Return whether a symbol is a phone, which a text has in braces: ``@HH`` is ``{HH}``."""
    return len(symbol) > 1 and symbol.startswith(PHONE_PREFIX)


def without_prefix(symbol: str) -> str:
    """Return a phone without its prefix, and another symbol as it is."""
    return symbol[1:] if is_phone(symbol) else symbol


def longest_first(symbols: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern that divides a text into symbols, at each place the longest that fits.

    A character with which no symbol begins is a part of its own.

    Returns:
        The pattern, for ``findall``; None if no symbol outside braces has several characters, so
        that the characters are the parts.
    """
    several = [symbol for symbol in symbols if len(symbol) > 1 and not is_phone(symbol)]
    if not several:
        return None
    several.sort(key=len, reverse=True)
    return re.compile("|".join([*map(re.escape, several), "."]), re.DOTALL)


def check_symbols(symbols: tuple[str, ...]) -> None:
    """Check that each symbol of a table has one id and that a text can hold it.

    Raises:
        InputError: the table has only the padding; a symbol is repeated, is empty or no text, or
            has white space or braces beside other characters.
    """
    if len(symbols) < 2:
        raise InputError("symbol table: needs the padding and at least one more symbol")
    for symbol in symbols:
        if not isinstance(symbol, str):
            raise InputError(f"symbol table: {symbol!r} is not a text; write it in quotes")
    symbol, count = Counter(symbols).most_common(1)[0]
    if count > 1:
        raise InputError(
            f"symbol table: {symbol!r} occurs {count} times; each needs an id of its own"
        )
    for symbol in symbols[1:]:
        if len(symbol) != 1 and not re.fullmatch(r"[^{}\s]+", symbol):
            raise InputError(
                f"symbol table: {symbol!r} is neither one character nor several without spaces and "
                "braces"
            )


def check_clean(symbols: Iterable[str], clean: Callable[[str], str]) -> None:
    """Check that the symbols of several characters are written as cleaned texts are.

    Raises:
        InputError: a symbol becomes another text, so that no text would produce it.
    """
    for symbol in symbols:
        if len(symbol) > 1 and not is_phone(symbol) and symbol not in (cleaned := clean(symbol)):
            raise InputError(
                f"symbol table: no text produces {symbol!r}, which is cleaned to {cleaned!r}; "
                "write it as it is in cleaned text"
            )
