"""Rules: a pattern, and what its matches become; a table of rules is applied from top to bottom.

Every pattern is written so that a line of a megabyte takes a second: repetitions are bounded or
begin at a word boundary, and white space is single by the time the rules see it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

#: 1,234,567 or 1234567, at the beginning of a run of digits
WHOLE = r"(?=\d)(?<![\d.,])(?:\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,40})"
#: the same with decimals: 1,234.5 or .5
AMOUNT = r"(?=[\d.])(?<![\d.,])(?:\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,40})?(?:\.\d{1,40})?(?<=\d)"
MONTHS = "January February March April May June July August September October November December"
MONTH = f"(?:{MONTHS.replace(' ', '|')})"


def rewrite(rules: Sequence[Rule], text: str) -> str:
    """Apply the rules one after the other."""
    for pattern, spoken in rules:
        text = pattern.sub(spoken, text)
    return text


def any_of(words: Iterable[str]) -> str:
    """Write a pattern that matches any of the words, the longest first."""
    return "(?:" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + ")"
