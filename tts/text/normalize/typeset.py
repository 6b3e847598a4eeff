"""Reads the marks of printers before they become typewriter's marks: primes and the minus sign.

Feet and inches (5'6"), degrees, minutes and seconds (40°26′46″N) share their marks with quotes, so
these rules run while “, ”, ″ and − can still be told apart.
"""

from __future__ import annotations

import re

from tts.text.normalize.rules import COMPASS, Rule, rewrite

_CHARGES = {"⁺": "plus", "⁻": "minus"}
_ON_THE_LINE = str.maketrans("¹²³⁴⁵⁶⁷⁸⁹", "123456789")
_FOOT = "['’′]"
_INCH = "(?:[\"”″]|''|’’|′′)"
_DIRECTION = r"(?: ?([NS][EW]?|[EW])\b(?![.'’]\w))"
_PART = r"(\d{1,2}(?:\.\d{1,6})?)"
_HALVES = "½¼¾⅓⅔⅛⅜⅝⅞"
# These words make a length an adverb: "fifteen inches long", but "a fifteen inch screen".
_SIZES = re.compile(r" ?(?:long|wide|deep|tall|high|thick|across|apart|of|by|in|from)\b")

_RULES: tuple[Rule, ...] = (
    # NFKC would write the rial in Arabic letters.
    (re.compile("﷼"), "IRR"),
    # 40°26′46″N
    (
        re.compile(rf"(?<=\d)° ?{_PART} ?{_FOOT}(?: ?{_PART} ?{_INCH})?{_DIRECTION}?"),
        lambda m: f" degrees {_arc(m)}",
    ),
    (
        re.compile(rf"(?<=\d) ?[°º]{_DIRECTION}"),
        lambda m: f"° {COMPASS[m[1]]}",
    ),
    # 5'6", 5' 6½″, 5'6
    (
        re.compile(rf"(?<![\w.,'])(\d{{1,2}}){_FOOT} ?(\d{{1,2}}(?:\.\d| ?[{_HALVES}])?) ?{_INCH}"),
        r"\1 foot \2",
    ),
    (re.compile(rf"(?<![\w.,'])([4-7]){_FOOT} (\d|1[01])(?!\w|[.,]\d)"), r"\1 foot \2"),
    (
        re.compile(rf"(?<![\w.,'])([1-9]){_FOOT}(\d|1[01])(?!\w|[.,'’]\d|['’])"),
        r"\1 foot \2",
    ),
    # 12' x 10'
    (
        re.compile(rf"(?<![.,'’])\b(\d{{1,3}}) ?{_FOOT} ?[x×] ?(\d{{1,3}}) ?{_FOOT}(?!\w)"),
        r"\1 foot by \2 foot",
    ),
    (
        re.compile(
            r"(?<![.,'’])\b(\d{1,3}) ?(?:′(?!\w)|['’](?= ?(?:tall|long|wide|high|deep|x|×|by)\b))"
        ),
        lambda m: f"{m[1]} {_length(m, 'foot', 'feet')}",
    ),
    # Ca²⁺, Cl⁻
    (
        re.compile("([¹²³⁴-⁹]?)([⁺⁻])(?![⁰¹²³⁴-⁹ⁿⁱˣ])"),
        lambda m: f" {m[1].translate(_ON_THE_LINE)} {_CHARGES[m[2]]} ",
    ),
    (re.compile("(?<!\\S)\u2212(?!\\S)"), " minus "),
    (re.compile(" ?∶ ?"), " to "),
    # U+2212 between two terms is an operator, elsewhere a sign.
    (re.compile(r"(?<=[\w)%°]) ?\u2212 ?(?=[\w(.])"), " minus "),
)
_MARKS = frozenset("⁺⁻∶﷼'\"’”′″\u2212°º")
_QUOTES = re.compile("[“”\"″]|''|’’")


def read_typeset(text: str) -> str:
    """Write 5'6" as "5 foot 6", 15″ as "15 inch", and "5−3" as "5 minus 3"."""
    if _MARKS.isdisjoint(text):
        return text
    return _read_inches(rewrite(_RULES, text))


def _arc(match: re.Match[str]) -> str:
    minutes, seconds, compass = match.groups()
    parts = [f"{minutes} {'minute' if minutes == '1' else 'minutes'}"]
    if seconds:
        parts.append(f"{seconds} {'second' if seconds == '1' else 'seconds'}")
    return " ".join([*parts, *([COMPASS[compass]] if compass else [])])


def _length(match: re.Match[str], one: str, many: str) -> str:
    plural = match[1] != "1" and one == "inch" and _SIZES.match(match.string, match.end())
    return many if plural else one


def _read_inches(text: str) -> str:
    """Write inch marks as words; a quote that closes an open one is no inch mark."""
    parts, end, is_open = [], 0, False
    for match in _QUOTES.finditer(text):
        begin, mark = match.start(), match[0]
        number = text[max(0, begin - 6) : begin].rstrip(" " if mark == "″" else "")
        # Four digits are a year at the end of a quotation.
        is_number = number[-1:].isdecimal() or number[-1:] in _HALVES
        is_number = bool(number) and is_number and not re.search(r"(?:^|\D)\d{4}$", number)
        if mark == "″" or (is_number and mark != "“" and not is_open):
            if is_number:
                one = re.search(r"(?:^|[^\d./])1$", number)
                name = "inches" if _SIZES.match(text, match.end()) and not one else "inch"
                parts.append(f"{text[end:begin].rstrip()} {name}")
                end = match.end()
                if text[end : end + 1].isalnum():
                    parts.append(" ")
        elif mark in '“”"':
            is_open = mark == "“" or (mark == '"' and not is_open)
    return "".join([*parts, text[end:]])
