"""Writes out numbers that identify: boxes, rooms, house numbers, serial numbers, calibers."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.initialisms import read_capitals
from tts.text.normalize.rules import COMPASS, Rule, rewrite

_DIGITS_AFTER = (
    r"(?:[Bb]ox|(?:[Ss]erial|[Aa]ccount|[Pp]assport|[Ll]icen[cs]e) (?:[Nn]umber|[Nn]o\.)"
    r"|(?:ZIP|[Zz]ip)(?: code)?|[Cc]ode|PIN|[Ee]xtension)"
)
_PAIRS_AFTER = (
    "(?:[Ee]xhibit|[Rr]oom|[Ff]light|[Rr]oute|[Hh]ighway|[Ii]nterstate|[Pp]ages?"
    "|[Ss]uite|[Aa]partment"
    r"|P\. ?S\.|[Aa]rea code)(?: [Nn]o\.| [Nn]umber)?"
)
_WIND = r"(N\.?[EW]|S\.?[EW]|[NSEW])"
_STREET = (
    r"(?:Street|St\b|Avenue|Ave\b|Road|Rd\b|Drive|Dr\b|Lane|Ln\b|Boulevard|Blvd\b"
    "|Place|Court|Square"
    r"|Way\b|Row\b|Terrace)"
)
_WEAPON = r"(?:[- ]calib(?:er|re)| (?:Special|Magnum|(?:pistol|rifle|revolver|handgun)s?\b))"

_STREET_NAME = r"(?:[A-Z][a-z]{1,20} |\d{1,3}(?:st|nd|rd|th) ){1,3}"
# Words that begin a sentence, which are no names of streets.
_NO_STREET = (
    "(?!(?:The|It|A|An|This|That|We|He|She|They|I|In|On|But|And|So|If|When|Its|You"
    "|Then|For|At|My|Our|His"
    "|Her|There|These|Those|What|Who|How|Why|Where|All|No|Not|Each|Is|Are|Do|Use|As"
    r"|By|To|From|With)\b)"
)
# The compass in addresses, the number of something, and letters of lists.
_QUARTERS: tuple[Rule, ...] = (
    (
        re.compile(rf"(?<= )({_STREET})(\.?,?) (N\.?[EW]|S\.?[EW])\b\.?(?=[,;)]| ?$| [a-z\d])"),
        lambda m: f"{m[1]}{m[2]} {COMPASS[m[3].replace('.', '')].lower()}",
    ),
)
_PLACES: tuple[Rule, ...] = (
    # 40.71 N, 74.01 W
    (
        re.compile(
            r"(?<![\d.,])(\d{1,3}(?:\.\d{1,8})?) ?([NS]),? (\d{1,3}(?:\.\d{1,8})?) ?([EW])\b(?!\.)"
        ),
        lambda m: f"{m[1]} {COMPASS[m[2]]}, {m[3]} {COMPASS[m[4]]}",
    ),
    (
        re.compile(
            rf"(?<=\d) {_WIND}\.? (?={_STREET_NAME}{_STREET})"
            rf"|\b{_WIND}\.? (?=\d{{1,3}}(?:st|nd|rd|th) {_STREET})"
        ),
        lambda m: f"{' ' if m[1] else ''}{COMPASS[(m[1] or m[2]).replace('.', '')]} ",
    ),
    (
        re.compile(
            rf"(?<=\d) ([NSEW])\. (?={_NO_STREET}[A-Z][a-z]{{2,20}}\b|\d{{1,3}}(?:st|nd|rd|th)\b)"
        ),
        lambda m: f" {COMPASS[m[1]]} ",
    ),
    # No 10, Nos 4 and 5, Nr. 1, n° 5
    (
        re.compile(
            r"\bNo (?=\d)(?!\d{1,9}(?:,\d{3})*(?:-"
            r"| (?:[a-z]{2,15} )?(?:[a-z]{2,20}[^su\W]s|people|men|women|children"
            r"|feet)\b))"
        ),
        "Number ",
    ),
    (re.compile(r"\bNos (?=\d)"), "Numbers "),
    (re.compile(r"\b[Nn](?:[rR]\.? ?|[°º]\.? ?)(?=\d)"), "number "),
    # G.2, X.509, 5.b
    (
        re.compile(r"(?<![\w.])([A-Z])\.(\d{3,4})(?![\d.,]*\d)"),
        lambda m: f"{m[1]} point {wording.pairs(m[2])}",
    ),
    (re.compile(r"(?<![\w.])([A-Z])\.(?=\d)"), r"\1 point "),
    (re.compile(r"(?<=\d)\.(?=[a-z](?![\w']|\.\w))"), " point "),
)
_RULES: tuple[Rule, ...] = (
    (
        re.compile(rf"\b({_DIGITS_AFTER}) (\d{{3,12}})(?![\d,.]*\d)"),
        lambda m: f"{m[1]} {wording.digits(m[2])}",
    ),
    # 133-A
    (
        re.compile(r"\b(\d{1,4})-([A-Z])\b(?!-)"),
        lambda m: f"{wording.pairs(m[1])} {wording.spell(m[2])}",
    ),
    (
        re.compile(rf"\b({_PAIRS_AFTER}) (\d{{3,4}})\b(?![\d,.]*\d)"),
        lambda m: f"{m[1]} {wording.pairs(m[2])}",
    ),
    (
        re.compile(
            rf"\b(\d{{3,4}})(?= (?:[NSEW]\. )?(?:[A-Z][a-z]{{1,20}} |\d{{1,3}}th ){{1,3}}{_STREET})"
        ),
        lambda m: wording.pairs(m[1]),
    ),
    (
        re.compile(
            rf"(?<![\d.])\.(?:(\d\d)(?={_WEAPON})|(?:(?<=\ba \.)|(?<=the \.))(22|32|38|44|45)\b)"
        ),
        lambda m: wording.whole(m[1] or m[2]),
    ),
    # C2766, VC836, B12, MP3, HTML5
    (
        re.compile(r"\b([A-Z]{1,6})-?(\d{1,12})\b(?![.,]\d)"),
        lambda m: f"{read_capitals(m[1])} {_code(m[2])}",
    ),
    # 3D, 5G, 4K
    (
        re.compile(r"(?<![\d.,])(\d{1,3})(?!ST|ND|RD|TH)([A-Z]{1,2})\b(?!\.\w)"),
        lambda m: f"{m[1]} {wording.spell(m[2])}",
    ),
)


def read_quarters(text: str) -> str:
    """Write "Elm St. NW" as "Elm St. Northwest"."""
    return rewrite(_QUARTERS, text)


def read_places(text: str) -> str:
    """Write "100 W. Main St." as "100 West Main St.", and "No 10" as "Number 10"."""
    return rewrite(_PLACES, text)


def read_identifiers(text: str) -> str:
    """Write "Box 2915" digit by digit, and "Room 602" as "Room six oh two"."""
    return rewrite(_RULES, text)


def _code(run: str) -> str:
    return wording.whole(run) if len(run) < 3 else wording.digits(run)
