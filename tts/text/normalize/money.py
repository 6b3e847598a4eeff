"""Writes out money in dollars, pounds, euros and yen, in any of the usual spellings."""

from __future__ import annotations

import re
from typing import NamedTuple

from tts.text.normalize import wording
from tts.text.normalize.rules import AMOUNT, WHOLE, Rule, any_of, rewrite


class _Currency(NamedTuple):
    one: str
    many: str
    small_one: str = ""
    small_many: str = ""


_DOLLAR = _Currency("dollar", "dollars", "cent", "cents")
_POUND = _Currency("pound", "pounds", "penny", "pence")
_EURO = _Currency("euro", "euros", "cent", "cents")
_YEN = _Currency("yen", "yen")
_CURRENCIES = {
    "$": _DOLLAR, "£": _POUND, "€": _EURO, "¥": _YEN,
    "USD": _DOLLAR, "GBP": _POUND, "EUR": _EURO, "JPY": _YEN,
}  # fmt: skip
_COUNTRIES = {
    "US": "US", "A": "Australian", "AU": "Australian", "C": "Canadian", "CA": "Canadian",
    "NZ": "New Zealand", "HK": "Hong Kong",
}  # fmt: skip
_SCALES = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "b": "billion",
           "tn": "trillion"}  # fmt: skip
_SCALE = rf"(?: ?(hundred|thousand|million|billion|trillion)\b|({any_of(_SCALES)}|K|M|B)\b)?"
_SIGN = r"([$£€¥])"
_CODE = r"(USD|GBP|EUR|JPY)"

_ANY = re.compile(rf"[$£€¥¢]|{_CODE}|\dp\b")
_RULES: tuple[Rule, ...] = (
    # $5-10 and $5-$10 are ranges.
    (
        re.compile(rf"{_SIGN}({AMOUNT}) ?- ?[$£€¥]?({AMOUNT}){_SCALE}(?![\w-])"),
        lambda m: _range(*m.groups()),
    ),
    (
        # "a twenty dollar bill" has the singular.
        re.compile(
            rf"\b([Aa]n?) {_SIGN}({WHOLE}|{AMOUNT}(?= ?[a-z])){_SCALE}(?=[ -][a-z])(?!\.\d)"
        ),
        lambda m: f"{m[1]} {_quantity(m[3], m[4], m[5])} {_CURRENCIES[m[2]].one}",
    ),
    (
        re.compile(rf"(-?)(?:\b({any_of(_COUNTRIES)}))?{_SIGN} ?({AMOUNT}){_SCALE}"),
        lambda m: _minus(m[1]) + _amount(m[3], m[4], m[5], m[6], country=_country(m[2])),
    ),
    (re.compile(rf"\b{_CODE} ?({AMOUNT}){_SCALE}"), lambda m: _amount(*m.groups())),
    (
        re.compile(rf"({AMOUNT}){_SCALE} ?(?:{_CODE}\b|{_SIGN}(?!\d))"),
        lambda m: _amount(m[4] or m[5], m[1], m[2], m[3]),
    ),
    (re.compile(rf"({AMOUNT}) ?¢"), lambda m: _count(m[1], "cent", "cents")),
    (re.compile(r"(?<![\d.,])(\d\d?)p\b(?![.']\w)"), lambda m: _count(m[1], "penny", "pence")),
)


def read_money(text: str) -> str:
    """Write "£1,200.50" as "one thousand, two hundred pounds, fifty pence"."""
    return rewrite(_RULES, text) if _ANY.search(text) else text


def _minus(sign: str) -> str:
    return "minus " if sign else ""


def _country(code: str | None) -> str:
    return f"{_COUNTRIES[code]} " if code else ""


def _quantity(run: str, scale: str | None, short: str | None) -> str:
    scale = scale or (_SCALES[short.lower()] if short else None)
    return f"{wording.number(run)} {scale}" if scale else wording.number(run)


def _amount(sign: str, run: str, scale: str | None, short: str | None, country: str = "") -> str:
    currency = _CURRENCIES[sign]
    currency = currency._replace(one=country + currency.one, many=country + currency.many)
    if scale or short:
        return f"{_quantity(run, scale, short)} {currency.many}"
    whole, dot, cents = run.partition(".")
    if dot and len(cents) != 2:
        return f"{wording.number(run)} {currency.many}"
    parts = []
    if whole.strip("0,") or not cents.strip("0"):
        parts.append(_count(whole or "0", currency.one, currency.many))
    if cents.strip("0"):
        parts.append(_count(cents.lstrip("0"), currency.small_one, currency.small_many))
    return ", ".join(parts)


def _count(run: str, one: str, many: str) -> str:
    return f"{wording.number(run)} {one if wording.is_one(run) else many}"


def _range(sign: str, low: str, high: str, scale: str | None, short: str | None) -> str:
    return f"{wording.number(low)} to {_amount(sign, high, scale, short)}"
