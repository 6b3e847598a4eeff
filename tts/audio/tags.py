"""Holds the text fields of a sound file: what players show, and where its chapters begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tts.core.errors import shortened

#: Longest field that is written into a file, characters.
MAX_FIELD = 200


class Chapter(NamedTuple):
    """Holds a chapter of a sound file.

    Attributes:
        title: its heading.
        start: time in the file at which its heading is spoken, seconds.
        end: time at which the next one begins or the file ends, seconds.
    """

    title: str
    start: float
    end: float


@dataclass(frozen=True)
class Tags:
    """Holds the text fields of a sound file; a field that is None is left out.

    Attributes:
        title: name of the piece.
        artist: who made it: the author of a book.
        album: what it is a part of: the name of a book.
        language: its code of three letters (ISO 639-2), such as "eng".
        comment: a remark.
        software: the program that wrote the file.
        chapters: in their order.
    """

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    language: str | None = None
    comment: str | None = None
    software: str | None = None
    chapters: tuple[Chapter, ...] = ()

    def fields(self, names: dict[str, str]) -> list[tuple[str, str]]:
        """Return the fields that are there, under the names that a format has for them.

        Args:
            names: the format's name of each attribute.
        """
        values = ((name, getattr(self, attribute)) for attribute, name in names.items())
        return [(name, value) for name, value in values if value is not None]

    def in_one_line(self) -> Tags:
        """Return the fields without line breaks, control characters and what is very long."""
        texts = {
            name: value if value is None else _one_line(value)
            for name, value in vars(self).items()
            if name != "chapters"
        }
        chapters = (chapter._replace(title=_one_line(chapter.title)) for chapter in self.chapters)
        return Tags(**texts, chapters=tuple(chapters))


def synthetic_comment(voice: str | None = None) -> str:
    """Return the comment by which a listener can find out that a machine spoke."""
    return f"synthetic speech (tacoglow{'' if voice is None else f', voice {voice}'})"


def clock(seconds: float, point: str = ".") -> str:
    """Return hours, minutes, seconds and milliseconds: "00:00:01.500"."""
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, rest = divmod(milliseconds, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02}{point}{rest:03}"


def encoded(text: str) -> bytes:
    """Return a text as UTF-8; what a damaged command line holds besides becomes "?"."""
    return text.encode("utf-8", "replace")


def _one_line(text: str) -> str:
    """Return a text without line breaks and characters that cannot be shown."""
    plain = "".join(c if c.isprintable() else " " for c in text[: 2 * MAX_FIELD])
    return shortened(" ".join(plain.split()), MAX_FIELD)
