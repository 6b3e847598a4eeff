"""Applies rewriting rules: a rule is a pattern and the replacement of its matches.

A table of rules is applied from top to bottom. Every pattern is written so that a line of a
megabyte takes about a second: repetitions are bounded or begin at a word boundary, and white space
is already single when the rules run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

#: Matches 1,234,567 or 1234567, at the beginning of a run of digits.
WHOLE = r"(?=\d)(?<![\d.,])(?:\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,40})"
#: Matches the same with decimals: 1,234.5 or .5.
AMOUNT = r"(?=[\d.])(?<![\d.,])(?:\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,40})?(?:\.\d{1,40})?(?<=\d)"
MONTHS = "January February March April May June July August September October November December"
MONTH = f"(?:{MONTHS.replace(' ', '|')})"


def rewrite(rules: Sequence[Rule], text: str) -> str:
    """Apply rules to a text, one after the other."""
    for pattern, spoken in rules:
        text = pattern.sub(spoken, text)
    return text


def any_of(words: Iterable[str]) -> str:
    """Return a pattern that matches any of the words, the longest first."""
    return "(?:" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + ")"
