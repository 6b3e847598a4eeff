"""Writes out signs that are words (&, @, #, %), and removes silent ones (quotes, asterisks)."""

from __future__ import annotations

import re

from tts.text.normalize.rules import Rule, rewrite

_RULES: tuple[Rule, ...] = (
    (re.compile(r"#(?=\d)"), "number "),
    (re.compile(r"~ ?(?=[\d$£€¥])"), "about "),
    (re.compile(r"(?<=\d) ?<= ?(?=\d)"), " is at most "),
    (re.compile(r"(?<=\w) < (?=\w)"), " is less than "),
    (re.compile(r"(?<=\w) > (?=\w)"), " is greater than "),
    (re.compile(r"(?<=\w) (?:->|=>|→) (?=\w)"), " to "),
    (re.compile(r"(?<=\d) ?[*] ?(?=\d)"), " times "),
    (re.compile(r"(?<=\d) / (?=\d)"), " divided by "),
    (re.compile(r"\^2(?!\d)"), " squared"),
    (re.compile(r"\^3(?!\d)"), " cubed"),
    (re.compile(r"\^(?=\d)"), " to the power of "),
    (re.compile(r"(?<=\d)\+"), " plus"),
)
_WORDS = {
    "&": "and",
    "@": "at",
    "%": "percent",
    "+": "plus",
    "=": "equals",
    "÷": "divided by",
    "±": "plus or minus",
    "°": "degrees",
    "§": "section",
    "¶": "paragraph",
    "#": "number",
    "$": "dollars",
    "£": "pounds",
    "€": "euros",
    "¥": "yen",
    "¢": "cents",
    "·": "",
    "•": "",
    "/": "",
    "\\": "",
    "|": "",
    "_": "",
    "*": "",
    "<": "",
    ">": "",
    "~": "",
    "`": "",
    "^": "",
}
_HASHTAG = re.compile(r"#(?=\w)")
_SIGN = re.compile("|".join(map(re.escape, _WORDS)))
_BRACKETS = str.maketrans({"[": "(", "]": ")", '"': ""})


def read_number_signs(text: str) -> str:
    """Write out signs that belong to a number, such as "#1" and "x^2"; the digits stay."""
    return rewrite(_RULES, text)


def read_signs(text: str) -> str:
    """Write out or remove every sign that the symbol table lacks."""
    text = _HASHTAG.sub("hashtag ", text)
    return _SIGN.sub(lambda match: f" {_WORDS[match[0]]} ", text).translate(_BRACKETS)
