"""Finds the chapters of a book by its headings, and writes when each of them begins.

A heading is a line that begins with ``#`` and a space, as in Markdown (CommonMark, section 4.2,
without its indents). ``##`` and deeper ones are headings within a chapter: they are spoken as
paragraphs of their own, too, but begin no chapter. The marks are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tts.audio.tags import Chapter, clock
from tts.core.files import atomic_writer

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*?\S.*?)(?:[ \t]+#+)?[ \t]*")


class Passage(NamedTuple):
    """Holds a heading or the text up to the next one.

    Attributes:
        text: without the marks of a heading.
        line: number of its first line, from 0.
        level: number of marks of a heading; 0 for other text.
    """

    text: str
    line: int
    level: int


class BookSection(NamedTuple):
    """Holds a chapter of a book, or what comes before the first one.

    Attributes:
        title: its heading; None before the first chapter.
        text: what is spoken, with the heading.
    """

    title: str | None
    text: str


def split_headings(text: str) -> Iterator[Passage]:
    """Yield the headings of a text and what lies between them, as far as it is not blank."""
    waiting: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate([*lines, None]):
        match = None if line is None else _HEADING.fullmatch(line)
        if line is not None and match is None:
            waiting.append(line)
            continue
        body = "\n".join(waiting)
        if body.strip():
            yield Passage(body, number - len(waiting), 0)
        waiting = []
        if match is not None:
            yield Passage(match[2], number, len(match[1]))


def headings_apart(text: str) -> str:
    """Return a text with blank lines around its headings, which makes each of them a paragraph."""
    lines = text.split("\n")
    return "\n".join(f"\n{line}\n" if _HEADING.fullmatch(line) else line for line in lines)


def sections_of(text: str) -> list[BookSection]:
    """Return the chapters of a book; a text without headings is one section, and unchanged."""
    passages = list(split_headings(text))
    if not any(passage.level for passage in passages):
        return [BookSection(None, text)]
    found: list[BookSection] = []
    for passage in passages:
        if passage.level == 1:
            found.append(BookSection(passage.text, passage.text))
        elif found:
            title, begun = found[-1]
            found[-1] = BookSection(title, f"{begun}\n\n{passage.text.strip()}")
        else:
            found.append(BookSection(None, passage.text.strip()))
    return found


def timed_chapters(
    starts: Sequence[tuple[str, float]], seconds: float, margin: float
) -> tuple[Chapter, ...]:
    """Return the chapters of a sound file.

    Args:
        starts: headings, and the times in the speech at which they are spoken, in seconds.
        seconds: length of the speech, without margins.
        margin: silence at both ends of the file, seconds.
    """
    if not starts:
        return ()
    times = [start + margin for _, start in starts]
    ends = [*times[1:], seconds + 2 * margin]
    return tuple(
        Chapter(title, start, end)
        for (title, _), start, end in zip(starts, times, ends, strict=True)
    )


def write_chapters(sound: Path, chapters: Sequence[Chapter]) -> None:
    """Write the chapters of a sound file beside it, one on each line: ``00:00:00.100 Title``."""
    lines = (f"{clock(chapter.start)} {' '.join(chapter.title.split())}\n" for chapter in chapters)
    with atomic_writer(sound.with_suffix(".chapters.txt")) as file:
        file.write("".join(lines).encode("utf-8", "replace"))
