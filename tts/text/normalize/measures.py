"""Writes out fractions, percentages, temperatures and units of measure."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.rules import AMOUNT, Rule, rewrite

# Symbol -> singular, plural.
_UNITS = {
    symbol: (one, many)
    for symbols, one, many in (
        ("kg", "kilogram", "kilograms"),
        ("g", "gram", "grams"),
        ("mg", "milligram", "milligrams"),
        ("km", "kilometer", "kilometers"),
        ("m", "meter", "meters"),
        ("cm", "centimeter", "centimeters"),
        ("mm", "millimeter", "millimeters"),
        ("mi", "mile", "miles"),
        ("yd yds", "yard", "yards"),
        ("ft", "foot", "feet"),
        ("lb lbs", "pound", "pounds"),
        ("oz", "ounce", "ounces"),
        ("L", "liter", "liters"),
        ("ml mL", "milliliter", "milliliters"),
        ("mph", "mile per hour", "miles per hour"),
        ("km/h kph", "kilometer per hour", "kilometers per hour"),
        ("m/s", "meter per second", "meters per second"),
        ("m^2 m2", "square meter", "square meters"),
        ("km^2 km2", "square kilometer", "square kilometers"),
        ("m^3 m3", "cubic meter", "cubic meters"),
        ("ms", "millisecond", "milliseconds"),
        ("s sec secs", "second", "seconds"),
        ("min mins", "minute", "minutes"),
        ("h hr hrs", "hour", "hours"),
        ("Hz", "hertz", "hertz"),
        ("kHz", "kilohertz", "kilohertz"),
        ("MHz", "megahertz", "megahertz"),
        ("GHz", "gigahertz", "gigahertz"),
        ("V", "volt", "volts"),
        ("W", "watt", "watts"),
        ("kW", "kilowatt", "kilowatts"),
        ("MW", "megawatt", "megawatts"),
        ("kWh", "kilowatt hour", "kilowatt hours"),
        ("dB", "decibel", "decibels"),
        ("kB KB", "kilobyte", "kilobytes"),
        ("MB", "megabyte", "megabytes"),
        ("GB", "gigabyte", "gigabytes"),
        ("TB", "terabyte", "terabytes"),
        ("kcal", "kilocalorie", "kilocalories"),
    )
    for symbol in symbols.split()
}
# Units that may have a full stop, which does not end the sentence.
_DOTTED = frozenset("ft lb lbs oz yd yds sec secs min mins hr hrs mi".split())
_SCALES = {"C": " celsius", "F": " fahrenheit", "": ""}
_NAMED = {("1", "2"): "one half", ("24", "7"): "twenty-four seven", ("9", "11"): "nine eleven"}
_DENOMINATORS = {"2": "half", "4": "quarter"}

_NUMBER = rf"(?:(?<![\w.,)])(-))?({AMOUNT})"
_FRACTIONS: tuple[Rule, ...] = (
    (
        re.compile(r"(?<![\d/.,])(\d{1,4})[ -](\d{1,3})/(\d{1,3})(?![\d/])"),
        lambda m: _mixed(*m.groups()) or m[0],
    ),
    (
        re.compile(r"(?<![\d/.,])(\d{1,3})/(\d{1,3})(?![\d/])"),
        lambda m: _fraction(m[1], m[2]) or m[0],
    ),
)
_RULES: tuple[Rule, ...] = (
    # 5'10"
    (
        re.compile(r"\b(\d)'(\d\d?)\""),
        lambda m: f"{wording.whole(m[1])} foot {wording.whole(m[2])}",
    ),
    (re.compile(rf"{_NUMBER} ?%"), lambda m: f"{_signed(m[1], m[2])} percent"),
    (
        re.compile(rf"{_NUMBER} ?°(?: ?([CF])\b)?"),
        lambda m: f"{_signed(m[1], m[2])} {_degrees(m[2])}{_SCALES[m[3] or '']}",
    ),
    (re.compile(rf"({AMOUNT}) ?sq\.? ?(ft|m|km|mi)\b\.?"), lambda m: _square(m[1], m[2])),
    (
        re.compile(
            rf"(\b[Aa]n? )?{_NUMBER} ?([A-Za-z]{{1,4}}(?:\^?[23]\b|/[hs]\b)?)(?![\w^/'])"
            r"(\.(?= [a-z0-9]|[,;:)]))?"
        ),
        lambda m: _measure(m) or m[0],
    ),
)


def read_measures(text: str) -> str:
    """Write "50%" as "fifty percent" and "-5°C" as "minus five degrees celsius"."""
    return rewrite(_RULES, rewrite(_FRACTIONS, text) if "/" in text else text)


def _signed(minus: str | None, run: str) -> str:
    return f"{'minus ' if minus else ''}{wording.number(run)}"


def _degrees(run: str) -> str:
    return "degree" if wording.is_one(run) else "degrees"


def _measure(match: re.Match[str]) -> str:
    article, minus, run, symbol, stop = match.groups()
    if symbol not in _UNITS:
        return ""
    one, many = _UNITS[symbol]
    # "a five pound bag" has the singular.
    attributed = article and re.match(" [a-z]", match.string[match.end() : match.end() + 2])
    name = one if attributed or wording.is_one(run) else many
    return f"{article or ''}{_signed(minus, run)} {name}{'' if symbol in _DOTTED else stop or ''}"


def _square(run: str, symbol: str) -> str:
    one, many = _UNITS[symbol]
    return f"{wording.number(run)} square {one if wording.is_one(run) else many}"


def _fraction(above: str, below: str) -> str:
    if (above, below) in _NAMED:
        return _NAMED[above, below]
    if not 0 < int(above) < int(below):
        return ""
    part = _DENOMINATORS.get(below) or wording.nth(below)
    if above == "1":
        return f"one {part}"
    return f"{wording.whole(above)} {'halves' if part == 'half' else part + 's'}"


def _mixed(whole: str, above: str, below: str) -> str:
    if not 0 < int(above) < int(below):
        return ""
    part = _fraction(above, below).replace("one half", "a half")
    return f"{wording.whole(whole)} and {part.replace('one quarter', 'a quarter')}"
