"""Writes out fractions, scores and odds, and everything else with a slash between numbers."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.rules import Rule, rewrite

_NAMED = {("1", "2"): "one half", ("24", "7"): "twenty-four seven", ("9", "11"): "nine eleven"}
_DENOMINATORS = {"2": "half", "4": "quarter"}
_PART = r"\d{1,3}(?:\.\d{1,2})?"
_OUT_OF = (
    "(?i:scor(?:e|es|ed|ing)|rat(?:e|es|ed|ing|ings)|grad(?:e|es|ed)|marks?|got"
    "|gets?|gave|give|gives"
    r"|reviews?|stars?|attendance)"
)
_ODDS = (
    r"(?i:odds(?: (?:of|are|were|at))?|chances (?:of|are)|favou?rites? at|priced at|ratio(?: of)?)"
)
_PEOPLE = (
    r"(?:people|students|users|voters|patients|doctors|dentists|children|kids|men|women|adults"
    r"|respondents|players|games|matches|stars|points|votes|members|teachers|workers|americans"
    r"|questions|answers|tests|times|countries|states|companies|households|ratings?|scores?|reviews?|marks?)"
)

_SCORES: tuple[Rule, ...] = (
    (re.compile(rf"({_ODDS} )(\d{{1,4}})/(\d{{1,4}})(?![\d/])"), r"\1\2 to \3"),
    (
        re.compile(
            r"(?<![\d/.,])(\d{1,4})/(\d{1,3})"
            r"(?= (?:odds|shot|favou?rites?|outsiders?|underdogs?|long ?shot)\b)"
        ),
        r"\1 to \2",
    ),
    # rated 9/10, 4/5 stars
    (
        re.compile(
            rf"\b({_OUT_OF}(?: (?:it|them|him|her|a|an|of|is|was|me|at"
            rf"|:))?:? )({_PART})/(\d{{1,4}})(?![\d/])"
        ),
        r"\1\2 out of \3",
    ),
    (
        re.compile(rf"(?<![\d/.,])({_PART})/(\d{{1,3}})(?= {_PEOPLE}\b)"),
        r"\1 out of \2",
    ),
)
_RULES: tuple[Rule, ...] = (
    # 6/8 time, 24/7/365, 1/1000
    (re.compile(r"\b([2-9]|12)/(2|4|8|16)(?= (?:time|beat|meter|metre|signature)\b)"), r"\1 \2"),
    (re.compile(r"\b24/7/365\b"), "twenty-four seven three sixty-five"),
    (
        re.compile(r"(?<![\d/.,])1/(\d{4})(?![\d/])"),
        lambda m: f"one {wording.nth(m[1])}",
    ),
    # 4.5/5, 5/5, 10/10, 100/100
    (
        re.compile(r"(?<![\d/.,])(\d{1,3}\.\d{1,2})/(\d{1,4}(?:\.\d{1,2})?)(?![\d/]|\.\d)"),
        r"\1 out of \2",
    ),
    (re.compile(r"(?<![\d/.,])([357]|10|100)/\1(?![\d/.])"), r"\1 out of \1"),
    # 8/10 is a verdict, 3/10 a fraction.
    (
        re.compile(
            r"(?<![\d/.,-])(?<!\d )(?:(?<=\b[Aa] )([2-9])|(?<=\b[Aa]n )(8)|([6-9]))/10"
            r"(?![\w/]|[.,]\d| (?:of|inch|inches|in|miles?|cups?|share|seconds?)\b)"
        ),
        lambda m: f"{m[1] or m[2] or m[3]} out of 10",
    ),
    # 2023/24
    (
        re.compile(r"(?<![\d/.,])((?:19|20)\d\d)/(\d\d|(?:19|20)\d\d)(?![\d/.])"),
        lambda m: _season(m[1], m[2]) or m[0],
    ),
    (
        re.compile(r"(?<![\d/.,])(\d{1,4}[ -])?(\d{1,3})/(\d{1,3})(?![\d/])"),
        lambda m: spoken_fraction(m[0]) or m[0],
    ),
    # 120/80 and 7/4
    (
        re.compile(r"(?<![\d/.,])(\d{1,4})/(\d{1,4})(?![\d/.])"),
        lambda m: f"{m[1]}{' ' if _is_pair(m[1], m[2]) else ' over '}{m[2]}",
    ),
)


def _is_pair(first: str, second: str) -> bool:
    """Return whether two numbers stand side by side: 4/4, 20/20, 50/50, 60/40."""
    return (first == second and first != "1") or int(first) + int(second) == 100


def read_scores(text: str) -> str:
    """Write "rated 9/10" as "rated 9 out of 10"; these pairs are neither days nor fractions."""
    return rewrite(_SCORES, text) if "/" in text else text


def read_fractions(text: str) -> str:
    """Write "3/4" as "three quarters" and "4.5/5" as "4.5 out of 5"."""
    return rewrite(_RULES, text) if "/" in text else text


def spoken_fraction(written: str) -> str:
    """Return the words of "3/4" or "1 1/2", or "" if it is no fraction below one."""
    whole, _, part = written.replace("-", " ").rpartition(" ")
    above, _, below = part.partition("/")
    if not whole:
        return _fraction(above, below)
    if not 0 < int(above) < int(below):
        return ""
    spoken = _fraction(above, below).replace("one half", "a half")
    return f"{wording.whole(whole)} and {spoken.replace('one quarter', 'a quarter')}"


def _fraction(above: str, below: str) -> str:
    if (above, below) in _NAMED:
        return _NAMED[above, below]
    if not 0 < int(above) < int(below):
        return ""
    part = _DENOMINATORS.get(below) or wording.nth(below)
    if above == "1":
        return f"one {part}"
    return f"{wording.whole(above)} {'halves' if part == 'half' else part + 's'}"


def _season(first: str, second: str) -> str:
    """Read the years of a season, or of two years in a row: "2023/24"."""
    gap = int(second[-2:]) - int(first[-2:])
    if gap % 100 > 20:
        return ""
    tail = wording.pairs(second) if len(second) == 4 else wording.whole(second.lstrip("0") or "0")
    return f"{wording.pairs(first)} {'' if gap % 100 == 1 else 'to '}{tail}"
