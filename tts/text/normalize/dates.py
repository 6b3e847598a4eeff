"""Writes out dates, decades, and years before and after Christ."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.rules import MONTH, MONTHS, Rule, any_of, rewrite

_NAMES = MONTHS.split()
_SHORT = {name[:3]: name for name in _NAMES if name != "May"} | {"Sept": "September"}
_WEEKDAYS = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Tues": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Thurs": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}
_TENS = {
    "0": "hundreds",
    "1": "tens",
    "2": "twenties",
    "3": "thirties",
    "4": "forties",
    "5": "fifties",
    "6": "sixties",
    "7": "seventies",
    "8": "eighties",
    "9": "nineties",
}
_ERA = r"(?:B\. ?C\. ?E\.|B\. ?C\.|A\. ?D\.|C\. ?E\.|BCE|BC|AD|CE)(?![A-Za-z])"

_RULES: tuple[Rule, ...] = (
    (re.compile(rf"\b({any_of(_SHORT)})\b\.?(?= ?\d)"), lambda match: _SHORT[match[1]]),
    (re.compile(rf"(?<=\d )({any_of(_SHORT)})\b\.?"), lambda match: _SHORT[match[1]]),
    (
        re.compile(rf"\b({any_of(_WEEKDAYS)})\b\.?(?=,? (?:{MONTH}|\d{{1,2}}\b))"),
        lambda match: _WEEKDAYS[match[1]],
    ),
    # 2024-05-07, 5/7/2024, 31.12.1999
    (re.compile(r"\b(\d{4})-(\d\d?)-(\d\d?)\b(?![-/])"), lambda m: _date(m[0], m[1], m[2], m[3])),
    (
        re.compile(r"(?<![\d/])(\d\d?)/(\d\d?)/(\d{4}|\d\d)\b(?![-/])"),
        lambda m: _date(m[0], m[3], *_american(m[1], m[2])),
    ),
    (
        re.compile(r"(?<![\d.])(\d\d?)\.(\d\d?)\.(\d{4})\b(?!\.\d)"),
        lambda m: _date(m[0], m[3], m[2], m[1]),
    ),
    # 7 May 1945; "May 7" needs no rule, because it is read as it is written.
    (
        re.compile(rf"\b(?:the )?(\d\d?) ({MONTH})(?=,? \d{{4}}\b|[.,;:!?)]| ?$| [a-z])"),
        lambda m: f"the {wording.nth(m[1])} of {m[2]}" if _is_day(m[1]) else m[0],
    ),
    # the 1960s, the '60s, her 60s
    (re.compile(r"\b(\d\d?)(\d)0'?s\b"), lambda m: _decade(m[1], m[2])),
    (re.compile(r"'?\b([1-9])0'?s\b"), lambda m: _TENS[m[1]]),
    (
        re.compile(rf"\b(\d{{1,4}}) ?({_ERA})"),
        lambda m: f"{wording.pairs(m[1])} {_letters(m[2])}{_stop(m)}",
    ),
    (
        re.compile(r"\b(A\. ?D\.|AD) ?(\d{1,4})\b"),
        lambda m: f"{_letters(m[1])} {wording.pairs(m[2])}",
    ),
    # "In 605, ...", "in 586 the city ..."
    (
        re.compile(r"\b([Ii]n|[Yy]ear) (\d{3})(?=[,;)]|\.? ?$| the [a-z]| he | [A-Z][a-z])"),
        lambda m: f"{m[1]} {wording.pairs(m[2])}",
    ),
    (re.compile(r"(?<![\w'])'(\d\d)\b(?!')"), lambda m: f"'{_two_digits(m[1])}"),
)


def read_dates(text: str) -> str:
    """Write out dates in digits, days before months, decades, and years with an era."""
    return rewrite(_RULES, text)


def _american(first: str, second: str) -> tuple[str, str]:
    """Return month and day of an American date; a first number above 12 is the day."""
    return (second, first) if int(first) > 12 else (first, second)


def _date(written: str, year: str, month: str, day: str) -> str:
    if not (1 <= int(month) <= 12 and _is_day(day)):
        return written
    spoken = wording.pairs(year) if len(year) == 4 else _two_digits(year)
    return f"{_NAMES[int(month) - 1]} {wording.nth(day)}, {spoken}"


def _is_day(day: str) -> bool:
    return 1 <= int(day) <= 31


def _two_digits(year: str) -> str:
    return f"oh {wording.whole(year[1])}" if year[0] == "0" else wording.whole(year)


def _decade(hundreds: str, tens: str) -> str:
    if tens == "0" and hundreds in {"10", "20"}:
        return f"{wording.whole(hundreds[0])} thousands"
    return f"{wording.whole(hundreds)} {_TENS[tens]}"


def _stop(match: re.Match[str]) -> str:
    at_end = not match.string[match.end() :].strip(" \"')")
    return "." if at_end and match[0].endswith(".") else ""


def _letters(era: str) -> str:
    return " ".join(era.replace(".", "").replace(" ", "").lower())
