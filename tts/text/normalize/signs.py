"""Writes out signs that are words (&, @, #, %, π), and removes silent ones (quotes, asterisks)."""

from __future__ import annotations

import functools
import re
import unicodedata

from tts.text.cleaners import transliterate
from tts.text.normalize.currencies import SIGNED
from tts.text.normalize.powers import read_powers
from tts.text.normalize.rules import Rule, rewrite

_RULES: tuple[Rule, ...] = (
    (re.compile(r"# ?(?=\d)"), "number "),
    (re.compile(r"(?<=\d) ?[*] ?(?=\d)"), " times "),
    (re.compile(r"(?<=\d) / (?=\d)"), " divided by "),
    (re.compile(r"(?<=\d) ?[·⋅∙] ?(?=\d)"), " times "),
    (re.compile(r"(?<=\d)\+"), " plus"),
    (re.compile(r"(?<=\d)/(?=\w)|(?<=\w)/(?=\d)"), " slash "),
)
_ROOTS = {"√": "square", "∛": "cube", "∜": "fourth"}
_OTHERS: tuple[Rule, ...] = (
    # √2, but "the √" alone
    (re.compile(r"[√∛∜](?=\s?[\w(])"), lambda m: f" the {_ROOTS[m[0]]} root of "),
    (re.compile(r"(?<=\w)\"{1,20}(?=\w)"), " "),
)
_WORDS = {
    "&": "and",
    "@": "at",
    "%": "percent",
    "+": "plus",
    "=": "equals",
    "÷": "divided by",
    "×": "times",
    "±": "plus or minus",
    "∓": "minus or plus",
    "°": "degrees",
    "§": "section",
    "¶": "paragraph",
    "#": "number",
    "‰": "per mille",
    "‱": "per ten thousand",
    "¢": "cents",
    "·": "",
    "•": "",
    "/": "",
    "\\": "",
    "|": "",
    "_": "",
    "*": "",
    "<": "less than",
    ">": "greater than",
    "~": "tilde",
    "`": "",
    "^": "caret",
    "√": "square root",
    "∛": "cube root",
    "∜": "fourth root",
    "∞": "infinity",
    "∑": "the sum of",
    "∏": "the product of",
    "∫": "the integral of",
    "∂": "partial",
    "∇": "del",
    "∆": "delta",
    "∈": "is in",
    "∉": "is not in",
    "∪": "union",
    "∩": "intersection",
    "⊂": "is a subset of",
    "⊆": "is a subset of",
    "⊃": "is a superset of",
    "∅": "the empty set",
    "∀": "for all",
    "∃": "there is",
    "∄": "there is no",
    "∴": "therefore",
    "∵": "because",
    "∧": "and",
    "∨": "or",
    "¬": "not",
    "∝": "is proportional to",
    "∼": "tilde",
    "≤": "is at most",
    "≥": "is at least",
    "≠": "is not",
    "≈": "is about",
    "≡": "is equivalent to",
    "∥": "is parallel to",
    "⊥": "is perpendicular to",
    "∠": "angle",
    "→": "to",
    "←": "from",
    "↔": "to and from",
    "⇒": "implies",
    "⇔": "if and only if",
    "↑": "up",
    "↓": "down",
    "∘": "of",
    "′": "prime",
    "♯": "sharp",
    "♭": "flat",
} | {sign: currency.many for sign, currency in SIGNED.items()}
_HASHTAG = re.compile(r"#(?=\w)")
_SIGN = re.compile("|".join(map(re.escape, _WORDS)))
_BRACKETS = str.maketrans({"[": "(", "]": ")", '"': ""})
# Words of Unicode's names that nobody says.
_NOT_SAID = frozenset("sign mark symbol operator with and combining small fullwidth".split())


def read_number_signs(text: str) -> str:
    """Write out signs that belong to a number, such as "#1" and "x^2"; the digits stay."""
    return rewrite(_RULES, read_powers(text))


def read_signs(text: str) -> str:
    """Write out or remove every sign that the symbol table lacks."""
    text = _HASHTAG.sub(" hashtag ", rewrite(_OTHERS, read_powers(text)))
    text = _SIGN.sub(lambda match: f" {_WORDS[match[0]]} ", text).translate(_BRACKETS)
    if text.isascii():
        return text
    return "".join(char if char.isalnum() or char.isascii() else _other(char) for char in text)


@functools.cache
def _other(char: str) -> str:
    """Name a mathematical sign or currency by Unicode's name; transliterate other signs."""
    if unicodedata.category(char) in {"Sm", "Sc"}:
        words = unicodedata.name(char, "").lower().replace("-", " ").split()
        return f" {' '.join(word for word in words if word not in _NOT_SAID)} "
    spelled = transliterate(char)
    if not spelled and not unicodedata.combining(char):
        # A sign that nobody says must not glue the words beside it.
        return " "
    return f" {spelled} " if any(map(str.isalnum, spelled)) else spelled
