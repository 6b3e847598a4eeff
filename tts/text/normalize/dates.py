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
_YEAR = r"(?:1[5-9]\d\d|20\d\d)"
_SHORT_MONTH = rf"(?:{any_of(_SHORT)}|May)"
# Words before 3/4 or 12/25 that make it a day.
_ON = (
    "(?:[Oo]n|[Bb]y|[Uu]ntil|[Tt]ill|[Ss]ince|[Dd]ue|[Dd]ated?:?|[Bb]efore|[Aa]fter"
    "|[Bb]orn|[Ff]rom"
    "|[Tt]hrough|[Dd]eadline:?|[Mm]eeting|[Ss]tarting|[A-Z][a-z]{2,5}day,?|Mon,"
    "|Tue,|Wed,|Thu,|Fri,|Sat,|Sun,|[Ww]eek of)"
)
# Words behind 3/16 that make it a fraction.
_PARTS = (
    r"(?:of|inch(?:es)?|in\b|miles?|cups?|teaspoons?|share|\"|people|students|stars|points|mm|cm)"
)
# After these words "2.10.12" is a version.
_NOT_VERSION = r"(?<![Vv]ersion )(?<![Rr]elease )(?<![Vv]er\. )(?<!\bv)"
_ERA = r"(?:B\. ?C\. ?E\.|B\. ?C\.|A\. ?D\.|C\. ?E\.|BCE|BC|AD|CE)(?![A-Za-z])"

_ANY_MONTH = rf"(?:{_SHORT_MONTH}|{MONTH})"
_RULES: tuple[Rule, ...] = (
    # Jan 1–Feb 3, Dec 2020–Jan 2021
    (
        re.compile(
            rf"\b({_ANY_MONTH}\.? \d{{1,4}}(?:st|nd|rd|th)?(?:, \d{{4}})?) ?-{{1,2}} ?"
            rf"(?={_ANY_MONTH}\b)"
        ),
        r"\1 to ",
    ),
    (re.compile(rf"\b({_SHORT_MONTH})\.? (?='\d\d\b)"), lambda m: f"{_long(m[1])} "),
    # FY2024, c. 1850
    (re.compile(r"\b(FY|CY|AY|Q[1-4]|H[12])(?=20\d\d\b|'\d\d\b)"), lambda m: f"{' '.join(m[1])} "),
    (re.compile(r"\b(?:c|ca)\. ?(?=\d{3,4}\b)"), "circa "),
    # 05-Jan-2020, Jan-5-2020, Mar-2020, Jan-Mar
    (
        re.compile(rf"\b(\d\d?)(-| ?/ ?|)({_SHORT_MONTH}|{MONTH})\2({_YEAR}|\d\d)\b(?!-)"),
        lambda m: _named(m[0], m[4], m[3], m[1]),
    ),
    (
        re.compile(rf"\b({_SHORT_MONTH}|{MONTH})-(\d\d?)-({_YEAR}|\d\d)\b(?!-)"),
        lambda m: _named(m[0], m[3], m[1], m[2]),
    ),
    (
        re.compile(rf"\b(\d\d?)-({_SHORT_MONTH})\b(?![-\w])"),
        lambda m: f"{_long(m[2])} {wording.nth(m[1])}" if _is_day(m[1]) else m[0],
    ),
    (re.compile(rf"\b({_SHORT_MONTH})[-/'](?={_YEAR}\b)"), lambda m: f"{_long(m[1])} "),
    (
        re.compile(rf"\b({_SHORT_MONTH})[-/](\d\d)\b(?![-\w])"),
        lambda m: f"{_long(m[1])} {wording.nth(m[2]) if _is_day(m[2]) else _two_digits(m[2])}",
    ),
    # 5-7 May, May 5-7
    (
        re.compile(rf"\b(\d\d?) ?-{{1,2}} ?(\d\d?) ({_SHORT_MONTH}|{MONTH})\b"),
        lambda m: _days(m) or m[0],
    ),
    (re.compile(rf"\b({any_of(_SHORT)})\b\.?(?= ?\d)"), lambda match: _SHORT[match[1]]),
    (re.compile(rf"(?<=\d )({any_of(_SHORT)})\b\.?"), lambda match: _SHORT[match[1]]),
    (
        re.compile(rf"(?<=\d)(st|nd|rd|th) (?:of )?({any_of(_SHORT)})\b\.?"),
        lambda m: f"{m[1]} {_SHORT[m[2]]}",
    ),
    (
        re.compile(
            rf"\b({any_of(_WEEKDAYS)})\b\.?(?=,? (?:{MONTH}|\d{{1,2}}(?:st|nd|rd|th|[ap]m)?\b))"
        ),
        lambda match: _WEEKDAYS[match[1]],
    ),
    # 2024-05-07, 2024/05/07, 5/7/2024, 9-11-2001, 31.12.1999, 05.03.24
    (
        re.compile(r"(?<![\d/.-])(\d{4})([-/.])(\d\d?)\2(\d\d?)(?:(?!\w)|(?=T\d\d:))(?![-/])"),
        lambda m: _date(m[0], m[1], m[3], m[4]),
    ),
    (
        re.compile(r"(?<![\d/])(\d\d?)/(\d\d?)/(\d{4}|\d\d)\b(?![-/])"),
        lambda m: _date(m[0], m[3], *_american(m[1], m[2])),
    ),
    (
        re.compile(rf"(?<![\d/-])(\d\d?)-(\d\d?)-({_YEAR})\b(?![-/])"),
        lambda m: _date(m[0], m[3], *_american(m[1], m[2])),
    ),
    (
        re.compile(r"(?<![\d.])(\d\d?)\.(\d\d?)\.(\d{4})\b(?!\.\d)"),
        lambda m: _date(m[0], m[3], m[2], m[1]),
    ),
    (
        re.compile(rf"(?<![\d.]){_NOT_VERSION}(0\d|[12]\d|3[01])\.(0\d|1[0-2])\.(\d\d)\b(?!\.\d)"),
        lambda m: _date(m[0], m[3], m[2], m[1]),
    ),
    # 25/12 and 05/20
    (
        re.compile(
            r"(?<![\d/.,-])(?<!\d )(1[3-9]|2[1-9]|3[01]|0[1-9]|1[0-2](?=/0))/"
            rf"(1[0-2]|0[1-9]|(?<=0\d/)[123]\d)(?![\d/%-]|[.,]\d| {_PARTS})"
        ),
        lambda m: _day(m[0], "", m[1], m[2]),
    ),
    (re.compile(r"(?<![\d/.,-])(?<!\d )1/1(?![\d/%-]|[.,]\d)"), "January first"),
    # 12/24-12/26
    (
        re.compile(r"(?<![\d/.,-])(\d\d?)/(\d\d?) ?- ?(\d\d?)/(\d\d?)(?![\d/-])"),
        lambda m: _two_days(m) or m[0],
    ),
    # 12/25, "on 3/4", 03/2020, 2020-03
    (
        re.compile(rf"\b({_ON} )(\d\d?)/(\d\d?)(?![\d/]|[.,]\d| {_PARTS})"),
        lambda m: _day(m[0], m[1], m[2], m[3]),
    ),
    (
        re.compile(
            r"(?<![\d/.,-])(?<!\d )([2-9]|1[0-2])/(1[3-57-9]|2\d|3[01])(?![\d/%-]"
            rf"|[.,]\d| {_PARTS})"
        ),
        lambda m: _day(m[0], "", m[1], m[2]),
    ),
    (
        re.compile(rf"(?<![\d/.,-])(0?[1-9]|1[0-2])[/.]({_YEAR})\b(?![/.-]?\d)"),
        lambda m: f"{_NAMES[int(m[1]) - 1]} {wording.pairs(m[2])}",
    ),
    (
        re.compile(r"(?<![\d/.,-])(20[12]\d)-(0[1-9]|1[0-2])(?![\w/-]|[.,]\d)"),
        lambda m: _month(m[1], m[2]) or m[0],
    ),
    # 7 May 1945; "May 7" needs no rule, because it is read as it is written.
    (
        re.compile(rf"\b(?:the )?(\d\d?) ({MONTH})(?=,? \d{{4}}\b|[.,;:!?)]| ?$| [a-z])"),
        lambda m: f"the {wording.nth(m[1])} of {m[2]}" if _is_day(m[1]) else m[0],
    ),
    (
        re.compile(r"(?<![\w.,'])(100|1,000)s\b"),
        lambda m: "hundreds" if m[1] == "100" else "thousands",
    ),
    # 10s of thousands, 100s of people
    (
        re.compile(r"(?<![\w.,'])(1(?:,?0{3}|0{1,2}))'?s(?= of\b)"),
        lambda m: {1: "tens", 2: "hundreds", 3: "thousands"}[m[1].count("0")],
    ),
    (re.compile(r"(?<=\d0)('?s) ?[-/] ?(?='?(?:\d\d)?\d0'?s\b)"), r"\1 to "),
    # the 1960s, the '60s, her 60s
    (re.compile(r"\b(\d\d?)(\d)0'?s\b"), lambda m: _decade(m[1], m[2])),
    (re.compile(r"(?<![\w.,])'?00'?s\b"), "two thousands"),
    (re.compile(r"(?<!\w)('\d\d) ?- ?(?='\d\d\b)"), r"\1 to "),
    (re.compile(r"'?\b([1-9])0'?s\b"), lambda m: _TENS[m[1]]),
    (
        re.compile(rf"(?<![\w,.])(\d{{1,4}}|\d{{1,3}},\d{{3}}) ?({_ERA})"),
        lambda m: f"{_era_year(m[1])} {_letters(m[2])}{_stop(m)}",
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


# "In Jan. we left", "Mon-Fri"; a name ("Jan came") has no full stop.
_WITHOUT_DIGITS: tuple[Rule, ...] = (
    (
        re.compile(rf"\b({_SHORT_MONTH}|{MONTH})(\.? ?-{{1,2}} ?|/)({_SHORT_MONTH})\b(?![-\w])\.?"),
        lambda m: f"{_long(m[1])}{' to ' if '-' in m[2] else ' '}{_long(m[3])}",
    ),
    (
        re.compile(
            rf"\b({any_of(_WEEKDAYS)})\.? ?-{{1,2}} ?({any_of(_WEEKDAYS)})\b(?!\w"
            r"|-\w)\.?(?= ?[^ ]|$)"
        ),
        lambda m: f"{_WEEKDAYS[m[1]]} to {_WEEKDAYS[m[2]]}",
    ),
    (re.compile(rf"\b({any_of(_SHORT)})\.(?=[,;:)]| [a-z(&])"), lambda m: _SHORT[m[1]]),
    # "Jan." and "Mar." at the end of a sentence may be names.
    (
        re.compile(rf"\b({any_of(name for name in _SHORT if name not in {'Jan', 'Mar'})})\.(?!\w)"),
        lambda m: f"{_SHORT[m[1]]}{_sentence_stop(m)}",
    ),
    (
        re.compile(
            r"\b((?:[Ii]n|[Ss]ince|[Uu]ntil|[Tt]ill|[Bb]y|[Ll]ast|[Nn]ext|[Tt]his"
            "|[Ee]arly|[Ll]ate|[Mm]id|[Ff]rom|[Tt]hrough|of)[ -])"
            rf"({any_of(_SHORT)})(?:\.(?! ?[A-Z])|(?=[,;:!?)]| ?$))"
        ),
        lambda m: f"{m[1]}{_SHORT[m[2]]}{_sentence_stop(m)}",
    ),
)


def read_dates(text: str) -> str:
    """Write out dates in digits, days before months, decades, and years with an era."""
    return rewrite(_RULES, text)


def read_months(text: str) -> str:
    """Write out the short names of months and days that stand without a number."""
    return rewrite(_WITHOUT_DIGITS, text)


def _sentence_stop(match: re.Match[str]) -> str:
    ends = not match.string[match.end() :].strip(" \"')")
    return "." if ends and match[0].endswith(".") else ""


def _long(month: str) -> str:
    return _SHORT.get(month, month)


def _named(written: str, year: str, month: str, day: str) -> str:
    return _date(written, year, str(_NAMES.index(_long(month)) + 1), day)


def _days(match: re.Match[str]) -> str:
    first, last, month = match.groups()
    if not (_is_day(first) and _is_day(last) and int(first) < int(last)):
        return ""
    return f"the {wording.nth(first)} to the {wording.nth(last)} of {_long(month)}"


def _day(written: str, before: str, first: str, second: str) -> str:
    month, day = _american(first, second)
    if not (1 <= int(month) <= 12 and _is_day(day)):
        return written
    return f"{before}{_NAMES[int(month) - 1]} {wording.nth(day)}"


def _two_days(match: re.Match[str]) -> str:
    days = [_day("", "", match[i], match[i + 1]) for i in (1, 3)]
    return " to ".join(days) if all(days) else ""


def _month(year: str, month: str) -> str:
    """Read "2020-03"; "2019-20" is a range of years, and "2005-06" too."""
    if int(month) > int(year[2:]):
        return ""
    return f"{_NAMES[int(month) - 1]} {wording.pairs(year)}"


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
    if year == "00":
        return "oh oh"
    return f"oh {wording.whole(year[1])}" if year[0] == "0" else wording.whole(year)


def _decade(hundreds: str, tens: str) -> str:
    if tens == "0" and hundreds in {"10", "20"}:
        return f"{wording.whole(hundreds[0])} thousands"
    return f"{wording.whole(hundreds)} {_TENS[tens]}"


def _stop(match: re.Match[str]) -> str:
    at_end = not match.string[match.end() :].strip(" \"')")
    return "." if at_end and match[0].endswith(".") else ""


def _era_year(run: str) -> str:
    return wording.whole(run) if "," in run else wording.pairs(run)


def _letters(era: str) -> str:
    return " ".join(era.replace(".", "").replace(" ", "").lower())
