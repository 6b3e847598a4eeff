"""Writes the text fields and chapters of an MP3 file.

ID3v2.3 is used, because more players read it than version 2.4.
Sources: "ID3 tag version 2.3.0" (M. Nilsson, 1999), "ID3v2 Chapter Frame Addendum 1.0" (2005).
"""

from __future__ import annotations

import struct

from tts.audio.tags import Chapter, Tags

_FRAMES = {
    **{"title": "TIT2", "artist": "TPE1", "album": "TALB"},
    **{"language": "TLAN", "software": "TSSE"},
}
_UTF_16 = b"\x01"
# the list of contents counts its entries in one byte
_MOST_CONTENTS = 255
_TOP, _ORDERED = 2, 1
_NO_OFFSET = b"\xff" * 8


def id3_tag(tags: Tags) -> bytes:
    """Return the bytes that come before an MP3; b"" if there is no field and no chapter.

    Of more than 255 chapters, the list of contents names the first 255.
    """
    frames = [_text(name, value) for name, value in tags.fields(_FRAMES)]
    if tags.comment is not None:
        # the comment that tacoglow writes is English, whatever the language of the speech
        content = _UTF_16 + b"eng" + _utf16("") + b"\0\0" + _utf16(tags.comment) + b"\0\0"
        frames.append(_frame("COMM", content))
    if tags.chapters:
        frames.append(_contents(len(tags.chapters)))
        frames += [_chapter(number, item) for number, item in enumerate(tags.chapters)]
    body = b"".join(frames)
    return b"ID3\x03\x00\x00" + _seven_bits(len(body)) + body if body else b""


def _contents(n_chapters: int) -> bytes:
    """Return the frame that lists the chapters."""
    n_listed = min(n_chapters, _MOST_CONTENTS)
    names = b"".join(_name(number) for number in range(n_listed))
    return _frame("CTOC", b"toc\0" + bytes([_TOP | _ORDERED, n_listed]) + names)


def _chapter(number: int, chapter: Chapter) -> bytes:
    times = struct.pack(">II", round(1000 * chapter.start), round(1000 * chapter.end))
    return _frame("CHAP", _name(number) + times + _NO_OFFSET + _text("TIT2", chapter.title))


def _name(number: int) -> bytes:
    return f"chp{number}".encode() + b"\0"


def _text(name: str, value: str) -> bytes:
    return _frame(name, _UTF_16 + _utf16(value) + b"\0\0")


def _frame(name: str, content: bytes) -> bytes:
    return name.encode("ascii") + struct.pack(">IH", len(content), 0) + content


def _utf16(text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le", "replace")


def _seven_bits(number: int) -> bytes:
    """Return a number in four bytes of seven bits, which never look like the start of sound."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
