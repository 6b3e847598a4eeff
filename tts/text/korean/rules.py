"""Applies rewriting rules to Korean, whose particles stand directly after the words of a rule."""

from __future__ import annotations

from collections.abc import Sequence

from tts.text.normalize.rules import Rule, rewrite

#: Matches 1,234,567 or 1234567, at the beginning of a run of digits.
WHOLE = r"(?<![\d.,])(?:\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,60})"
#: Matches the same with decimals.
AMOUNT = rf"{WHOLE}(?:\.\d{{1,40}})?"
#: Matches what joins the two ends of a range.
TO = r" ?[~-] ?"


def rewrite_korean(rules: Sequence[Rule], text: str) -> str:
    """Apply rules to a text as :func:`tts.text.normalize.rules.rewrite` does, but for particles.

    Hangul directly after new words is a particle, and stays attached.
    """
    return rewrite(rules, text, _is_latin)


def _is_latin(character: str) -> bool:
    return character.isalnum() and character.isascii()
