"""Writes out numbers in running text: ordinals, ranges, decimals, years and counts."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.rules import AMOUNT, MONTH, WHOLE, Rule, rewrite

# Four digits are a year unless they count things: "1063 cells", but "in the 1780 riots".
_NOT_THINGS = r"(?!(?:was|is|has|as|his|this|its|us|thus|does|perhaps|always)\b)"
_THINGS = re.compile(
    rf" (?:{_NOT_THINGS}[a-z]{{2,20}}[^su]s"
    r"|people|men|women|children|persons?|feet|sheep|head|francs|percent|degrees|points|votes"
    rf"|[a-z]{{2,20}}(?:ing|ed|al|ous) {_NOT_THINGS}[a-z]{{2,20}}s)\b"
)
_DATED = re.compile(
    r"(?:\b(?:[Ii]n|[Ss]ince|[Dd]uring|[Tt]he|[Bb]y|[Uu]ntil|[Tt]ill)|\byear"
    rf"|{MONTH},?|\d,) \(?$"
)

_RULES: tuple[Rule, ...] = (
    (
        re.compile(rf"({WHOLE})(?:st|nd|rd|th)\b", re.IGNORECASE),
        lambda m: wording.nth(m[1]),
    ),
    # A hyphen after a word is not a minus.
    (re.compile(r"(?<![\w.,)\]-])-(?=\.?\d)"), "minus "),
    (
        re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3}){1,12}|\d{0,40})((?:\.\d{1,40}){1,9})(?![\d])"),
        lambda m: wording.number(m[1] + m[2]),
    ),
    (
        re.compile(r"(?<![\d,])(1\d{3}|20\d\d)(?!\d|,\d{3})"),
        lambda m: _year(m),
    ),
    (re.compile(r"\d{1,3}(?:,\d{3}){1,12}(?!\d)"), lambda m: wording.whole(m[0])),
    # Punctuation between a word and a number, such as "a,5" and "d'8", is a pause.
    (re.compile(r"(?<=[^\W_])([,;:])(?=\d)"), r"\1 "),
    (re.compile(r"(?<=\d)([,;:])(?=[^\W_])"), r"\1 "),
    (re.compile(r"(?<=[^\W_])'(?=\d)|(?<=\d)'(?=[^\W_s])"), " "),
    (re.compile(r"\d{1,40}"), lambda m: wording.whole(m[0])),
)
_ENDING = r"(?: ?(?:%|‰|°[CF]?)|[A-Za-zμΩ]{1,4})"
_SCORE = re.compile(
    r"\b(?:w[oi]ns?|lost|lose[sd]?|beat|lead(?:ing|s)?|led|score[ds]?|scoring|final"
    "|defeat(?:ed)?|drew|tied|vs"
    r"|victory|defeat|draw|record|pages?|ages?|aged|chapters?|years?|days?|from)\b",
    re.IGNORECASE,
)
_RANGES: tuple[Rule, ...] = (
    # 5-3=2
    (re.compile(r"(?<=\d)-(?=[\d.,]{1,20}(?: ?[-+*/×÷] ?[\d.,]{1,20}){0,4} ?=)"), " minus "),
    # 5%-10%, 5km-10km, 10k-20k: one unit is enough
    (
        re.compile(rf"(?<![\w.,-])({AMOUNT})({_ENDING}) ?- ?({AMOUNT}\2)(?![\w-])"),
        lambda m: f"{m[1]} to {m[3]}",
    ),
    (
        re.compile(
            rf"(?<![\w.,-])({AMOUNT} ?(?:%|°[CF]?|(?:mm|cm|km|m|kg|g|lbs?|ft|hrs?"
            rf"|mins?|k|K|M|bn)\b)) ?- ?(?={AMOUNT})"
        ),
        r"\1 to ",
    ),
    # 1939-45, 1914-1918
    (
        re.compile(r"(?<![\d.,-])(1[1-9]\d\d|20\d\d)-(\d{4}|\d\d)(?![\d,/-]|\.\d)"),
        lambda m: f"{wording.pairs(m[1])} to {_tail(m[2])}",
    ),
    (
        re.compile(rf"(?<![\d.,-])({AMOUNT})-({AMOUNT})(?![\d-]|[.,/]\d)"),
        # "a 50-50 chance"
        lambda m: f"{m[1]}{' ' if m[1] == m[2] else ' to '}{m[2]}",
    ),
    # 5 - 3 is a difference, 3 - 5 a range.
    (
        re.compile(rf"(?<![\d.,-])({AMOUNT}) - (?=({AMOUNT})(?![\d-]|[.,/]\d))"),
        lambda m: f"{m[1]} {_joint(m)} ",
    ),
)
# 10k users, 1.2M views, 2m people
_NOUNS = (
    "(?:people|users|views|viewers|followers|subscribers|subs|downloads|copies|jobs"
    "|homes|households|customers|visitors"
    "|visits|likes|streams|tweets|posts|records|shares|votes|voters|barrels|members"
    "|children|women|men|workers|employees"
    "|patients|doses|tonnes|tons|acres|readers|players|fans|students|citizens"
    "|residents|refugees|deaths|cases|infections"
    "|cars|vehicles|units|sales|orders|requests|queries|rows|lines|words|tokens"
    "|parameters|images|samples|listeners|plays"
    "|installs|impressions|clicks|hits|dollars|pounds|euros|steps|calories|miles"
    "|years|items|products|documents|messages)"
)
_FACTORS = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion", "mn": "million",
            "tn": "trillion", "mio": "million", "mrd": "billion"}  # fmt: skip
_NO_COUNTS = r"(?!(?:runs?|races?|videos?|tvs?|displays?|monitors?|screens?|series|resolutions?)\b)"
_FACTOR_RULES: tuple[Rule, ...] = (
    (
        re.compile(
            rf"(?<![\w.,])({AMOUNT}) ?([kKmMbB])\+?(?= (?:[a-z]{{2,15}}"
            rf" ){{0,2}}{_NOUNS}\b)(?! (?:at|in|of|or|and|to|for|by|on|from|with"
            r"|after|before|long|deep)\b)"
        ),
        lambda m: f"{m[1]} {_FACTORS[m[2].lower()]}{' plus' if m[0].endswith('+') else ''}",
    ),
    (
        re.compile(
            rf"(?<![\w.,])({AMOUNT})([kKM])(?= {_NO_COUNTS}{_NOT_THINGS}[a-z]{{2,20}}[^su\W]s\b)"
        ),
        lambda m: f"{m[1]} {_FACTORS[m[2].lower()]}",
    ),
    (
        re.compile(r"(?<![\w.,])(\d{1,4}\.\d{1,3})([kKMB])\b(?![-.]\w)"),
        lambda m: f"{m[1]} {_FACTORS[m[2].lower()]}",
    ),
    (
        re.compile(rf"(?<![\w.,])({AMOUNT}) ?(bn|mn|tn|Mio|Mrd)\b\.?(?=[ ,;:)]|$)"),
        lambda m: f"{m[1]} {_FACTORS[m[2].lower()]}",
    ),
)
# "2B" and "x2" become two words.
_TOUCHING: tuple[Rule, ...] = (
    # 49ers, 76ers
    (re.compile(r"(?<![\w.,])\d{1,4}ers?\b"), lambda m: _members(m[0])),
    (re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=[^\x00-\x7f])(?=\d)|(?<=\d)(?=[^\x00-\x7f])"), " "),
    (re.compile(r"(?<=\d)(?=[^\W\d_])(?!(?:st|nd|rd|th)\b)", re.IGNORECASE), " "),
)


def read_ranges(text: str) -> str:
    """Replace the hyphen between two numbers; later rules read the numbers and their units."""
    return rewrite(_RANGES, text) if "-" in text else text


def read_factors(text: str) -> str:
    """Write "10k users" as "10 thousand users"; later rules read the number."""
    return rewrite(_FACTOR_RULES, text)


def read_counts(text: str) -> str:
    """Write out all remaining numbers; the result has no digits."""
    return rewrite(_RULES, rewrite(_TOUCHING, text))


def _tail(year: str) -> str:
    if len(year) == 4:
        return wording.pairs(year)
    return f"oh {wording.whole(year[1])}" if year[0] == "0" else wording.whole(year)


def _members(written: str) -> str:
    """Write "49ers" as "forty-niners"."""
    digits, ending = re.fullmatch(r"(\d+)(ers?)", written).groups()  # type: ignore[union-attr]
    spoken = wording.whole(digits)
    return f"{spoken}{ending[1:] if spoken.endswith('e') else ending}"


def _joint(match: re.Match[str]) -> str:
    """Return "minus" where the first number is the larger one, and no score or range is near."""
    before = match.string[max(0, match.start() - 30) : match.start()]
    after = match.string[match.end(2) : match.end(2) + 24]
    if re.match(r"(?: ?[-+*/×÷] ?[\d.]{1,12}){0,3} ?=", after) or before.endswith("= "):
        return "minus"
    low, high = (float(part.replace(",", "")) for part in match.groups())
    return "to" if low < high or _SCORE.search(before) else "minus"


def _year(match: re.Match[str]) -> str:
    if _THINGS.match(match.string, match.end()):
        before = match.string[max(0, match.start() - 12) : match.start()]
        if not _DATED.search(before):
            return wording.whole(match[0])
    return wording.pairs(match[0])
