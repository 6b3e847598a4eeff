"""Writes out money in the usual spellings of all currencies."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.currencies import AFTER, CODED, DOLLARS, LETTERED, SIGNED, SIGNS, Currency
from tts.text.normalize.rules import AMOUNT, WHOLE, Rule, any_of, rewrite
from tts.text.normalize.units import PER, per

_SCALES = {"k": "thousand", "m": "million", "mn": "million", "mm": "million", "mil": "million",
           "bn": "billion", "b": "billion", "t": "trillion", "tn": "trillion", "cr": "crore",
           "lakhs": "lakh", "crores": "crore"}  # fmt: skip
_WORDS = "hundred thousand million billion trillion lakhs? crores?".replace(" ", "|")
_SHORT = any_of([*_SCALES, *map(str.upper, _SCALES), *map(str.capitalize, _SCALES)])
_SCALE = rf"(?: ?({_WORDS})\b| ?({_SHORT})\b(?![.']\w))?"
_BEFORE = rf"((?<![A-Za-z])(?:{any_of(LETTERED)})|[{SIGNS}])"
_CODE = any_of(CODED)
# Words after which a sum of money is no adjective: "$100-million in cash".
_NO_NOUNS = r"(?! (?:in|of|for|to|and|or|on|by|from|at|a|per|is|was|with|into|as|over|than|but)\b)"

_ANY = re.compile(
    rf"[{SIGNS}¢]|(?<![A-Za-z])(?:{_CODE})(?![A-Za-z])|\dp\b"
    rf"|\d ?(?:{any_of(AFTER)})\b|\b(?:R[spMe]\.?|Kč|kr\.?|SFr\.?) ?\d"
)
_RULES: tuple[Rule, ...] = (
    (re.compile(r"\b(Rs|Re|kr|SFr)\.(?=\d)"), r"\1. "),
    # $5-10 and $5-$10 are ranges.
    (
        re.compile(
            rf"{_BEFORE} ?({AMOUNT}){_SCALE} ?- ?(?:{_BEFORE} ?)?({AMOUNT}){_SCALE}"
            rf"(?![\w-]){PER}?"
        ),
        lambda m: _range(m) or m[0],
    ),
    # a $100-million deal
    (
        re.compile(
            rf"{_BEFORE} ?({AMOUNT})(?:-({_WORDS})| ({_WORDS})-(?:dollar|pound|euro))"
            rf"(?:-(?:dollar|pound|euro))?(?=[ -][a-z]){_NO_NOUNS}"
        ),
        lambda m: f"{_quantity(m[2], m[3] or m[4])} {_currency(m[1]).one}",
    ),
    (re.compile(rf"(?<=[\d])-(?=(?:{_WORDS})\b)"), " "),
    (
        # "a twenty dollar bill" has the singular.
        re.compile(
            rf"\b([Aa]n?) {_BEFORE}({WHOLE}|{AMOUNT}(?= ?[a-z])){_SCALE}(?=[ -][a-z])(?!\.\d)"
        ),
        lambda m: f"{m[1]} {_quantity(m[3], m[4], m[5])} {_currency(m[2]).one}",
    ),
    (
        re.compile(
            rf"(-?){_BEFORE} ?(-?)({AMOUNT}){_SCALE}"
            rf"(?: ?({any_of(DOLLARS)}|{_CODE})\b|p\b)?{PER}?"
        ),
        lambda m: _signed(m),
    ),
    (
        re.compile(rf"\b({_CODE}) ?({AMOUNT}){_SCALE}"),
        lambda m: _amount(CODED[m[1]], m[2], m[3], m[4]),
    ),
    (
        re.compile(rf"({AMOUNT}){_SCALE} ?(?:({_CODE}|{any_of(AFTER)})\b|([{SIGNS}])(?!\d)){PER}?"),
        lambda m: _amount(_currency(m[4] or m[5]), m[1], m[2], m[3]) + per(m[6], of_money=True),
    ),
    (
        re.compile(rf"({AMOUNT}) ?¢{PER}?|¢ ?({AMOUNT})"),
        lambda m: _count(m[1] or m[3], "cent", "cents") + per(m[2], of_money=True),
    ),
    (re.compile(r"(?<![\d.,])(\d\d?)p\b(?![.']\w)"), lambda m: _count(m[1], "penny", "pence")),
    # a £20-a-night hotel
    (
        re.compile(
            r"(?<=[a-z])( (?:dollars?|pounds?|euros?|yen|cents?|pence|rupees?|francs?))"
            r"-(an?|per)-(?=[a-z])"
        ),
        r"\1 \2 ",
    ),
)


def read_money(text: str) -> str:
    """Write "£1,200.50" as "one thousand, two hundred pounds, fifty pence"."""
    return rewrite(_RULES, text) if _ANY.search(text) else text


def _currency(sign: str) -> Currency:
    for table in (SIGNED, LETTERED, AFTER, CODED):
        if sign in table:
            return table[sign]
    raise KeyError(sign)


def _signed(match: re.Match[str]) -> str:
    minus, sign, inner_minus, run, scale, short, code, after = match.groups()
    currency = _currency(sign)
    rest = ""
    if code and currency is SIGNED["$"] and code in DOLLARS:
        currency = DOLLARS[code]
    elif code and _currency(code) != currency:
        rest = f" {code}"
    sum_of_money = _amount(currency, run, scale, short) + rest
    spoken = f"{'minus ' if minus or inner_minus else ''}{sum_of_money}"
    return spoken + per(after, of_money=True)


def _quantity(run: str, scale: str | None, short: str | None = None) -> str:
    scale = scale or short
    if not scale:
        return wording.number(run)
    return f"{wording.number(run)} {_SCALES.get(scale.lower(), scale)}"


def _amount(currency: Currency, run: str, scale: str | None, short: str | None) -> str:
    if scale or short:
        return f"{_quantity(run, scale, short)} {currency.many}"
    whole, dot, cents = run.partition(".")
    if dot and (len(cents) != 2 or not currency.small_one):
        return f"{wording.number(run)} {currency.many}"
    parts = []
    if whole.strip("0,") or not cents.strip("0"):
        parts.append(_count(whole or "0", currency.one, currency.many))
    if cents.strip("0"):
        parts.append(_count(cents.lstrip("0"), currency.small_one, currency.small_many))
    return ", ".join(parts)


def _count(run: str, one: str, many: str) -> str:
    return f"{wording.number(run)} {one if wording.is_one(run) else many}"


def _range(match: re.Match[str]) -> str:
    sign, low, scale, short, other, high, high_scale, high_short, after = match.groups()
    if other and _currency(other) != _currency(sign):
        return ""
    scale, high_scale = scale or short, high_scale or high_short
    if scale and not high_scale:
        return ""
    same = not scale or scale == high_scale
    spoken = wording.number(low) if same else _quantity(low, scale)
    upper = _amount(_currency(sign), high, high_scale, None)
    return f"{spoken} to {upper}{per(after, of_money=True)}"
