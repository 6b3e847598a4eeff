"""Finds the marks of a writer in square brackets: ``[pause 0.5]`` and ``[speaker NAME]``.

A mark is no part of the words: the text on both sides of it is read as pieces of its own. Other
text in square brackets is text, and so is a mark inside the braces of phones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tts.core.errors import InputError, shortened

#: The longest silence of one pause mark, seconds.
MAX_PAUSE = 60
_MARK = re.compile(r"\{[^{}]*\}|\[\s*(pause|speaker)(?=[\s:\]])([^\[\]]*)\]", re.IGNORECASE)
_SECONDS = re.compile(r"(\d+\.?\d*|\.\d+)\s*s?", re.IGNORECASE | re.ASCII)
#: Punctuation after a mark that ends what stands before it: "one [pause 1], two".
_CLOSING = re.compile(r"\s*[,.;:!?\u2026)\u201d\u2019]+(?=\s|$)")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


class Stretch(NamedTuple):
    """Holds the text between two marks, and what the marks before it say.

    Attributes:
        text: the text, which may be empty.
        pause: seconds of silence before it; None if no pause mark stands there.
        speaker: name of the speaker from here on; None if the speaker stays the same.
        is_paragraph: a blank line stands beside the mark before it.
    """

    text: str
    pause: float | None = None
    speaker: str | None = None
    is_paragraph: bool = False


def split_at_marks(text: str) -> list[Stretch]:
    """Split a text at its marks; a text without marks is one stretch, as it is.

    Raises:
        InputError: a mark has no seconds or no name, or its seconds are not between 0 and 60.
    """
    marks = list(_marks(text))
    stretches = [Stretch(text[: marks[0].start()] if marks else text)]
    ends = [*(mark.start() for mark in marks), len(text)][1:]
    for mark, end in zip(marks, ends, strict=True):
        pause, speaker = _meaning(mark)
        following = text[mark.end() : end]
        before = stretches[-1].text
        if pause is not None and (closing := _CLOSING.match(following)):
            stretches[-1] = stretches[-1]._replace(text=before.rstrip() + closing[0].strip())
            following = following[closing.end() :]
        spaces = before[len(before.rstrip()) :], following[: -len(following.lstrip()) or None]
        is_paragraph = any(_BLANK_LINE.search(around) for around in spaces)
        stretches.append(Stretch(following, pause, speaker, is_paragraph))
    return stretches


def without_marks(text: str) -> str:
    """Return a text with spaces in place of its marks, so that every other character stays."""
    pieces, end = [], 0
    for mark in _marks(text):
        if _is_legal(mark):
            pieces += [text[end : mark.start()], " " * len(mark[0])]
            end = mark.end()
    return "".join([*pieces, text[end:]])


def first_mark(text: str) -> str | None:
    """Return the first mark of a text, as it is written."""
    return next((mark[0] for mark in _marks(text)), None)


def refuse_marks(text: str) -> None:
    """Raise for the first mark of a text that must be one utterance.

    Raises:
        InputError: the text has a mark.
    """
    if (mark := first_mark(text)) is not None:
        raise InputError(
            f"{mark}: exported networks speak one utterance; speak the text before and after the "
            "mark by itself"
        )


def _marks(text: str) -> Iterator[re.Match[str]]:
    """Yield the marks of a text; phones in braces are passed over."""
    return (match for match in _MARK.finditer(text) if match[1])


def _is_legal(mark: re.Match[str]) -> bool:
    try:
        _meaning(mark)
    except InputError:
        return False
    return True


def _meaning(mark: re.Match[str]) -> tuple[float | None, str | None]:
    """Return the seconds of a pause mark, or the name of a speaker mark."""
    shown = shortened(" ".join(mark[0].split()), 40)
    value = " ".join(mark[2].split()).removeprefix(":").lstrip()
    if mark[1].lower() == "speaker":
        if not value:
            raise InputError(f"{shown}: name the speaker, such as [speaker NAME]")
        return None, value
    seconds = _SECONDS.fullmatch(value)
    if seconds is None or float(seconds[1]) > MAX_PAUSE:
        raise InputError(f"{shown}: write seconds from 0 to {MAX_PAUSE}, such as [pause 0.5]")
    return float(seconds[1]), None
