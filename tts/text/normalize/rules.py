"""Applies rewriting rules: a rule is a pattern and the replacement of its matches.

A table of rules is applied from top to bottom. Every pattern is written so that a line of a
megabyte takes about a second: repetitions are bounded or begin at a word boundary, and white space
is already single when the rules run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

#: Matches 1,234,567 or 1234567, at the beginning of a run of digits.
WHOLE = r"(?=\d)(?<![\d.,])(?:\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,40})"
#: Matches the same with decimals: 1,234.5 or .5.
AMOUNT = r"(?=[\d.])(?<![\d.,])(?:\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,40})?(?:\.\d{1,40})?(?<=\d)"
MONTHS = "January February March April May June July August September October November December"
COMPASS = {
    "N": "North",
    "S": "South",
    "E": "East",
    "W": "West",
    "NE": "Northeast",
    "NW": "Northwest",
    "SE": "Southeast",
    "SW": "Southwest",
}
MONTH = f"(?:{MONTHS.replace(' ', '|')})"


def rewrite(
    rules: Sequence[Rule], text: str, parts_from: Callable[[str], bool] = str.isalnum
) -> str:
    """Apply rules to a text, one after the other.

    New words never touch the letters and digits beside the match: where they would, a space comes
    between them, so that "5%off" becomes "five percent off".

    Args:
        rules: patterns and what is spoken for them.
        text: the text.
        parts_from: whether a space comes between new words and the character after them.
    """
    for pattern, spoken in rules:
        text = pattern.sub(partial(_replacement, spoken, parts_from), text)
    return text


def _replacement(
    spoken: str | Callable[[re.Match[str]], str],
    parts_from: Callable[[str], bool],
    match: re.Match[str],
) -> str:
    new = match.expand(spoken) if isinstance(spoken, str) else spoken(match)
    old = match[0]
    if new == old or not new:
        return new
    text, begin, end = match.string, match.start(), match.end()
    if begin and new[0].isalnum() and new[0] != old[:1] and text[begin - 1].isalnum():
        new = f" {new}"
    if end < len(text) and new[-1].isalnum() and new[-1] != old[-1:] and parts_from(text[end]):
        new = f"{new} "
    return new


def any_of(words: Iterable[str]) -> str:
    """Return a pattern that matches any of the words, the longest first."""
    return "(?:" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + ")"
