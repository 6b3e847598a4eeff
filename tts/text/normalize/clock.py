"""Writes out times of day, and other pairs of numbers with a colon."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.rules import MONTH, Rule, rewrite

_HALF = r"([AaPp])\.? ?[Mm](?:\b\.?|\.)"
# A capital after a time may begin its zone or its day, not a new sentence.
_ZONE_OR_DAY = rf"(?:Eastern|Central|Mountain|Pacific|Greenwich|{MONTH}|[A-Z][a-z]{{2,5}}day)"
_ENDS_SENTENCE = re.compile(rf"[\"')]?(?: ?$| (?!{_ZONE_OR_DAY})[A-Z][a-z])")

_RULES: tuple[Rule, ...] = (
    # 10:30 a.m., 7 p.m., 7pm
    (
        re.compile(rf"\b(\d\d?):(\d\d)(?::\d\d)? ?{_HALF}(?![\w])"),
        lambda m: f"{_time(m[1], m[2], '')} {m[3].lower()} m{_stop(m)}",
    ),
    (
        re.compile(rf"\b(1[0-2]|0?[1-9]) ?{_HALF}(?!\w)"),
        lambda m: f"{wording.whole(m[1].lstrip('0'))} {m[2].lower()} m{_stop(m)}",
    ),
    (
        re.compile(r"(?<![\d:.,])([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)(?![\d:])"),
        lambda m: f"{_time(m[1], m[2], '')} and {_count(m[3], 'second')}",
    ),
    (
        re.compile(r"(?<![\d:.,])([01]?\d|2[0-3]):([0-5]\d)(?![\d:])"),
        lambda m: _time(m[1], m[2], " o'clock" if int(m[1]) < 13 else " hundred"),
    ),
    (re.compile(r"\b([AaPp])\. ?[Mm]\.(?!\w)"), lambda m: f"{m[1].lower()} m{_stop(m)}"),
    # 3:1 is a ratio.
    (re.compile(r"(?<![\d:.,])(\d{1,3}):(\d{1,3})(?![\d:])"), r"\1 to \2"),
)


def read_times(text: str) -> str:
    """Write "10:30 a.m." as "ten thirty a m"."""
    return rewrite(_RULES, text)


def _time(hours: str, minutes: str, full: str) -> str:
    spoken = wording.whole(str(int(hours)))
    if minutes == "00":
        return spoken + full
    return f"{spoken} {'oh ' if minutes[0] == '0' else ''}{wording.whole(str(int(minutes)))}"


def _count(number: str, unit: str) -> str:
    return f"{wording.whole(str(int(number)))} {unit}{'' if int(number) == 1 else 's'}"


def _stop(match: re.Match[str]) -> str:
    """Return the full stop of "p.m." if it also ends a sentence."""
    ends = _ENDS_SENTENCE.match(match.string, match.end())
    return "." if ends and match[0].endswith(".") else ""
