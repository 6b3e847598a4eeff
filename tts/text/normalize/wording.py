"""Writes digits in words, in each of the ways in which English reads a number.

The words come from ``tts.text.numbers``, with the wording of LJ Speech and of the published
checkpoints ("six thousand, four hundred thirty-nine"). num2words has another wording ("and
thirty-nine"), and inflect takes seconds to import.
"""

from __future__ import annotations

from tts.text.numbers import cardinal, ordinal
from tts.text.numbers import year as four_digit_year

_DIGITS = "zero one two three four five six seven eight nine".split()
#: Stands for the letter A until the text is written: "a" alone would be the article. Unicode folds
#: this sign to "a", so no text that the rules see contains it.
LETTER_A = "\u00aa"
# cardinal() has names for numbers below 10**36.
_MAX_DIGITS = 36


def digits(run: str) -> str:
    """Write a number digit by digit: "2915" becomes "two nine one five"."""
    return " ".join(_DIGITS[int(digit)] for digit in run if digit.isdigit())


def whole(run: str) -> str:
    """Write a whole number: "1,300" is "one thousand, three hundred"; "007" is digit by digit."""
    run = run.replace(",", "")
    if len(run) > _MAX_DIGITS or (len(run) > 1 and run[0] == "0"):
        return digits(run)
    return cardinal(int(run))


def number(run: str) -> str:
    """Write a number with or without decimals: "6.75" is "six point seven five"."""
    before, *after = run.split(".")
    # The parts of a version are whole numbers; a decimal fraction is read digit by digit.
    spoken = [*map(whole if len(after) > 1 else digits, after)]
    return " point ".join([whole(before) if before else "", *spoken]).lstrip()


def nth(run: str) -> str:
    """Write an ordinal: "22" becomes "twenty-second"."""
    run = run.replace(",", "").lstrip("0") or "0"
    if len(run) > _MAX_DIGITS:
        return f"{digits(run[:-1])} {ordinal(int(run[-1]))}"
    return ordinal(int(run))


def pairs(run: str) -> str:
    """Write three or four digits like a year or house number: "602" is "six oh two"."""
    value = int(run)
    if value < 100 or len(run) > 4:
        return whole(run)
    if value % 1000 == 0:
        return cardinal(value)
    if 1000 < value < 3000:
        return four_digit_year(value)
    head, tail = divmod(value, 100)
    if tail == 0:
        return f"{cardinal(head)} hundred"
    return f"{cardinal(head)} {'oh ' if tail < 10 else ''}{cardinal(tail)}"


def is_one(run: str) -> bool:
    """Return whether the noun after a number is singular."""
    return run == "1"


def spell(letters: str) -> str:
    """Write letters one by one: "FBI" becomes "f b i"; other characters are left out."""
    return " ".join(LETTER_A if c in "aA" else c.lower() for c in letters if c.isalpha())
