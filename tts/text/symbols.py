"""Symbol tables: the one of the published English Tacotron 2 checkpoints, and one of IPA.

``english_148`` has 148 symbols, and their order is the contract: row ``i`` of the embedding belongs
to symbol ``i``. The pad comes first, then a hyphen, punctuation, capitals, small letters and
ARPAbet, the phone alphabet of the CMU Pronouncing Dictionary. An ARPAbet symbol carries an ``@``
so that the phone ``@B`` and the letter ``B`` stay apart. There is no symbol for the beginning or
end of a sentence. ``ipa`` holds what eSpeak NG writes for its languages: small letters, the IPA
block of Unicode, marks of length, stress and tone, diacritics of their own, and punctuation.
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
# above, below and through a letter: nasal, syllabic, dental, voiceless, raised, lowered, tied ...
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

SYMBOL_SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"english_148": ENGLISH_148, "ipa": IPA}
)
