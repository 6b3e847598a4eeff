"""Rewrites the header of a FLAC stream: its text fields, and its length where it is known.

Source: RFC 9639 (FLAC), section 8.
"""

from __future__ import annotations

from tts.audio.containers.vorbis_comments import comment_block, vendor_of
from tts.audio.tags import Tags

_STREAM_INFO, _COMMENTS, _LAST = 0, 4, 0x80
# the 36 bits of the number of samples within the first block; 0 means that it is not known
_LENGTH_BEGIN, _LENGTH_END, _LENGTH_BITS = 13, 18, 36


class FlacRewriter:
    """Rewrites a FLAC stream while it is written.

    Args:
        tags: the text fields.
        n_samples: number of samples, or None if it is not known.

    Attributes:
        n_inserted: by how many bytes the places move that libsndfile corrects, which is none.
    """

    n_inserted = 0

    def __init__(self, tags: Tags, n_samples: int | None = None) -> None:
        self._tags = tags
        self._n_samples = n_samples
        self._header: bytes | None = b""

    def feed(self, data: bytes) -> bytes:
        """Return the bytes that are ready: nothing before the header is complete."""
        if self._header is None:
            return data
        self._header += data
        if (blocks := _blocks(self._header)) is None:
            return b""
        sound = self._header[len(b"fLaC") + sum(4 + len(content) for _, content in blocks) :]
        self._header = None
        return self._rewritten(dict(blocks)) + sound

    def finish(self) -> bytes:
        """Return what is left at the end, which is nothing."""
        return b""

    def _rewritten(self, blocks: dict[int, bytes]) -> bytes:
        info = blocks[_STREAM_INFO]
        if self._n_samples is not None:
            field = int.from_bytes(info[_LENGTH_BEGIN:_LENGTH_END], "big")
            field = field >> _LENGTH_BITS << _LENGTH_BITS | self._n_samples
            length = field.to_bytes(_LENGTH_END - _LENGTH_BEGIN, "big")
            info = info[:_LENGTH_BEGIN] + length + info[_LENGTH_END:]
        comments = comment_block(vendor_of(blocks[_COMMENTS]), self._tags)
        head = bytes([_STREAM_INFO]) + len(info).to_bytes(3, "big") + info
        return (
            b"fLaC"
            + head
            + bytes([_COMMENTS | _LAST])
            + len(comments).to_bytes(3, "big")
            + comments
        )


def _blocks(data: bytes) -> list[tuple[int, bytes]] | None:
    """Return the kinds and contents of the header's blocks, or None before all are there."""
    blocks: list[tuple[int, bytes]] = []
    place = len(b"fLaC")
    while len(data) >= place + 4:
        kind, length = data[place], int.from_bytes(data[place + 1 : place + 4], "big")
        content = data[place + 4 : place + 4 + length]
        if len(content) < length:
            return None
        blocks.append((kind & ~_LAST, content))
        if kind & _LAST:
            return blocks
        place += 4 + length
    return None
