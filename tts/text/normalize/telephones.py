"""Writes out telephone numbers digit by digit, with a comma between the groups."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.rules import Rule, rewrite

_RULES: tuple[Rule, ...] = (
    # +44 20 7946 0958
    (
        re.compile(r"(?<![\w+])\+(\d{1,3}(?:[ .-]?\(?\d{2,4}\)?){2,5})(?![\d-])"),
        lambda m: f"plus {_groups(m[1])}",
    ),
    # 1-800-555-0199, (555) 123-4567, 555.123.4567
    (
        re.compile(r"(?<![\d.,$(-])(?:1[-. ])?\(?\d{3}\)?[-. ]{1,2}\d{3}[-.]\d{4}(?![\d-])"),
        lambda m: _groups(m[0]),
    ),
    (re.compile(r"\(\d{3}\) ?\d{3}[-. ]\d{4}(?![\d-])"), lambda m: _groups(m[0])),
    (re.compile(r"(?<![\d.,$-])\d{3}-\d{4}(?![\d-])"), lambda m: _groups(m[0])),
    # "call 911", and other numbers of three digits after "call" or "dial".
    (
        re.compile(r"\b([Cc]all(?:ed)?|[Dd]ial(?:led|ed)?) (\d{3})\b(?![\d,.]*\d| [a-z])"),
        lambda m: f"{m[1]} {wording.digits(m[2])}",
    ),
)


def read_telephones(text: str) -> str:
    """Write "555-0199" as "five five five, zero one nine nine"."""
    return rewrite(_RULES, text)


def _groups(number: str) -> str:
    return ", ".join(wording.digits(group) for group in re.findall(r"\d+", number))
