"""Applies rewriting rules to Korean, whose particles stand directly after the words of a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

KoreanRule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

#: Matches 1,234,567 or 1234567, at the beginning of a run of digits.
WHOLE = r"(?<![\d.,])(?:\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,60})"
#: Matches the same with decimals.
AMOUNT = rf"{WHOLE}(?:\.\d{{1,40}})?"
#: Matches what joins the two ends of a range.
TO = r" ?[~-] ?"


def rewrite_korean(rules: Sequence[KoreanRule], text: str) -> str:
    """Apply rules to a text, one after the other.

    New words get a space before them where a letter or digit stands, and after them where a Latin
    letter or digit stands. Hangul directly after them is a particle and stays attached.
    """
    for pattern, spoken in rules:
        text = pattern.sub(partial(_replacement, spoken), text)
    return text


def _replacement(spoken: str | Callable[[re.Match[str]], str], match: re.Match[str]) -> str:
    new = match.expand(spoken) if isinstance(spoken, str) else spoken(match)
    old = match[0]
    if new == old or not new:
        return new
    text, begin, end = match.string, match.start(), match.end()
    if begin and new[0].isalnum() and new[0] != old[:1] and text[begin - 1].isalnum():
        new = f" {new}"
    after = text[end : end + 1]
    if after.isalnum() and after.isascii() and new[-1].isalnum() and new[-1] != old[-1]:
        new = f"{new} "
    return new
