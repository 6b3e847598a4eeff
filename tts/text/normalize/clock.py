"""Writes out times of day, durations, and other pairs of numbers with a colon."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.rules import MONTH, Rule, rewrite

_HALF = r"([AaPp])\.? ?[Mm](?:\b\.?|\.)"
# A capital after a time may begin its zone or its day, not a new sentence.
_ZONE_OR_DAY = rf"(?:Eastern|Central|Mountain|Pacific|Greenwich|{MONTH}|[A-Z][a-z]{{2,5}}day)"
_ENDS_SENTENCE = re.compile(rf"[\"')]?(?: ?$| (?!{_ZONE_OR_DAY})[A-Z][a-z])")
_CLOCK = r"(?:1[0-2]|0?[1-9])"
_MINUTES = r"(?:[:.][0-5]\d)?"
# The end of a day's opening, in words: 6pm-late.
_ENDS = r"(?:late|noon|midnight|close|dawn|dusk|onwards?)\b"
_UNITS = {
    "y": "year", "yr": "year", "yrs": "year", "mo": "month", "mos": "month", "w": "week",
    "wk": "week", "wks": "week", "d": "day", "day": "day", "days": "day", "h": "hour",
    "hr": "hour", "hrs": "hour", "m": "minute", "min": "minute", "mins": "minute", "s": "second",
    "sec": "second", "secs": "second", "ms": "millisecond",
}  # fmt: skip
_ORDER = list(dict.fromkeys(_UNITS.values()))
_UNIT = r"(?:yrs?|mos?|wks?|days?|hrs?|mins?|secs?|ms|[ywdhms])"
_WHEN = r"(?:ago|earlier|later|before|left|remaining|from now|old)\b"
_TASK = (
    r"(?:read|walk|drive|break|ride|timer|delay|timeout|countdown|wait|workout|video|clip|nap)\b"
)

_SIGNS = {"+": "plus", "-": "minus"}
_RANGES: tuple[Rule, ...] = (
    # 9a-5p, 9.00-17.30, T-10 minutes
    (re.compile(r"\b(\d\d?)a ?- ?(\d\d?)p\b"), r"\1am to \2pm"),
    (
        re.compile(
            r"(?<![\d.,:])([01]?\d|2[0-4])\.(00|15|30|45) ?- ?([01]?\d|2[0-4])\.(00|15|30|45)"
            r"(?![\d.,%]|[ap]m| ?[ap]\.?m)"
        ),
        r"\1:\2 to \3:\4",
    ),
    (re.compile(r"\bT-(?=\d{1,3} (?:second|minute|hour|day|week)s?\b)"), "T minus "),
    # 9am-5pm, 7-9pm, 13:30-15:30, 6pm-late
    (
        re.compile(
            rf"(?<![\d.,:$/-])({_CLOCK}{_MINUTES}(?: ?[AaPp]\.?[Mm]\b\.?)?) ?(?:-{{1,2}}|–) ?"
            rf"(?={_CLOCK}{_MINUTES} ?[AaPp]\.?[Mm]\b)"
        ),
        lambda m: f"{_half_open(m[1])} to ",
    ),
    (re.compile(rf"(\d ?[AaPp]\.?[Mm]\b\.?) ?-{{1,2}} ?(?={_ENDS})"), r"\1 to "),
    (
        re.compile(
            r"(?<![\d:.,])((?:[01]?\d|2[0-4]):[0-5]\d) ?-{1,2} ?(?=(?:[01]?\d"
            r"|2[0-4]):[0-5]\d(?![\d:]))"
        ),
        r"\1 to ",
    ),
)
# Books of which people cite chapter and verse.
_BOOKS = (
    r"(?:Genesis|Gen\.|Exodus|Leviticus|Numbers|Deuteronomy|Joshua|Judges|Ruth|Samuel|Kings|Chronicles"
    r"|Ezra|Nehemiah|Esther|Job|Psalms?|Proverbs|Ecclesiastes|Isaiah|Jeremiah|Ezekiel|Daniel|Hosea|Joel"
    r"|Amos|Jonah|Micah|Malachi|Matthew|Mark|Luke|John|Acts|Romans|Corinthians|Galatians|Ephesians"
    r"|Philippians|Colossians|Thessalonians|Timothy|Titus|Hebrews|James|Peter|Jude|Revelation)"
)
_RULES: tuple[Rule, ...] = (
    (re.compile(rf"\b({_BOOKS} \d{{1,3}}):(?=\d{{1,3}}\b)"), r"\1 "),
    # 2024-03-05T14:30:00Z
    (re.compile(r"(?<=[\da-z]) ?T(?=\d\d:\d\d)"), " "),
    (re.compile(r"(?<=\d)Z\b"), " UTC"),
    (re.compile(r"(?<=:\d\d:\d\d)[.,]\d{3}(?=Z| |$)"), ""),
    (re.compile(r"\b(UTC|GMT) ?([+-])(?=\d)"), lambda m: f"{m[1]} {_SIGNS[m[2]]} "),
    # 10:30 a.m., 7 p.m., 7pm, 5.30pm
    (
        re.compile(rf"\b(\d\d?)[:.](\d\d)(?::(\d\d))? ?{_HALF}(?![\w])"),
        lambda m: f"{_time(m[1], m[2], '')}{_seconds(m[3])} {m[4].lower()} m{_stop(m)}",
    ),
    (
        re.compile(rf"\b({_CLOCK}) ?{_HALF}(?!\w)"),
        lambda m: f"{wording.whole(m[1].lstrip('0'))} {m[2].lower()} m{_stop(m)}",
    ),
    # 17h30, but 1h30 is a duration unless "at" stands before it.
    (
        re.compile(r"(?<![\w.,])(\d\d?)[hH]([0-5]\d)(?![\w.,]\d|\w)"),
        lambda m: _french(m) or m[0],
    ),
    # 0900 hours, 17.30 hrs, 1730h
    (
        re.compile(r"(?<![\d.,:])([01]\d|2[0-3])[.:]?([0-5]\d) ?(h|hrs?|hours)\b\.?(?= |[,;)]|$)"),
        lambda m: f"{_military(m[1], m[2])}{' hours' if m[3] != 'h' else ''}",
    ),
    # 14:05:30 is a time of day, 2:03:59 a duration.
    (
        re.compile(r"(?<![\d:.,])(\d{1,3}):([0-5]\d):([0-5]\d)(\.\d{1,3})?(?![\d:])"),
        lambda m: _clock_or_duration(m),
    ),
    (
        re.compile(r"(?<![\d:.,])([01]?\d|2[0-3]|24(?=:00)):([0-5]\d)(?![\d:])"),
        lambda m: _time(m[1], m[2], _full_hour(m)),
    ),
    (re.compile(r"\b([AaPp])\. ?[Mm]\.(?!\w)"), lambda m: f"{m[1].lower()} m{_stop(m)}"),
    # 3:1 is a ratio, also 1:2:3 and 4:2.5.
    (
        re.compile(r"(?<![\d:.,])(\d{1,4}(?:\.\d{1,3})?(?::\d{1,4}(?:\.\d{1,3})?){1,5})(?![\d:])"),
        lambda m: m[1].replace(":", " to "),
    ),
)
_DURATIONS: tuple[Rule, ...] = (
    # 1h 30m, 2d3h
    (
        re.compile(
            rf"(?<![\w.,:/])\d{{1,4}} ?{_UNIT}(?:,? ?(?:and )?\d{{1,4}}"
            rf" ?{_UNIT}){{1,5}}(?![\w'])(?!\.\w)"
        ),
        lambda m: _duration(m[0]) or m[0],
    ),
    # 6m ago, a 5m read
    (
        re.compile(rf"(?<![\w.,:/])(\d{{1,4}}) ?({_UNIT}) ?(?= ?{_WHEN})"),
        lambda m: f"{_count(m[1], _UNITS[m[2]])} ",
    ),
    (
        re.compile(rf"(?<![\w.,:/])(\d{{1,4}})[ -]?({_UNIT})[ -](?={_TASK})"),
        lambda m: f"{wording.whole(m[1])} {_UNITS[m[2]]} ",
    ),
)


def read_times(text: str) -> str:
    """Write "10:30 a.m." as "ten thirty a m"."""
    return rewrite((*_RANGES, *_RULES), text)


def read_durations(text: str) -> str:
    """Write "1h 30m" as "one hour thirty minutes", and "6m ago" as "six minutes ago"."""
    return rewrite(_DURATIONS, text)


def _time(hours: str, minutes: str, full: str) -> str:
    spoken = wording.whole(str(int(hours)))
    if minutes == "00":
        return spoken + full
    return f"{spoken} {'oh ' if minutes[0] == '0' else ''}{wording.whole(str(int(minutes)))}"


def _half_open(written: str) -> str:
    """Read the first time of "7.30-9.30pm", which has no "pm" of its own."""
    hours, _, minutes = written.replace(".", ":").partition(":")
    return _time(hours, minutes, "") if minutes.isdigit() else written


def _full_hour(match: re.Match[str]) -> str:
    """Return what stands for ":00": twelve o'clock, twelve noon, fourteen hundred."""
    if re.match(r" (?:noon|midnight)\b", match.string[match.end() : match.end() + 10]):
        return ""
    return " o'clock" if int(match[1]) < 13 else " hundred"


def _seconds(seconds: str | None) -> str:
    return f" and {_count(seconds, 'second')}" if seconds and seconds != "00" else ""


def _clock_or_duration(match: re.Match[str]) -> str:
    hours, minutes, seconds, decimals = match.groups()
    before = match.string[max(0, match.start() - 4) : match.start()]
    is_clock = (len(hours) == 2 and int(hours) < 24) or before.endswith(("at ", "@ ", "@"))
    if is_clock and not decimals:
        full = " o'clock" if seconds == "00" and int(hours) < 13 else ""
        return f"{_time(hours, minutes, full)}{_seconds(seconds)}"
    parts = [(hours, "hour"), (minutes, "minute"), (seconds, "second")]
    spoken = [_count(number, unit) for number, unit in parts if int(number)]
    if decimals:
        fraction = wording.number(f"{int(seconds)}{decimals}")
        spoken = [*spoken[: -1 if int(seconds) else None], f"{fraction} seconds"]
    return " ".join(spoken) or _count("0", "second")


def _french(match: re.Match[str]) -> str:
    hours, minutes = match.groups()
    before = match.string[max(0, match.start() - 6) : match.start()]
    if int(hours) > 24:
        return ""
    if int(hours) > 5 or hours[0] == "0" or re.search(r"\b(?:at|by|to|until|from|till) $", before):
        return _time(hours, minutes, " hundred hours")
    return f"{_count(hours, 'hour')} {_count(minutes, 'minute')}"


def _military(hours: str, minutes: str) -> str:
    spoken = f"zero {wording.whole(hours[1])}" if hours[0] == "0" else wording.whole(hours)
    if minutes == "00":
        return f"{spoken} hundred"
    return f"{spoken} {'oh ' if minutes[0] == '0' else ''}{wording.whole(str(int(minutes)))}"


def _duration(written: str) -> str:
    """Return the words of "2d 3h 15m" as far as its units go down, or "" for a single part."""
    spoken: list[str] = []
    end, rank = 0, -1
    for part in re.finditer(rf"(\d+) ?({_UNIT})(?![a-z])", written):
        unit = _UNITS[part[2]]
        if _ORDER.index(unit) <= rank:
            break
        rank, end = _ORDER.index(unit), part.end()
        spoken.append(_count(part[1], unit))
    return " ".join(spoken) + written[end:] if len(spoken) > 1 else ""


def _count(number: str, unit: str) -> str:
    return f"{wording.whole(str(int(number)))} {unit}{'' if int(number) == 1 else 's'}"


def _stop(match: re.Match[str]) -> str:
    """Return the full stop of "p.m." if it also ends a sentence."""
    ends = _ENDS_SENTENCE.match(match.string, match.end())
    return "." if ends and match[0].endswith(".") else ""
