"""Joins numbers of digits and words, such as 12만 3천 and 1.5억, into digits or into words."""

from __future__ import annotations

import re

from tts.text.korean.numerals import decimal_number
from tts.text.korean.rules import TO, rewrite_korean
from tts.text.normalize.rules import Rule

_VALUES = {"": 1, "십": 10, "백": 100, "천": 1000}
_LARGE_VALUES = {"": 1, "만": 10**4, "억": 10**8, "조": 10**12, "경": 10**16}
# Words that begin like a unit
_SMALL = r"(?:천(?![연사막장체재])|백(?![신화합두])|십(?![자대]))"
_LARGE = r"(?:만(?!큼|화|두|족)|억(?![제울])|조(?![각건직합사선기명림정])|경(?![기우주찰험]))"
_DIGITS = r"\d[\d,]{0,20}"
# 5천, 3천5백, 3천 5백
_WITH_SMALL = rf"(?:{_DIGITS}{_SMALL}(?: (?=\d{{1,3}}{_SMALL}))?){{1,3}}\d{{0,3}}"
_GROUP = rf"(?:{_WITH_SMALL}|{_DIGITS}){_LARGE}"
_MIXED = re.compile(
    rf"(?<![\d.,])(?:{_GROUP}(?: ?{_GROUP}){{0,3}}"
    rf"(?: ?{_WITH_SMALL}| \d[\d,]{{2,5}}|\d[\d,]{{0,5}})?"
    rf"|{_WITH_SMALL})(?![\d.])"
)
_PARTS = re.compile(r"(\d[\d,]*)?([천백십]?)([경조억만]?)")
_RANGES: tuple[Rule, ...] = (
    # 2~3천 명 is 2천~3천 명
    (
        re.compile(
            rf"(?<![\d.,])(\d{{1,3}}(?:\.\d)?){TO}(\d{{1,3}}(?:\.\d)?)({_SMALL}?{_LARGE}|{_SMALL})"
        ),
        r"\1\3~\2\3",
    ),
)
_DECIMALS: tuple[Rule, ...] = (
    # 1.5억
    (
        re.compile(rf"(?<![\d.,])(\d{{1,12}}\.\d{{1,6}}) ?({_LARGE})"),
        lambda match: decimal_number(match[1]) + match[2],
    ),
)


def join_large_numbers(text: str) -> str:
    """Write mixed numbers in digits ("12만 3천" is 123000), and those with decimals in words."""
    return rewrite_korean(_DECIMALS, _MIXED.sub(_in_digits, rewrite_korean(_RANGES, text)))


def _in_digits(match: re.Match[str]) -> str:
    total = group = 0
    for digits, small, large in _PARTS.findall(match[0]):
        if digits:
            group += int(digits.replace(",", "")) * _VALUES[small]
        if large:
            total += group * _LARGE_VALUES[large]
            group = 0
    return str(total + group)
