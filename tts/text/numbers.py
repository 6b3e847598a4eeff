"""Writes numbers in English words, with the wording that published Tacotron 2 checkpoints learned.

That wording is the one of the ``inflect`` package, which takes seconds to import; ``num2words``
uses another one ("one thousand, nine hundred and eighty-four"). The few rules below produce the
words of inflect at once: commas between thousands, no "and" in a cardinal, "and" in an ordinal,
years in pairs. They keep its faults, too: 2,500 people are "twenty-five hundred" and $3.5 is "three
dollars, five cents".
"""

from __future__ import annotations

import re

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = (
    "- thousand million billion trillion quadrillion quintillion sextillion septillion octillion "
    "nonillion decillion"
).split()
_IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
# Each scale has three digits; a longer number has no name and is read digit by digit.
_MAX_DIGITS = 3 * len(_SCALES)

# Where a run of digits may not fit, a pattern begins only at the start of the run. If it began at
# every digit, the time would grow with the square of the run's length.
_WITH_COMMAS = re.compile(r"\d[\d,]+\d", re.ASCII)
_DOLLARS = re.compile(r"\$([\d.,]*\d)", re.ASCII)
_DECIMAL = re.compile(r"(?<!\d)(\d+)\.(\d+)", re.ASCII)
_ORDINAL = re.compile(r"(?<!\d)(\d+)(?:st|nd|rd|th)", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)


def cardinal(number: int, joint: str = " ") -> str:
    """Write a whole number below 10**36 in words: ``1234`` is "one thousand, two hundred …".

    Args:
        number: not negative.
        joint: stands between the hundreds and the rest; " and " for "one hundred and one".
    """
    if number < 1000:
        return _below_thousand(number, joint)
    groups = []
    rest, scale = number, 0
    while rest:
        rest, group = divmod(rest, 1000)
        if group and scale:
            groups.append(f"{_below_thousand(group, joint)} {_SCALES[scale]}")
        scale += 1
    words, last = ", ".join(reversed(groups)), number % 1000
    if last == 0:
        return words
    # "one thousand one", but "one thousand, one hundred"
    return f"{words}{joint if last < 100 else ', '}{_below_thousand(last, joint)}"


def ordinal(number: int) -> str:
    """Write the ordinal of a whole number below 10**36: ``101`` is "one hundred and first"."""
    return _to_ordinal(cardinal(number, joint=" and "))


def year(number: int) -> str:
    """Read 1001 to 2999 as a year: "nineteen eighty-four", "nineteen oh five", "two thousand"."""
    century, rest = divmod(number, 100)
    if number == 2000 or 2000 < number < 2010:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def expand_numbers(text: str) -> str:
    """Replace every run of digits in a lower-case ASCII text by words.

    First the commas inside numbers are removed; then dollars, decimal points, ordinals and plain
    numbers are replaced. A decimal fraction is read as a number ("three point fourteen"), as in the
    reference front end.
    """
    text = _WITH_COMMAS.sub(lambda match: match[0].replace(",", ""), text)
    text = _DOLLARS.sub(lambda match: _dollars(match[1]), text)
    text = _DECIMAL.sub(r"\1 point \2", text)
    text = _ORDINAL.sub(lambda match: _ordinal_of(match[1]), text)
    return _NUMBER.sub(lambda match: _words_of(match[0]), text)


def _below_thousand(number: int, joint: str) -> str:
    hundreds, rest = divmod(number, 100)
    if hundreds and rest:
        return f"{_ONES[hundreds]} hundred{joint}{_below_hundred(rest)}"
    return f"{_ONES[hundreds]} hundred" if hundreds else _below_hundred(rest)


def _below_hundred(number: int) -> str:
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]


def _to_ordinal(words: str) -> str:
    start = max(words.rfind(" "), words.rfind("-")) + 1
    stem, last = words[:start], words[start:]
    if last in _IRREGULAR_ORDINALS:
        return stem + _IRREGULAR_ORDINALS[last]
    return f"{stem}{last[:-1]}ieth" if last.endswith("y") else f"{stem}{last}th"


def _words_of(digits: str) -> str:
    digits = digits.lstrip("0") or "0"
    if len(digits) > _MAX_DIGITS:
        return " ".join(_ONES[int(digit)] for digit in digits)
    number = int(digits)
    return year(number) if 1000 < number < 3000 else cardinal(number)


def _ordinal_of(digits: str) -> str:
    digits = digits.lstrip("0") or "0"
    return _to_ordinal(_words_of(digits)) if len(digits) > _MAX_DIGITS else ordinal(int(digits))


def _dollars(amount: str) -> str:
    """Add the names of the units; the next rules replace the digits."""
    parts = amount.replace(",", "").split(".")
    if len(parts) > 2:  # The text is a version or an address, not money.
        return f"{amount} dollars"
    dollars, cents = (part.lstrip("0") for part in [*parts, ""][:2])
    named = [
        f"{count} {unit if count == '1' else unit + 's'}"
        for count, unit in ((dollars, "dollar"), (cents, "cent"))
        if count
    ]
    return ", ".join(named) or "zero dollars"
