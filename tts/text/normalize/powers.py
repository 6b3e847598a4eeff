"""Replaces raised and lowered digits, circled numbers and numerals of other scripts.

A raised digit is an exponent ("10⁴" becomes "10^4"), or the mark of a footnote after a year, a long
word or a full stop. NFKC would write it on the line, so that "10⁴" became "104".
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

from tts.text.normalize import wording
from tts.text.normalize.rules import Rule, rewrite

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾"
_ON_THE_LINE = str.maketrans(f"{_RAISED}₀₁₂₃₄₅₆₇₈₉", "0123456789+-=()0123456789")
_LETTER = "[^\\W\\d_⁰¹²³⁴-⁹]"
_EXPONENT = r"([⁺⁻]?[⁰¹²³⁴-⁹]{1,12})"
# Longer words have footnotes, not exponents.
_SHORT_BASES = frozenset("sin cos tan cot sec log min mol bar ohm gal dtex mile miles inch".split())
# These numbers of four digits are powers of two, not years.
_NO_YEARS = frozenset({"1024", "2048"})

_RULES: tuple[Rule, ...] = (
    # ⁵⁄₈
    (
        re.compile(r"([⁰¹²³⁴-⁹]{1,3})[⁄/∕]([₀-₉]{1,3})"),
        lambda m: f" {m[1]}/{m[2]} ".translate(_ON_THE_LINE),
    ),
    # Ⅻ, but "Henry Ⅷ" is for another rule
    (
        re.compile(r"(?<!\w )(?<!\w)[Ⅰ-Ⅻⅰ-ⅻ](?!\w)"),
        lambda m: str(int(unicodedata.numeric(m[0]))),
    ),
    # 1998⁵ and "there.³" have footnotes.
    (
        re.compile(rf"(?<![\d.,])(1[1-9]\d\d|20\d\d)([⁰¹²³⁴-⁹]{{1,2}})(?![{_RAISED}])"),
        lambda m: f"{m[1]}^{m[2]}" if m[1] in _NO_YEARS else f"{m[1]} ",
    ),
    (re.compile(r"(?<=[.,;:!?\"'”’…])[⁰¹²³⁴-⁹]{1,3}(?![⁰¹²³⁴-⁹\w])"), ""),
    # xⁿ, 2ⁿ⁺¹
    (
        re.compile(r"(?<=[\w)])(⁻?)([ⁿⁱˣ])(?:([⁺⁻])([⁰¹²³⁴-⁹]{1,9}))?(?![ʰ-ˠᴬ-ᶿ])"),
        lambda m: f"^{'-' if m[1] else ''}{'nix'['ⁿⁱˣ'.index(m[2])]} {_sum(m[3], m[4])}",
    ),
    # x², m³, sin², but a footnote after "apples³"
    (
        re.compile(rf"((?<!{_LETTER}){_LETTER}{{1,24}}){_EXPONENT}"),
        lambda m: f"{m[1]}^{m[2]}" if _is_base(m[1]) else f"{m[1]} ",
    ),
    (re.compile(rf"(?<=[\d)\]}}|Ωμ°])\^?{_EXPONENT}"), r"^\1"),
    # ²³⁵U
    (re.compile(r"(?<![\^⁺⁻⁰¹²³⁴-⁹])[⁰¹²³⁴-⁹]{1,12}"), r" \g<0> "),
    # SO₄ is a formula, not the word "so".
    (re.compile(r"(?<=[A-Z])(?=[A-Z][₀-₉])"), " "),
    # Two numbers in a row: ½5
    (re.compile(r"(?<=[¼-¾⅐-⅞⁰¹²³⁴-⁹₀-₉])(?=\d)"), " "),
    # log₂, 1011₂
    (re.compile(r"(?<=\blog)([₀-₉]{1,12})(?![₀-₉])(?= ?[\w(])"), r" base \1 of "),
    (re.compile(r"(?<=\d)[₀-₉]{1,12}"), r" base \g<0>"),
)
_POWERS: tuple[Rule, ...] = (
    (re.compile(r"\^(?:2|\(2\)|\{2\})(?!\d)"), " squared"),
    (re.compile(r"\^(?:3|\(3\)|\{3\})(?!\d)"), " cubed"),
    (
        re.compile(r"\^(\()?([-+]?)(\d{1,36})(?:\.(\d{1,36}))?(?(1)\))"),
        lambda m: _power(*m.groups()[1:]),
    ),
    (re.compile(r"(?<=[\w)])\^-(?=[a-z])"), " to the minus "),
    (re.compile(r"(?<=[\w)])\^(?=[\w(-])"), " to the "),
)


def fold_powers(text: str) -> str:
    """Write "10⁴" as "10^4" and "①" as " 1 "; footnotes of one raised number go."""
    text = rewrite(_RULES, text)
    return "".join(map(_numeral, text)).translate(_ON_THE_LINE)


def read_powers(text: str) -> str:
    """Write "x^2" as "x squared", and "10^4" as "10 to the fourth"."""
    return rewrite(_POWERS, text) if "^" in text else text


def spoken_power(written: str) -> str:
    """Write "10^8" in words, for a number in front of a unit."""
    base, caret, exponent = written.partition("^")
    return wording.number(base) + read_powers(caret + exponent)


def _sum(sign: str | None, number: str | None) -> str:
    """Return "plus 1" for the rest of the exponent n+1."""
    if not sign or not number:
        return ""
    return f"{'plus' if sign == '⁺' else 'minus'} {number.translate(_ON_THE_LINE)} "


def _is_base(word: str) -> bool:
    return len(word) <= 2 or word in _SHORT_BASES


def _power(sign: str, whole: str, decimals: str | None) -> str:
    if decimals:
        exponent = wording.number(f"{whole}.{decimals}")
    else:
        exponent = wording.whole(whole) if sign == "-" else wording.nth(whole)
    return f" to the {'minus ' if sign == '-' else ''}{exponent}"


def _numeral(char: str) -> str:
    """Write a numeral that is neither a digit nor a power with digits."""
    if char.isascii() or char in "²³¹":
        return char
    if not char.isnumeric():
        # "㏧" becomes "8日", which must not touch a number before it.
        compatible = unicodedata.normalize("NFKC", char)
        return f" {char}" if compatible != char and compatible[0].isdigit() else char
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    category = unicodedata.category(char)
    kind = unicodedata.decomposition(char).partition(" ")[0]
    # The Chinese numerals are letters, and the Roman ones become letters.
    if category == "Lo" or kind in {"<super>", "<sub>"} or (category == "Nl" and kind):
        return char
    if kind == "<fraction>" and char == "⅟":
        return " 1/"
    value = Fraction(unicodedata.numeric(char)).limit_denominator(1000)
    spelled = str(abs(value)) if value.denominator > 1 else str(abs(value.numerator))
    return f" {'-' if value < 0 else ''}{spelled}{' ' if kind != '<fraction>' else ''}"
