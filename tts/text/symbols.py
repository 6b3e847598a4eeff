"""The symbol table that published English Tacotron 2 checkpoints were trained with.

148 symbols, and their order is the contract: row ``i`` of the embedding belongs to symbol ``i``.
The pad comes first, then a hyphen, punctuation, capitals, small letters and ARPAbet, the phone
alphabet of the CMU Pronouncing Dictionary. An ARPAbet symbol carries an ``@`` so that the phone
``@B`` and the letter ``B`` stay apart. There is no symbol for the beginning or end of a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase, ascii_uppercase
from types import MappingProxyType

PAD = "_"
PHONE_PREFIX = "@"

_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()
# A vowel has four forms: bare, without stress (0), with primary (1), with secondary stress (2)
_PHONES = sorted([vowel + stress for vowel in _VOWELS for stress in ("", *"012")] + _CONSONANTS)

ENGLISH_148: tuple[str, ...] = (
    PAD,
    "-",
    *"!'(),.:;? ",
    *ascii_uppercase,
    *ascii_lowercase,
    *(PHONE_PREFIX + phone for phone in _PHONES),
)

SYMBOL_SETS: Mapping[str, tuple[str, ...]] = MappingProxyType({"english_148": ENGLISH_148})
