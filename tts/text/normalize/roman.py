"""Writes out Roman numerals: "George III" is "the third", "Chapter III" is "three".

After words that are counted (Chapter, World War) and after most names (Rocky, Apollo) a numeral is
a cardinal. After the names of rulers and of other persons it is an ordinal. A single letter is a
numeral only after the words for which that is usual: "Model X" and "Figure C" are letters.
"""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.names import GIVEN_NAMES, RULERS, TITLES_OF_RULERS
from tts.text.normalize.rules import Rule, any_of, rewrite


def _also_in_capitals(words: str) -> str:
    names = words.split()
    return any_of([*names, *(name.upper() for name in names)])


# After these a single I, V or X is a numeral, too.
_PARTS = _also_in_capitals(
    "Act Acts Amendment Annex Appendix Apollo Article Articles Book Books Bowl Canto"
    " Chapter Chapters"
    " Episode Episodes Figure Figures Gemini Lesson Lessons Mark Number Olympiad"
    " Ordinance Page Pages Part"
    " Parts Phase Phases Plate Plates Psalm Round Rounds Saturn Scene Scenes Schedule"
    " Season Seasons Section"
    " Sections Stage Stages Step Steps Symphony Table Tables Tier Tiers Title Titles"
    " Volume Volumes War Wars"
)
# After these a single I or V is a numeral, and X is a letter: "Type II", "Class X".
_KINDS = _also_in_capitals(
    "Category Class Classes Division Divisions Grade Grades Group Groups Item Items"
    " Level Levels Rank"
    " Room Type Types Unit Units Version Versions Zone Zones"
)
# After these every single letter is a letter.
_WHOLES = _also_in_capitals(
    "Model Plan Windows Exhibit Option Vitamin Generation Gen Planet Product"
)
_SHORT = (
    r"(?:[Vv]ols?|[Cc]haps?|[Cc]h|[Bb]ks?|[Pp]ts?|[Ss]ec|[Aa]rts?|[Nn]os?|[Ff]igs?"
    r"|[Tt]ab|[Pp]p?|[Aa]pp|[Ss]c"
    r"|[Mm]k|[Ee]ps?)\. ?|(?:VOL|CHAP|CH|BK|PT|SEC|ART|NO|FIG)\. ?"
)
_LOW_WORDS = (
    r"\b((?:[Pp]art|[Cc]hapter|[Ss]cene|[Pp]age|[Vv]olume|[Ss]ection|[Aa]ct|[Bb]ook"
    r"|[Aa]ppendix|[Tt]ype"
    r"|[Pp]hase|[Cc]lass|[Gg]rade|[Ss]tage)s? |[Pp]p?\. ?|[Vv]ols?\. ?|[Cc]h\. ?|[Pp]ts?\. ?)"
)
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_FULL_STOP = r"(?:\.(?= [a-z0-9(]|[,;:)]))?"
_END = r"(?!\w|\.\w|'(?!s\b)\w)"
_AND = r"(?:, and |, | and | or | to | & |-|--)"
_MORE = rf"((?:{_AND}(?:[IVXLC]{{2,7}}|[VX])(?![\w'])){{0,6}})"
_LOW_MORE = rf"((?:{_AND}(?:[ivxlc]{{2,7}}|[vx])(?![\w'])){{0,6}})"
# These words in front are not a name; an IV is then a drip.
_NO_NAMES = frozenset(
    "a after all an and any as at be before by each every for from get give given had"
    " has have her his i if in"
    " inserting into is it its my no not of on or our per put receive remove she some start started"
    " stop that the their then this through to took under using via was we were what"
    " when where while"
    " with without you your".split()
)
_DRIP = re.compile(
    r"[ -](?:access|antibiotic|bag|bolus|cannula|catheter|contrast|dose|drip|drug|fluid"
    r"|infusion|injection|iron"
    r"|line|medication|morphine|needle|nutrition|pole|push|saline|solution|therap"
    r"|treatment|tub|user|vitamin)",
    re.IGNORECASE,
)
# After a numeral, these show a pronoun ("when George I think") or an initial ("Robert I. Bouck").
_AFTER_LETTER = re.compile(
    r"\. [A-Z]|'(?:m|d|ll|ve)\b"
    r"| (?:am|was|have|had|will|would|shall|should|can|can't|could|do|don't|did|didn't)\b"
    r"| (?:think|know|want|say|said|told|saw|met|like|love|hate|need|hope|feel)\b"
)
_AFTER_PRONOUN = re.compile(
    r"'(?:m|d|ll|ve)\b"
    r"| (?:am|have|think|know|want|hate|love|need|hope|feel|attended|liked|wrote|bought"
    r"|saw|mentioned)\b"
)
_PERSON = r"((?: (?:[A-Z][a-z]+(?:-[A-Z][a-z]+)?|[A-Z]{2,15}|[A-Z]\.|of|de|von|van)){0,3})"

_WARS = {"I": "one", "II": "two", "III": "three", "1": "one", "2": "two", "3": "three"}

_RULES: tuple[Rule, ...] = (
    (re.compile(r"(?<![\w.-])WW(I{1,3}|[123])(?!\w)"), lambda m: f"World War {_WARS[m[1]]}"),
    # MMXXIV, MCMXCIX
    (
        re.compile(r"(?<![\w'.-])(M[MDCLXVI]{3,14})(?![\w-])"),
        lambda m: wording.pairs(str(roman_value(m[1]))) if roman_value(m[1]) else m[0],
    ),
    # XIVth, the XXI century, the XXIII Olympic Games
    (
        re.compile(r"\b([IVXL]{2,7}|[VX])(?:st|nd|rd|th)\b"),
        lambda m: _nth(m[1]) or m[0],
    ),
    (
        re.compile(
            r"\b([IVX]{1,8})(?=(?: and [IVX]{1,8})?[ -](?:[Cc]entur|CENTUR|(?:Summer |Winter"
        r" )?Olympi"
            r"|Corps\b|Congress\b|Army\b|Legion\b|Dynasty\b))"
        ),
        lambda m: _nth(m[1]) or m[0],
    ),
    (
        re.compile(rf"\b({_PARTS})(,? |-)([IVXLC]{{2,9}}|[IVX]){_MORE}{_END}"),
        lambda m: m[0] if _is_pronoun(m) else _counted(m),
    ),
    (
        re.compile(rf"\b({_KINDS})( |-)([IVX]{{2,7}}|[IV]){_MORE}{_END}"),
        lambda m: m[0] if _is_pronoun(m) else _counted(m),
    ),
    (re.compile(rf"\b({_WHOLES})( |-)([IVX]{{2,7}}){_MORE}{_END}"), lambda m: _counted(m)),
    # vol. III is vol. 3, which another rule reads.
    (
        re.compile(rf"\b({_SHORT})()([IVXLC]{{2,9}}|[IVX]){_MORE}{_END}"),
        lambda m: m[0] if _is_no(m) else _counted(m, in_digits=True),
    ),
    # Elizabeth II, Pope John Paul II, John D. Rockefeller III
    (
        re.compile(rf"\b({RULERS}) ([IVX]{{1,6}}){_FULL_STOP}(?!\w)(?!['.]?[a-rt-z])"),
        lambda m: m[0] if _is_letter(m) else _ranked(m[1], m[2]) or m[0],
    ),
    (
        re.compile(rf"\b((?:{GIVEN_NAMES}|{TITLES_OF_RULERS}){_PERSON})"
        rf" ([IVX]{{2,6}}){_FULL_STOP}(?!\w)"),
        lambda m: _ranked(m[1], m[3]) or m[0],
    ),
    # Rocky II, HALO III
    (
        re.compile(rf"\b([A-Z][A-Za-z]{{1,20}})( |-)([IVX]{{2,6}}){_MORE}{_FULL_STOP}(?!\w)"),
        lambda m: m[0] if _is_no_name(m) else _counted(m),
    ),
    (
        re.compile(r"\b(Auto|Fantasy|Fighter|Civilization|Civ|Quest)( )([VX])()(?![\w'.-])"),
        lambda m: _counted(m),
    ),
    # iron(III); I, II; the III; (iv)
    (re.compile(r"(?<=[a-z])\((I{1,3}|IV|VI{0,3})\)"), lambda m: f" {_cardinal(m[1])} "),
    (re.compile(r"(?<![\w'.&/-])I(?=(?:,| and| or|,? to|-) ?II\b)"), "one"),
    (
        re.compile(r"(?<![\w'.&/-])(?!IV\b|XX\b|XXX\b)([IVX]{2,6})(?![\w'&/-]|\.\w)"),
        lambda m: _cardinal(m[1]) or m[0],
    ),
    (re.compile(r"\((ii|iii|iv|vi|vii|viii|ix)\)"), lambda m: f"({_cardinal(m[1].upper())})"),
    # Chapter iv, part ii, pp. xi-xv
    (
        re.compile(rf"{_LOW_WORDS}()([ivxlc]{{2,7}}|[vx]|i(?=[,.;:)-]|$| of\b| and"
        rf" ii)){_LOW_MORE}(?![\w'])"),
        lambda m: _counted(m, in_digits=m[1].rstrip().endswith(".")),
    ),
)  # fmt: skip
_ANY = re.compile(r"\b(?:WW[I123]{1,3}|[IVXLCDM]{1,15}(?:st|nd|rd|th)?|[ivx]{1,7})\b")
_NUMERAL = re.compile(r"[IVXLCivxlc]+(?![\w])")


def read_roman(text: str) -> str:
    """Write out Roman numerals after names and after words such as "Chapter"."""
    return rewrite(_RULES, text) if _ANY.search(text) else text


def roman_value(numeral: str) -> int:
    """Return the value of a well-formed Roman numeral below 4000, or 0."""
    total = last = 0
    for letter in reversed(numeral):
        step = _VALUES[letter]
        total += -step if step < last else step
        last = max(last, step)
    return total if _written(total) == numeral else 0


def _written(number: int) -> str:
    spelled = ""
    for size, letters in (
        (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
        (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
    ):  # fmt: skip
        count, number = divmod(max(number, 0), size)
        spelled += letters * count
    return spelled


def _is_letter(match: re.Match[str]) -> bool:
    single = len(match[2]) == 1 and not match[0].endswith(".")
    return single and _AFTER_LETTER.match(match.string, match.end()) is not None


def _is_pronoun(match: re.Match[str]) -> bool:
    return match[3] == "I" and _AFTER_PRONOUN.match(match.string, match.end(3)) is not None


def _is_no(match: re.Match[str]) -> bool:
    """Return whether a sentence ends before the numeral: "No. I will not"."""
    return match[3] == "I" and match[1].strip().lower() == "no."


def _is_no_name(match: re.Match[str]) -> bool:
    if match[1].lower() in _NO_NAMES:
        return True
    return match[3] == "IV" and _DRIP.match(match.string, match.end()) is not None


def _counted(match: re.Match[str], in_digits: bool = False) -> str:
    """Write a word and its numerals, of which each must be well-formed."""
    numerals = [match[3], *_NUMERAL.findall(match[4])]
    if not all(roman_value(numeral.upper()) for numeral in numerals):
        return match[0]
    more = re.sub(r"--?", " to ", match[4])
    spoken = _NUMERAL.sub(lambda m: _number(m[0], in_digits), f"{match[3]}{more}")
    return f"{match[1]}{match[2].replace('-', ' ')}{spoken}"


def _number(numeral: str, in_digits: bool) -> str:
    value = str(roman_value(numeral.upper()))
    return value if in_digits else wording.whole(value)


def _cardinal(numeral: str) -> str:
    value = roman_value(numeral)
    return wording.whole(str(value)) if value else ""


def _nth(numeral: str) -> str:
    value = roman_value(numeral)
    return wording.nth(str(value)) if value else ""


def _ranked(name: str, numeral: str) -> str:
    rank = _nth(numeral)
    return f"{name} the {rank}" if rank else ""
