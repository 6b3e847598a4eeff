"""Expands abbreviations: titles, companies, places and the Latin of footnotes."""

from __future__ import annotations

import re

from tts.text import short_forms
from tts.text.normalize.rules import Rule, any_of, rewrite

_TITLES = short_forms.TITLES
_GIVEN = short_forms.GIVEN_NAMES
_ENDINGS = short_forms.ENDINGS
_NUMBERED = short_forms.NUMBERED
_DAYS = short_forms.DAYS
# These are titles or places only before a name, not at the end of a text.
_BEFORE_NAMES = frozenset("hon gen col maj gov sen pres rev ms st mt ft".split())
# These could be words; they are titles only before a capital letter.
_BEFORE_CAPITALS = frozenset(
    "adm amb asst atty bp brig det ens fr insp mme msgr mts pfc pte pvt rep reps sens ste".split()
)
# Written so, these are words, names or initialisms.
_LOW_ONLY = frozenset("max temp gal al est cont".split())
_ANYWHERE = {**_TITLES, **_GIVEN, **_ENDINGS, **short_forms.PHRASES}
# With a small letter these are words or units of time, unless a word follows that they qualify.
_QUALIFIERS = {"min": "minimum", "max": "maximum", "avg": "average"}
_PLACE = r"(?:[A-Z][a-z]+|\d{1,4}(?:st|nd|rd|th)|\d{1,4}(?:ST|ND|RD|TH))"
# Words with a capital letter that are not the name of a street.
_NO_NAMES = frozenset(
    "And Ask At By For From In Of On The To With Then When Dear Our Hail A An But So If"
    " As Sing Was Is".split()
)
# After these, "Dr" is a doctor.
_PERSONS = frozenset("Mr Mrs Ms Sir".split())
STREETS = {
    "St": "Street", "Dr": "Drive", "Pl": "Place", "Ct": "Court", "Sq": "Square", "Cir": "Circle",
    "Ter": "Terrace", "Ave": "Avenue", "Av": "Avenue", "Blvd": "Boulevard", "Rd": "Road",
    "Ln": "Lane", "Hwy": "Highway", "Pkwy": "Parkway", "Expy": "Expressway", "Trl": "Trail",
    "Tpke": "Turnpike",
}  # fmt: skip
# These stand after a name only, so they need no full stop there.
_PLAIN_STREETS = any_of("Ave Av Blvd Rd Ln Hwy Pkwy Expy Trl Tpke".split())
_OTHER_STREETS = any_of("St Dr Pl Ct Sq Cir Ter".split())
_NUMERAL = r"(?=[#(]?\d|[IVXLC]{2,7}\b|[A-HJ-Z]\b(?!\.[A-Z]|'))"
_MANY = (
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|several|few"
    r"|many|some|half|twenty|thirty|"
    r"forty|fifty|hundred)"
)
_DAY = any_of(day.capitalize() for day in _DAYS)
_SPOONS = {"tsp": "teaspoon", "tbsp": "tablespoon", "tbs": "tablespoon"}

_RULES: tuple[Rule, ...] = (
    # "Elm St.", "5th St." and "Oak Dr." are streets; "St. Louis" and "Dr. Smith" are not.
    (
        re.compile(
            rf"\b({_PLACE}) ({_OTHER_STREETS})\.(?=[,;)]| [a-z]| ?$)"
            rf"|(?<=\d )([A-Z][a-z]+) ({_OTHER_STREETS})\.(?= [A-Z])"
        ),
        lambda m: _street(m, m[1] or m[3], m[2] or m[4]),
    ),
    (
        re.compile(rf"\b({_PLACE}) ({_PLAIN_STREETS})\.(?!\w)"),
        lambda m: _street(m, m[1], m[2]),
    ),
    (
        re.compile(rf"(?<!\d )(?<![\w.])((?i:{any_of(_NUMBERED)}))\. ?{_NUMERAL}"),
        lambda m: _numbered(m),
    ),
    (re.compile(r"\b([Cc]a?)\. ?(?=\d{3,4}\b)"), "circa "),
    (
        re.compile(rf"(, ?)({any_of(s.capitalize() for s in short_forms.STATES)})\.(?!\w)"),
        lambda m: m[1] + short_forms.STATES[m[2].lower()].title() + _stop(m, before_capital=True),
    ),
    (
        re.compile(rf"(?<!\b[Tt]he )\b({_DAY})\.(?=,|;|-| ?[a-z\d&(]|$)"),
        lambda m: f"{_day(m[1])}{_stop(m)}",
    ),
    (re.compile(r"\b([Ee])d\. (?=by\b)"), r"\1dited "),
    (
        re.compile(r"(?<=\d(?:st|nd|rd|th) )ed\.(?!\w)"),
        lambda m: f"edition{_stop(m)}",
    ),
    (re.compile(r"\bRt\. Hon\.(?= [A-Z])"), "Right Honorable"),
    (re.compile(r"\bet al\.?(?!\w)"), lambda m: f"et al{_stop(m)}"),
    (re.compile(r"\bibid\.(?!\w)", re.IGNORECASE), lambda m: f"ibidem{_stop(m)}"),
    # "Mr.Smith" has no space.
    (
        re.compile(rf"\b({any_of(t.capitalize() for t in (*_TITLES, *_GIVEN))})\.(?=[A-Z][a-z])"),
        lambda m: f"{_expand_like(m[1], _ANYWHERE)} ",
    ),
    (
        re.compile(r"(?<![\w.])([A-Za-z]\.[A-Za-z]|[A-Za-z]{2,8})\.(?!\w)"),
        lambda m: _expanded(m),
    ),
)  # fmt: skip
# British English omits the full stop; before a name the abbreviation is still certain.
_WITHOUT_STOP: tuple[Rule, ...] = (
    (
        re.compile(rf"\b({_PLACE}) ({_PLAIN_STREETS})\b(?!\.\w|[-'])"),
        lambda m: m[0] if m[1] in _NO_NAMES else f"{m[1]} {STREETS[m[2]]}",
    ),
    (
        re.compile(
            rf"\b({_PLACE}) ({_OTHER_STREETS})"
            r"(?=,| (?:and|in|at|is|was|near|to|from|on|until|by)\b| ?$|[;)?!])"
        ),
        lambda m: m[0] if m[1] in _NO_NAMES or m[1] in _PERSONS else f"{m[1]} {STREETS[m[2]]}",
    ),
    (
        re.compile(
            r"\b(Mr|Mrs|Ms|Messrs|Dr|Drs|Prof|Lt|Capt|Sgt|St|Mt|Col|Gen|Sen|Rep|Gov|Cpl|Pvt|Adm"
        r"|Cmdr|Det)"
            r"(?= (?:[A-Z][a-z']|[A-Z]\.|Mc[A-Z]|O'[A-Z]))"
        ),
        lambda m: _expand_like(m[1], _TITLES),
    ),
    (
        re.compile(r"\b(MR|MRS|MS|DR|PROF|LT|CAPT|SGT)(?= [A-Z]{2})"),
        lambda m: _TITLES[m[1].lower()],
    ),
    (
        re.compile(r"\b(Hwy|Rte|Apt|Bldg|Ste|Vol|Fig|Eq|Nos|Nr|Ext|Rm)(?= ?#?\d)"),
        lambda m: _expand_like(m[1], _NUMBERED),
    ),
    (re.compile(r"(?<![\w/])w/o(?!\w)"), "without"),
    (re.compile(r"(?<![\w/])w/ ?(?=\w)"), "with "),
    (re.compile(r"(?<![\w/])b/c(?!\w)"), "because"),
    (re.compile(r"(?<![\w/])c/o(?!\w)"), "care of"),
    (re.compile(r"(?<![\w/])[nN]/[aA](?!\w)"), "not applicable"),
    (re.compile(r"\bvs(?= )"), "versus"),
    (re.compile(r"\b(etc)(?!\w|\.\w)"), "et cetera"),
    (re.compile(r"\bapprox(?= \d| [a-z])"), "approximately"),
    (re.compile(r"\bgovt\b"), "government"),
    (re.compile(r"(?<!\d )\b(hrs|yrs|mins|lbs)\b(?!\.\w)"), lambda m: _ENDINGS[m[1]]),
    (
        re.compile(rf"(\b(?:{_MANY}|\d[\d.]{{0,6}}) )?\b(tsp|tbsp|tbs)(s?)\b\.?(?!\w)"),
        lambda m: _spoons(m),
    ),
)  # fmt: skip
_DAY_RANGES: tuple[Rule, ...] = (
    (
        re.compile(rf"\b({_DAY})\.? ?--? ?({_DAY})\b\.?"),
        lambda m: f"{_day(m[1])} to {_day(m[2])}{_stop(m)}",
    ),
)


def read_day_ranges(text: str) -> str:
    """Write "Mon-Fri" as "Monday to Friday", before the days beside a number are read."""
    return rewrite(_DAY_RANGES, text) if "-" in text else text


def read_abbreviations(text: str) -> str:
    """Write "Mrs. Smith" as "missus Smith", and "St." as "saint" or "street"."""
    return rewrite(_WITHOUT_STOP, rewrite(_RULES, text) if "." in text else text)


def _numbered(match: re.Match[str]) -> str:
    short = match[1].lower()
    if match[1].islower() and short in short_forms.CAPITAL_ONLY:
        return match[0]
    next_letter = match.string[match.end() : match.end() + 2]
    # "No. A letter came", and "p. A" may be an initial.
    if short in {"no", "p", "art", "ed"} and re.match(r"[A-Z](?![A-Z])", next_letter):
        return match[0]
    return f"{_expand_like(match[1], _NUMBERED)} "


def _expanded(match: re.Match[str]) -> str:
    written, short = match[1], match[1].lower()
    after = match.string[match.end() : match.end() + 3]
    if short in _QUALIFIERS and re.match(" [a-z]", after):
        return _expand_like(written, _QUALIFIERS)
    if short not in _ANYWHERE or short.rstrip("s") in _SPOONS:
        return match[0]
    if written[0].isupper() and short in _LOW_ONLY and (written.isupper() or short != "est"):
        return match[0]
    if short in _BEFORE_NAMES and not after.strip(" \"')"):
        return match[0]
    if short in _GIVEN and not written[0].isupper():
        return match[0]
    if (short in _BEFORE_CAPITALS or short in _GIVEN) and not re.match(
        " ?[\"'(]?[A-Z]|[,;]", after
    ):
        return match[0]
    spoken = _expand_like(written, _ANYWHERE)
    return spoken + _stop(match, short in _MAY_END) if short in _ENDINGS else spoken


# Before a capital letter, the full stop of these ends a sentence.
_MAY_END = frozenset("etc hrs yrs lbs mins secs tsp tsps tbsp tbsps gal gals qts al".split())


def _day(short: str) -> str:
    return _DAYS[short.lower()].capitalize()


def _spoons(match: re.Match[str]) -> str:
    spoon = _SPOONS[match[2]]
    many = "s" if match[3] or (match[1] and match[1] != "1 ") else ""
    return f"{match[1] or ''}{spoon}{many}{_stop(match, before_capital=True)}"


def _street(match: re.Match[str], name: str, short: str) -> str:
    return match[0] if name in _NO_NAMES else f"{name} {STREETS[short]}{_stop(match)}"


def _expand_like(short: str, table: dict[str, str]) -> str:
    spoken = table[short.lower()]
    return spoken.capitalize() if short[0].isupper() else spoken


def _stop(match: re.Match[str], before_capital: bool = False) -> str:
    """Return the full stop if the abbreviation ends the text or, before a capital, a sentence."""
    if not match[0].endswith("."):
        return ""
    after = match.string[match.end() : match.end() + 3].strip(" \"')")
    return "." if not after or (before_capital and after[0].isupper()) else ""
