"""Writes the text fields of Ogg and FLAC files.

Sources: "Ogg Vorbis I format specification: comment field and header specification" (Xiph.Org), and
Xiph.Org's chapter extension.
"""

from __future__ import annotations

import struct

from tts.audio.tags import Tags, clock, encoded

_NAMES = {
    **{"title": "TITLE", "artist": "ARTIST", "album": "ALBUM"},
    **{"comment": "COMMENT", "language": "LANGUAGE", "software": "ENCODER"},
}
# Chapters are numbered by three digits
_MOST_CHAPTERS = 1000


def comment_block(vendor: bytes, tags: Tags) -> bytes:
    """Return the fields in the form that Vorbis, Opus and FLAC share.

    Args:
        vendor: name of the library that encoded the sound.
        tags: the fields; of more than 1000 chapters, the first 1000 are written.
    """
    fields = tags.fields(_NAMES)
    for number, chapter in enumerate(tags.chapters[:_MOST_CHAPTERS]):
        fields += [
            (f"CHAPTER{number:03}", clock(chapter.start)),
            (f"CHAPTER{number:03}NAME", chapter.title),
        ]
    texts = [_counted(encoded(f"{name}={value}")) for name, value in fields]
    return _counted(vendor) + struct.pack("<I", len(texts)) + b"".join(texts)


def vendor_of(block: bytes) -> bytes:
    """Return the name of the library in such a block."""
    return block[4 : 4 + struct.unpack_from("<I", block)[0]]


def _counted(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data
