"""Expands abbreviations: titles, companies, places and the Latin of footnotes."""

from __future__ import annotations

import re

from tts.text.normalize.rules import Rule, any_of, rewrite

_TITLES = {
    "mr": "mister",
    "mrs": "missus",
    "ms": "miz",
    "messrs": "messieurs",
    "dr": "doctor",
    "drs": "doctors",
    "prof": "professor",
    "rev": "reverend",
    "hon": "honorable",
    "gen": "general",
    "col": "colonel",
    "lt": "lieutenant",
    "capt": "captain",
    "cmdr": "commander",
    "sgt": "sergeant",
    "maj": "major",
    "cpl": "corporal",
    "gov": "governor",
    "sen": "senator",
    "pres": "president",
    "supt": "superintendent",
    "st": "saint",
    "mt": "mount",
    "ft": "fort",
}
# These stand at the end of a name, which is often the end of a sentence.
_ENDINGS = {
    "jr": "junior",
    "sr": "senior",
    "esq": "esquire",
    "co": "company",
    "ltd": "limited",
    "inc": "incorporated",
    "corp": "corporation",
    "bros": "brothers",
    "ave": "avenue",
    "blvd": "boulevard",
    "rd": "road",
    "dept": "department",
    "etc": "et cetera",
    "assn": "association",
    "univ": "university",
}
_PHRASES = {
    "e.g": "for example",
    "i.e": "that is",
    "vs": "versus",
    "cf": "compare",
    "approx": "approximately",
    "est": "established",
    "viz": "namely",
    "incl": "including",
    "govt": "government",
    "misc": "miscellaneous",
}
_NUMBERED = {
    "nos": "numbers",
    "no": "number",
    "vol": "volume",
    "vols": "volumes",
    "ch": "chapter",
    "pp": "pages",
    "p": "page",
    "fig": "figure",
    "figs": "figures",
    "sec": "section",
    "art": "article",
    "ed": "edition",
    "ca": "circa",
}
# These are titles or places only before a name, not at the end of a text.
_BEFORE_NAMES = frozenset("hon gen col maj gov sen pres rev ms st mt ft".split())
_ANYWHERE = _TITLES | _ENDINGS | _PHRASES
_PLACE = r"(?:[A-Z][a-z]+|\d{1,4}(?:st|nd|rd|th))"
# Words with a capital letter that are not the name of a street.
_NO_NAMES = frozenset("And Ask At By For From In Of On The To With Then When".split())
_STREETS = {"St": "Street", "Dr": "Drive"}

_RULES: tuple[Rule, ...] = (
    # "Elm St.", "5th St." and "Oak Dr." are streets; "St. Louis" and "Dr. Smith" are not.
    (
        re.compile(
            rf"\b({_PLACE}) (St|Dr)\.(?=[,;)]| [a-z]| ?$)|(?<=\d )([A-Z][a-z]+) (St|Dr)\.(?= [A-Z])"
        ),
        lambda m: _street(m, m[1] or m[3], m[2] or m[4]),
    ),
    (
        re.compile(rf"\b({any_of(_NUMBERED)})\. ?(?=\d|[IVX]{{2,6}}\b)", re.IGNORECASE),
        lambda m: f"{_expand_like(m[1], _NUMBERED)} ",
    ),
    (re.compile(r"\b([A-Za-z]\.[A-Za-z]|[A-Za-z]{2,8})\.(?!\w)"), lambda m: _expanded(m)),
)
# British English omits the full stop; before a name the abbreviation is still certain.
_WITHOUT_STOP: tuple[Rule, ...] = (
    (
        re.compile(
            r"\b(Mr|Mrs|Ms|Messrs|Dr|Drs|Prof|Lt|Capt|Sgt|St|Mt)(?= (?:[A-Z][a-z']|[A-Z]\.))"
        ),
        lambda m: _expand_like(m[1], _TITLES),
    ),
    (re.compile(r"\b(vs|w/o)(?= )"), lambda m: {"vs": "versus", "w/o": "without"}[m[1]]),
)


def read_abbreviations(text: str) -> str:
    """Write "Mrs. Smith" as "missus Smith", and "St." as "saint" or "street"."""
    return rewrite(_WITHOUT_STOP, rewrite(_RULES, text) if "." in text else text)


def _expanded(match: re.Match[str]) -> str:
    short = match[1].lower()
    if short not in _ANYWHERE:
        return match[0]
    if short in _BEFORE_NAMES and not match.string[match.end() : match.end() + 3].strip(" \"')"):
        return match[0]
    spoken = _expand_like(match[1], _ANYWHERE)
    return spoken + _stop(match, short == "etc") if short in _ENDINGS else spoken


def _street(match: re.Match[str], name: str, short: str) -> str:
    return match[0] if name in _NO_NAMES else f"{name} {_STREETS[short]}{_stop(match)}"


def _expand_like(short: str, table: dict[str, str]) -> str:
    spoken = table[short.lower()]
    return spoken.capitalize() if short[0].isupper() else spoken


def _stop(match: re.Match[str], before_capital: bool = False) -> str:
    """Return the full stop if the abbreviation ends the text or, before a capital, a sentence."""
    after = match.string[match.end() : match.end() + 3].strip(" \"')")
    return "." if not after or (before_capital and after[0].isupper()) else ""
