"""Rewrites the pages of an Ogg stream: its comment header, and the number of the stream.

libsndfile gives each stream a number by chance, so that the same speech would never be the same
bytes, and it can write neither chapters nor a language.
Sources: RFC 3533 (Ogg), RFC 7845 (Opus in Ogg), "Vorbis I specification" (Xiph.Org).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tts.audio.containers.vorbis_comments import comment_block, vendor_of
from tts.audio.tags import Tags

_CONTINUED, _FIRST = 1, 2
_HEADER, _MOST_SEGMENTS, _FULL = 27, 255, 255
# position of a page in which no packet ends
_NO_POSITION = -1
_OPUS, _VORBIS = b"OpusTags", b"\x03vorbis"
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _Page(NamedTuple):
    flags: int
    position: int
    lengths: bytes
    body: bytes


class OggRewriter:
    """Rewrites an Ogg stream of Vorbis or Opus while it is written.

    Args:
        tags: the fields of the new comment header.

    Attributes:
        n_inserted: by how many bytes the places move that libsndfile corrects, which is none.
    """

    n_inserted = 0

    def __init__(self, tags: Tags) -> None:
        self._tags = tags
        self._rest = b""
        self._headers: list[bytes] | None = [b""]
        self._serial = 0
        self._n_pages = 0

    def feed(self, data: bytes) -> bytes:
        """Return the pages that are complete, of the bytes so far."""
        self._rest += data
        return b"".join(map(self._rewritten, self._pages()))

    def finish(self) -> bytes:
        """Return what is left at the end: an encoder ends with a whole page, so nothing is."""
        if self._rest or self._headers:
            raise RuntimeError("the Ogg stream ended within a page or within its headers")
        return b""

    def _pages(self) -> Iterator[_Page]:
        """Take complete pages off the bytes that are not rewritten yet."""
        while len(self._rest) >= _HEADER:
            _, flags, position = struct.unpack_from("<4sxBq", self._rest)
            begin = _HEADER + self._rest[_HEADER - 1]
            lengths = self._rest[_HEADER:begin]
            end = begin + sum(lengths)
            if len(self._rest) < end:
                return
            page = _Page(flags, position, lengths, self._rest[begin:end])
            self._rest = self._rest[end:]
            yield page

    def _rewritten(self, page: _Page) -> bytes:
        if self._headers is None:
            return self._page(page)
        # the headers end where a page ends, in Vorbis as well as in Opus
        start = 0
        for length in page.lengths:
            self._headers[-1] += page.body[start : start + length]
            start += length
            if length < _FULL:
                self._headers.append(b"")
        *complete, begun = self._headers
        is_opus = complete[0].startswith(b"OpusHead")
        if begun or len(complete) < (2 if is_opus else 3):
            return b""
        self._headers = None
        return self._header_pages(complete)

    def _header_pages(self, headers: Sequence[bytes]) -> bytes:
        head, comments, *setup = headers
        mark = _OPUS if comments.startswith(_OPUS) else _VORBIS
        block = comment_block(vendor_of(comments[len(mark) :]), self._tags)
        # Vorbis ends the block with a bit that is set
        comments = mark + block + (b"\x01" if mark == _VORBIS else b"")
        # the same sound has the same number, and two files in a chain have different ones
        self._serial = zlib.crc32(head + comments)
        pages = [_Page(_FIRST, 0, *_laced([head])), *_paginated([comments, *setup])]
        return b"".join(map(self._page, pages))

    def _page(self, page: _Page) -> bytes:
        start = struct.pack("<4sBBq", b"OggS", 0, page.flags, page.position)
        numbers = struct.pack("<II", self._serial, self._n_pages)
        rest = bytes([len(page.lengths)]) + page.lengths + page.body
        self._n_pages += 1
        checksum = ogg_checksum(start + numbers + bytes(4) + rest)
        return start + numbers + struct.pack("<I", checksum) + rest


def ogg_checksum(data: bytes) -> int:
    """Return Ogg's checksum of a page.

    It is that of zlib with all bits in the opposite order, from 0 and without the last inversion.
    """
    mirrored = zlib.crc32(data.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRRORED), "big")


def _laced(packets: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the lengths of the segments of packets, and their content."""
    lengths = b"".join(
        bytes([_FULL]) * (len(packet) // _FULL) + bytes([len(packet) % _FULL]) for packet in packets
    )
    return lengths, b"".join(packets)


def _paginated(packets: Sequence[bytes]) -> Iterator[_Page]:
    """Yield the pages of header packets, each as full as it can be."""
    lengths, body = _laced(packets)
    flags = 0
    for first in range(0, len(lengths), _MOST_SEGMENTS):
        segments = lengths[first : first + _MOST_SEGMENTS]
        content, body = body[: sum(segments)], body[sum(segments) :]
        ends_packet = any(length < _FULL for length in segments)
        yield _Page(flags, 0 if ends_packet else _NO_POSITION, segments, content)
        flags = _CONTINUED if segments[-1] == _FULL else 0
