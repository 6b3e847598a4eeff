"""Writes out Roman numerals: "George III" is "the third", "Chapter III" is "three"."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.rules import Rule, any_of, rewrite

# After these words a numeral is a cardinal; after any other name it is an ordinal.
_COUNTED = any_of(
    "Act Appendix Article Book Canto Chapter Class Division Figure Grade Group Lesson Level Mark"
    " Model Number Ordinance Page Part Phase Plan Plate Psalm Round Saturn Scene Schedule Section"
    " Stage Step Super Bowl Table Title Type Unit Vol. Volume War Windows".split()
)
# A single letter is a numeral only after the name of a ruler.
_RULERS = any_of(
    "Albert Alexander Alfonso Benedict Boniface Catherine Charles Christian Clement Constantine"
    " Darius Edward Elizabeth Ferdinand Francis Frederick George Gregory Gustav Henry Innocent Ivan"
    " James John Joseph Julius Leo Leopold Louis Maximilian Napoleon Nicholas Otto Paul Peter"
    " Philip Pius Ramses Richard Robert Rudolf Selassie Urban Victor Wilhelm William Xerxes".split()
)
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_NUMERAL = r"[IVXLC]{1,12}"
_LOW_NUMERAL = r"[IVX]{1,6}"
_FULL_STOP = r"(?:\.(?= [a-z0-9(]|[,;:)]))?"

_RULES: tuple[Rule, ...] = (
    (
        re.compile(rf"\b({_COUNTED}),? ({_NUMERAL})\b(?!['.]\w)"),
        lambda m: _counted(m[1], m[2]) or m[0],
    ),
    (
        re.compile(rf"\b({_RULERS}) ({_LOW_NUMERAL}){_FULL_STOP}(?!\w)(?!['.]?[a-rt-z])"),
        lambda m: m[0] if _is_letter(m) else _ranked(m),
    ),
    (
        re.compile(rf"\b([A-Z][a-z]{{2,20}}) ([IVX]{{2,6}}){_FULL_STOP}(?!\w)"),
        lambda m: _ranked(m),
    ),
    # Chapter iv, part ii
    (
        re.compile(r"\b([Pp]art|[Cc]hapter|[Ss]cene|[Pp]age|[Vv]olume|[Ss]ection) ([ivx]{1,6})\b"),
        lambda m: _counted(m[1], m[2].upper()) or m[0],
    ),
)  # fmt: skip
# After a name, these show a pronoun ("when George I think") or an initial ("Robert I. Bouck").
_AFTER_LETTER = re.compile(
    r"\. [A-Z]|'(?:m|d|ll|ve)\b"
    r"| (?:am|was|have|had|will|would|shall|should|can|can't|could|do|don't|did|didn't)\b"
    r"| (?:think|know|want|say|said|told|saw|met|like|love|hate|need|hope|feel)\b"
)

_ANY = re.compile(r" (?:[IVXLC]|[ivx]{1,6}\b)")


def read_roman(text: str) -> str:
    """Write out Roman numerals after names and after words such as "Chapter"."""
    return rewrite(_RULES, text) if _ANY.search(text) else text


def roman_value(numeral: str) -> int:
    """Return the value of a well-formed Roman numeral below 400, or 0."""
    total = last = 0
    for letter in reversed(numeral):
        step = _VALUES[letter]
        total += -step if step < last else step
        last = max(last, step)
    return total if _written(total) == numeral else 0


def _written(number: int) -> str:
    spelled = ""
    for size, letters in (
        (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"),
        (1, "I"),
    ):  # fmt: skip
        count, number = divmod(max(number, 0), size)
        spelled += letters * count
    return spelled


def _is_letter(match: re.Match[str]) -> bool:
    single = len(match[2]) == 1 and not match[0].endswith(".")
    return single and _AFTER_LETTER.match(match.string, match.end()) is not None


def _counted(word: str, numeral: str) -> str:
    count = roman_value(numeral)
    return f"{word} {wording.whole(str(count))}" if count else ""


def _ranked(match: re.Match[str]) -> str:
    rank = roman_value(match[2])
    return f"{match[1]} the {wording.nth(str(rank))}" if rank else match[0]
