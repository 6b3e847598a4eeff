"""Divides Hangul syllables into positional jamo, and joins them again.

A syllable is an initial consonant, a vowel and perhaps a final consonant. Unicode has a code point
for each of them in each position (U+1100, U+1161 and U+11A8 onwards), and its decomposed form (NFD)
writes every syllable with these, so that the two sounds of one letter are two symbols.
"""

from __future__ import annotations

import re
import unicodedata

#: The 19 initial consonants, the 21 vowels and the 27 final consonants, each in Unicode's order.
INITIALS = tuple(map(chr, range(0x1100, 0x1113)))
VOWELS = tuple(map(chr, range(0x1161, 0x1176)))
FINALS = tuple(map(chr, range(0x11A8, 0x11C3)))

#: The letters that people write for them, in the same orders.
INITIAL_LETTERS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWEL_LETTERS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINAL_LETTERS = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"

#: A pattern for one syllable.
SYLLABLE = "[가-힣]"
_SILENT_INITIAL = "\u110b"
_FIRST, _LAST = "가", "힣"
_SYLLABLES = re.compile(f"{SYLLABLE}+")
_JAMO = re.compile("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")


def to_jamo(text: str) -> str:
    """Return a text with each Hangul syllable as its two or three jamo; the rest stays."""
    return _SYLLABLES.sub(lambda match: unicodedata.normalize("NFD", match[0]), text)


def join_jamo(text: str) -> str:
    """Return a text with jamo joined into syllables; jamo that form no syllable stay."""
    return _JAMO.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)


def syllable(initial: str, vowel: str, final: str = "") -> str:
    """Return the syllable of two or three letters: ㄱ, ㅜ and ㄱ make 국."""
    jamo = INITIALS[INITIAL_LETTERS.index(initial)] + VOWELS[VOWEL_LETTERS.index(vowel)]
    if final:
        jamo += FINALS[FINAL_LETTERS.index(final)]
    return unicodedata.normalize("NFC", jamo)


def is_syllable(char: str) -> bool:
    """Return whether a character is a Hangul syllable."""
    return len(char) == 1 and _FIRST <= char <= _LAST


def final_of(char: str) -> int:
    """Return the number of the final consonant of a syllable from 1, or 0 if it has none."""
    return (ord(char) - ord(_FIRST)) % 28 if is_syllable(char) else 0


def particle(word: str, after_consonant: str, after_vowel: str) -> str:
    """Choose the form of a particle by the last sound of a word: 팔은, but 구는."""
    return after_consonant if final_of(word[-1:]) else after_vowel


def in_latin(char: str) -> str | None:
    """Return the Latin letters of a syllable or of one jamo, by the names in Unicode.

    Returns:
        For example "gug" for 국 and "g" for its first jamo; "" for the silent initial consonant;
        None for what is no Hangul.
    """
    if is_syllable(char):
        name = char
    elif char in INITIALS:
        name = char + VOWELS[0]
    elif char in VOWELS:
        name = _SILENT_INITIAL + char
    elif char in FINALS:
        name = _SILENT_INITIAL + VOWELS[0] + char
    else:
        return None
    letters = unicodedata.name(unicodedata.normalize("NFC", name)).rpartition(" ")[2].lower()
    if char in INITIALS:
        return letters.removesuffix("a")
    return letters.removeprefix("a") if char in FINALS else letters
