"""Writes the times of words as text: JSON, SRT, WebVTT or TextGrid.

A subtitle shows a part (a sentence, or a piece of a long one); WebVTT also marks its words, so
that players can light them up (W3C, WebVTT, section 3.5). A TextGrid has tiers of parts, words and
phones (Praat's "long" text format).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tts.audio.tags import clock
from tts.text.symbols import without_prefix

#: An interval: text, start and end in seconds.
Interval = tuple[str, float, float]
#: What is known of a part: ``text``, ``start`` and ``seconds``; its ``words``, each with ``word``,
#: ``start`` and ``end``; its ``phones``, each an interval.
TimedPart = Mapping[str, Any]


def _json(records: Sequence[TimedPart], seconds: float) -> str:
    words = [
        {**word, "start": round(word["start"], 4), "end": round(word["end"], 4)}
        for record in records
        for word in record["words"]
    ]
    parts = [{"text": text, "start": start, "end": end} for text, start, end in _parts(records)]
    content = {"seconds": round(seconds, 4), "words": words, "parts": parts}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _srt(records: Sequence[TimedPart], seconds: float) -> str:
    cues = [
        f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{text}\n"
        for number, (text, start, end) in enumerate(_parts(records), start=1)
    ]
    return "\n".join(cues)


def _vtt(records: Sequence[TimedPart], seconds: float) -> str:
    cues = ["WEBVTT\n"]
    for record, (text, start, end) in zip(records, _parts(records), strict=True):
        timed = " ".join(
            f"<{clock(word['start'])}><c>{_escaped(word['word'])}</c>"
            for word in record["words"]
            if word["start"] < end
        )
        shown = timed or _escaped(text)
        cues.append(f"{clock(start)} --> {clock(end)}\n{shown}\n")
    return "\n".join(cues)


def _textgrid(records: Sequence[TimedPart], seconds: float) -> str:
    words: list[Interval] = []
    phones: list[Interval] = []
    for record in records:
        words += [(word["word"], word["start"], word["end"]) for word in record["words"]]
        phones += [(without_prefix(str(text)), start, end) for text, start, end in record["phones"]]
    return textgrid([("parts", _parts(records)), ("words", words), ("phones", phones)], seconds)


def textgrid(tiers: Sequence[tuple[str, Sequence[Interval]]], seconds: float) -> str:
    """Return the text of a TextGrid.

    Args:
        tiers: the name and the intervals of each; an interval without length is left out, and time
            between intervals gets an empty one.
        seconds: length of the sound.
    """
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0"]
    lines += [f"xmax = {seconds:.6f}", "tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, intervals) in enumerate(tiers, start=1):
        lines += _tier(number, name, _without_gaps(intervals, seconds), seconds)
    return "\n".join(lines) + "\n"


def _tier(number: int, name: str, intervals: Sequence[Interval], seconds: float) -> list[str]:
    lines = [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"']
    lines += ["        xmin = 0", f"        xmax = {seconds:.6f}"]
    lines.append(f"        intervals: size = {len(intervals)}")
    for place, (text, start, end) in enumerate(intervals, start=1):
        doubled = text.replace('"', '""')
        lines += [f"        intervals [{place}]:", f"            xmin = {start:.6f}"]
        lines += [f"            xmax = {end:.6f}", f'            text = "{doubled}"']
    return lines


def _without_gaps(intervals: Sequence[Interval], seconds: float) -> list[Interval]:
    """Fill the time between intervals with empty ones, because a tier has no gaps."""
    filled: list[Interval] = []
    time = 0.0
    for text, start, end in intervals:
        start, end = max(start, time), min(end, seconds)
        if end <= start:
            continue
        if start > time:
            filled.append(("", time, start))
        filled.append((text, start, end))
        time = end
    return [*filled, ("", time, seconds)] if time < seconds else filled


def _parts(records: Sequence[TimedPart]) -> list[Interval]:
    """Return what each part says, and when."""
    return [
        (
            " ".join(record["text"].split()),
            round(record["start"], 4),
            round(record["start"] + record["seconds"], 4),
        )
        for record in records
    ]


def _escaped(text: str) -> str:
    """Return a text without what WebVTT takes for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


#: Writers of time marks by their names: the parts of a sound and its length in seconds -> a text.
TIMING_FORMATS: dict[str, Callable[[Sequence[TimedPart], float], str]] = {
    "json": _json,
    "srt": _srt,
    "vtt": _vtt,
    "textgrid": _textgrid,
}
