"""Reads letters of Hangul that stand alone: names (ㄱ자), laughter (ㅋㅋ), short forms (ㅇㅋ)."""

from __future__ import annotations

import re
import unicodedata

from tts.text.jamo import (
    FINAL_LETTERS,
    INITIAL_LETTERS,
    VOWEL_LETTERS,
    is_syllable,
    syllable,
)

_CONSONANTS = {
    "ㄱ": "기역", "ㄴ": "니은", "ㄷ": "디귿", "ㄹ": "리을", "ㅁ": "미음", "ㅂ": "비읍",
    "ㅅ": "시옷", "ㅇ": "이응", "ㅈ": "지읒", "ㅊ": "치읓", "ㅋ": "키읔", "ㅌ": "티읕",
    "ㅍ": "피읖", "ㅎ": "히읗", "ㄲ": "쌍기역", "ㄸ": "쌍디귿", "ㅃ": "쌍비읍", "ㅆ": "쌍시옷",
    "ㅉ": "쌍지읒",
}  # fmt: skip
_CLUSTERS = {
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
#: What people write in messages and how they say it.
_SHORT_FORMS = {
    "ㅇㅇ": "응응", "ㅇㅋ": "오케이", "ㄴㄴ": "노노", "ㄱㄱ": "고고", "ㄷㄷ": "덜덜",
    "ㅂㅂ": "바이바이", "ㅂㅇ": "바이", "ㄱㅅ": "감사", "ㅈㅅ": "죄송", "ㅊㅋ": "축하",
    "ㅉㅉ": "쯧쯧", "ㅎㅇ": "하이", "ㅅㄱ": "수고", "ㅇㅈ": "인정", "ㄹㅇ": "리얼",
}  # fmt: skip
#: All modern letters of Hangul, each with a code point of its own.
LETTERS: frozenset[str] = frozenset([*_CONSONANTS, *_CLUSTERS, *VOWEL_LETTERS])
#: Most letters of one run of laughter that are said.
_LONGEST_RUN = 5

# Letters that stand in a syllable, in each position, and half-width letters
_TO_LETTERS = str.maketrans(
    {
        **{0x1100 + i: letter for i, letter in enumerate(INITIAL_LETTERS)},
        **{0x1161 + i: letter for i, letter in enumerate(VOWEL_LETTERS)},
        **{0x11A8 + i: letter for i, letter in enumerate(FINAL_LETTERS)},
        **{
            code: chr(int(unicodedata.decomposition(chr(code)).split()[1], 16))
            for code in range(0xFFA1, 0xFFDD)
            if unicodedata.decomposition(chr(code))
        },
    }
)
_RUNS = re.compile(f"[{''.join(sorted(LETTERS))}]+")
_SAME = re.compile(r"(.)\1*")


def to_letters(text: str) -> str:
    """Write jamo that are in no syllable, and half-width letters, as ordinary letters."""
    return text.translate(_TO_LETTERS)


def say_letters(text: str) -> str:
    """Write letters of Hangul that stand alone as they are said: "ㅋㅋ" is "크크"."""
    return _RUNS.sub(_said, text)


def _said(match: re.Match[str]) -> str:
    run = "".join(_CLUSTERS.get(letter, letter) for letter in match[0])
    if run in _SHORT_FORMS:
        return _SHORT_FORMS[run]
    following = match.string[match.end() : match.end() + 1]
    before = match.string[: match.start()].rstrip()[-1:]
    # In a message ㅋ is laughter and ㅠ weeping; "ㄱ자" and "ㅏ, ㅓ" are about letters.
    is_laughter = is_syllable(before) and not is_syllable(following) and run in "ㅋㅎ"
    return "".join(_sound(each[0], is_laughter) for each in _SAME.finditer(run))


def _sound(run: str, is_laughter: bool) -> str:
    letter = run[0]
    if letter in VOWEL_LETTERS:
        said = syllable("ㅇ", letter)
    elif len(run) == 1 and not is_laughter:
        return _CONSONANTS[letter]
    else:
        said = syllable(letter, "ㅡ")
    return said * min(len(run), _LONGEST_RUN)
