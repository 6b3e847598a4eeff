"""Reads telephone numbers and other codes digit by digit, with a pause between the groups.

People also say 에 between the groups of a telephone number ("공일공에 일이삼사에"); a pause is as
common, and fits account numbers too.
"""

from __future__ import annotations

import re

from tts.text.korean.numerals import digit_names, sino
from tts.text.korean.rules import rewrite_korean
from tts.text.normalize.rules import Rule

_ENDS = r"(?![\d-]|[.,]\d)"
_AREA = r"0(?:1[016-9]|2|[3-6][1-5]|70|80|50\d?|60)"
_SHORT_NUMBERS = r"(?<!\d)(?:1\d\d|911|13\d\d)(?![\d.,])"
_CALLS = (
    r" ?(?:(?:번?에|번?으?로) ?(?:신고|전화|연락|문의)|신고|구급|구조|소방|안전|상담|안내|테러|"
    r"콜센터|상황실|대원)"
)


def read_telephones_and_codes(text: str) -> str:
    """Write telephone numbers, accounts and other codes digit by digit."""
    return rewrite_korean(_RULES, text)


def _groups(match: re.Match[str]) -> str:
    return ", ".join(digit_names(group) for group in re.findall(r"\d+", match[0]))


def _mobile(match: re.Match[str]) -> str:
    run = match[0]
    return ", ".join(map(digit_names, (run[:3], run[3:-4], run[-4:])))


_RULES: tuple[Rule, ...] = (
    (re.compile(r"(?<![\d+])\+(\d{1,3})(?=[- ]\(?\d{1,3}\)?[- ]\d{3,4}[- ]\d{4})[- ]?"),
     lambda m: f"플러스 {digit_names(m[1])}, "),
    (re.compile(rf"(?<![\d.,-])\(?{_AREA}\)?[-.) ]{{1,2}}\d{{3,4}}[-. ]\d{{4}}{_ENDS}"), _groups),
    (re.compile(r"(?<!\d)10[- ]\d{4}[- ]\d{4}(?![\d-])"), _groups),
    (re.compile(r"(?<![\d.,-])01[016-9]\d{7,8}(?!\d)"), _mobile),
    (re.compile(r"(?<![\d.,-])1[3-9]\d\d-\d{4}(?![\d-]|[.,]\d)"), _groups),
    (re.compile(rf"{_SHORT_NUMBERS}(?={_CALLS})"), lambda m: digit_names(m[0])),
    # cards, accounts, numbers of residents and businesses
    (re.compile(r"(?<![\d.,-])\d{6}-[1-4]\d{6}(?![\d-])"), _groups),
    (re.compile(r"(?<![\d.,-])\d{2,6}(?:-\d{2,7}){2,4}(?![\d-]|[.,]\d)"), _groups),
    (re.compile(r"(?<![\d.,-])\d{3,4}-\d{4}(?![\d-]|[.,]\d| ?년)"), _groups),
    # 2030세대
    (re.compile(r"(?<!\d)(?:[2-9]0[2-9]0|[3-6]86)(?= ?세대)"), lambda m: digit_names(m[0])),
    # 12가 3456
    (re.compile(r"(?<!\d)(\d{2,3})([가-힣]) ?(\d{4})(?![\d.,]| ?[가-힣])"),
     lambda m: f"{sino(m[1])}{m[2]} {digit_names(m[3])}"),
    (re.compile(r"(?<=[A-Za-z])\d{5,}|(?:(?<=번호)|(?<=코드)|(?<=암호)|(?<=번호는)) ?:? ?\d{4,}"),
     lambda m: f" {digit_names(m[0])}"),
    # 12-3번지, 세종로 1-68
    (re.compile(r"(?<![\d.,-])(\d{1,4})-(\d{1,4})(?= ?(?:번지|번길|호))"),
     lambda m: f"{sino(m[1])} 다시 {sino(m[2])}"),
    (re.compile(r"(?<=[가-힣][로길동리가읍면] )(\d{1,4})-(\d{1,4})(?![\d-])"),
     lambda m: f"{sino(m[1])} 다시 {sino(m[2])}"),
)  # fmt: skip
