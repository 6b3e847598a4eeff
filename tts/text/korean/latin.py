"""Reads Latin letters: words by a table, initialisms by the names of their letters.

The Republic of Korea's rules spell C and R 시 and 아르; the readings here are those that people
say, 씨 and 알.
"""

from __future__ import annotations

import re

from tts.text.korean.english_words import ENGLISH_PHRASES, ENGLISH_WORDS
from tts.text.korean.loanwords import say_loanword
from tts.text.korean.rules import rewrite_korean
from tts.text.normalize.rules import Rule

_NAMES = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 알 에스 티 유 브이 "
        "더블유 엑스 와이 제트".split(),
        strict=True,
    )
)
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψω",
        "알파 베타 감마 델타 엡실론 제타 에타 세타 요타 카파 람다 뮤 뉴 크시 오미크론 파이 로 "
        "시그마 타우 입실론 피 카이 프시 오메가".split(),
        strict=True,
    )
)
_GREEK["ς"] = _GREEK["σ"]
_PHRASE = "|".join(map(re.escape, sorted(ENGLISH_PHRASES, key=len, reverse=True)))
_BEFORE_NUMBERS = {"no": "넘버", "vol": "볼륨", "ver": "버전", "ep": "에피소드", "ch": "챕터"}
#: Shortest word in capitals that may be read as a word instead of letter by letter.
_SHORTEST_NAME = 5
_SHORTEST_WORD = 3


def read_phrases(text: str) -> str:
    """Write terms with digits or signs in them as they are said: "R&D", "3D"."""
    return rewrite_korean(_PHRASES, text)


def read_latin(text: str) -> str:
    """Write Latin and Greek letters in Hangul."""
    return rewrite_korean(_LATIN, text)


def letter_names(run: str) -> str:
    """Write letters by their names: "KBS" is "케이비에스"; other characters are left out."""
    return "".join(_NAMES.get(char.upper(), "") for char in run)


def _word(match: re.Match[str]) -> str:
    word = match[0].strip("'-")
    bare = word.removesuffix("'s") if word.lower() not in ENGLISH_WORDS else word
    if said := ENGLISH_WORDS.get(bare.lower()):
        return said + ("스" if bare != word else "")
    if "-" in word:
        return " ".join(say_word(part) for part in word.split("-") if part)
    return say_word(word)


def say_word(word: str) -> str:
    """Return a word of the table, one of the dictionary by its phones, or the letters' names."""
    small = word.lower()
    if said := ENGLISH_WORDS.get(small):
        return said
    if len(word) >= (_SHORTEST_NAME if word.isupper() else _SHORTEST_WORD):
        from tts.text.dictionary import dictionary

        if pronunciations := dictionary().get(small):
            return say_loanword(small, pronunciations[0])
    return letter_names(word)


_PHRASES: tuple[Rule, ...] = (
    # KT&G
    (
        re.compile(r"(?<![A-Za-z&])([A-Z]{1,3})&([A-Z]{1,3})(?![A-Za-z&])"),
        lambda match: f"{letter_names(match[1])}앤{letter_names(match[2])}",
    ),
    (
        re.compile(rf"(?<![A-Za-z])({'|'.join(_BEFORE_NUMBERS)})\.? ?(?=\d)", re.IGNORECASE),
        lambda match: f"{_BEFORE_NUMBERS[match[1].lower()]} ",
    ),
    (
        re.compile(rf"(?<![A-Za-z\d])(?:{_PHRASE})(?![A-Za-z\d+#])"),
        lambda match: ENGLISH_PHRASES[match[0]],
    ),
)
_LATIN: tuple[Rule, ...] = (
    # F-16 has been read to F-십육
    (re.compile(r"(?<=[A-Za-z])-(?=[가-힣])|(?<=[가-힣])-(?=[A-Za-z])"), " "),
    # K-팝
    (re.compile(r"(?<![A-Za-z])K-?(?=[가-힣])"), "케이"),
    # A+
    (re.compile(r"(?<![A-Za-z])([A-F])\+(?![\w+])"), lambda match: f"{_NAMES[match[1]]} 플러스"),
    # initials: U.S.A.
    (
        re.compile(r"(?<![A-Za-z])(?:[A-Z]\.){2,8}"),
        lambda match: letter_names(match[0]),
    ),
    (re.compile(r"(?<![A-Za-z])(Mr|Mrs|Ms|Dr|No|vs)\. ?(?=[\w가-힣])", re.IGNORECASE), r"\1 "),
    (re.compile(r"(?<=[가-힣\w)]) ?(?<![A-Za-z])(?:vs|VS)(?![A-Za-z\d]) ?(?=[가-힣\w])"), " 대 "),
    (re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*"), _word),
    (re.compile("[α-ωΑ-Ω]"), lambda match: _GREEK.get(match[0].lower(), match[0])),
)
