"""Writes out numbers in running text: ordinals, ranges, decimals, years and counts."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.rules import AMOUNT, MONTH, WHOLE, Rule, rewrite

# Four digits are a year unless they count things: "1063 cells", but "in the 1780 riots".
_NOT_THINGS = r"(?!(?:was|is|has|as|his|this|its|us|thus|does|perhaps|always)\b)"
_THINGS = re.compile(
    rf" (?:{_NOT_THINGS}[a-z]{{2,20}}[^su]s"
    r"|people|men|women|children|persons?|feet|sheep|head|francs|percent|degrees|points|votes"
    rf"|[a-z]{{2,20}}(?:ing|ed|al|ous) {_NOT_THINGS}[a-z]{{2,20}}s)\b"
)
_DATED = re.compile(
    r"(?:\b(?:[Ii]n|[Ss]ince|[Dd]uring|[Tt]he|[Bb]y|[Uu]ntil|[Tt]ill)|\byear"
    rf"|{MONTH},?|\d,) \(?$"
)

_RULES: tuple[Rule, ...] = (
    (
        re.compile(rf"({WHOLE})(?:st|nd|rd|th)\b", re.IGNORECASE),
        lambda m: wording.nth(m[1]),
    ),
    # A hyphen after a word is not a minus.
    (re.compile(r"(?<![\w.,)\]-])-(?=\.?\d)"), "minus "),
    (
        re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3}){1,12}|\d{0,40})((?:\.\d{1,40}){1,9})(?![\d])"),
        lambda m: wording.number(m[1] + m[2]),
    ),
    (
        re.compile(r"(?<![\d,])(1\d{3}|20\d\d)(?!\d|,\d{3})"),
        lambda m: _year(m),
    ),
    (re.compile(r"\d{1,3}(?:,\d{3}){1,12}(?!\d)"), lambda m: wording.whole(m[0])),
    (re.compile(r"\d{1,40}"), lambda m: wording.whole(m[0])),
)  # fmt: skip
_RANGES: tuple[Rule, ...] = (
    # 1939-45, 1914-1918
    (
        re.compile(r"(?<![\d.,-])(1[1-9]\d\d|20\d\d)-(\d{4}|\d\d)(?![\d,/-]|\.\d)"),
        lambda m: f"{wording.pairs(m[1])} to {_tail(m[2])}",
    ),
    (
        re.compile(rf"(?<![\d.,-])({AMOUNT})-({AMOUNT})(?![\d-]|[.,/]\d)"),
        lambda m: f"{m[1]} to {m[2]}",
    ),
)
# "2B" and "x2" become two words.
_TOUCHING: tuple[Rule, ...] = (
    (re.compile(r"(?<=[^\W\d_])(?=\d)"), " "),
    (re.compile(r"(?<=\d)(?=[^\W\d_])(?!(?:st|nd|rd|th)\b)", re.IGNORECASE), " "),
)


def read_ranges(text: str) -> str:
    """Replace the hyphen between two numbers; later rules read the numbers and their units."""
    return rewrite(_RANGES, text) if "-" in text else text


def read_counts(text: str) -> str:
    """Write out all remaining numbers; the result has no digits."""
    return rewrite(_RULES, rewrite(_TOUCHING, text))


def _tail(year: str) -> str:
    if len(year) == 4:
        return wording.pairs(year)
    return f"oh {wording.whole(year[1])}" if year[0] == "0" else wording.whole(year)


def _year(match: re.Match[str]) -> str:
    if _THINGS.match(match.string, match.end()):
        before = match.string[max(0, match.start() - 12) : match.start()]
        if not _DATED.search(before):
            return wording.whole(match[0])
    return wording.pairs(match[0])
