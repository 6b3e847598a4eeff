"""Writes the header of a WAV file.

Source: "Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991).
"""

from __future__ import annotations

import struct

from tts.audio.tags import Tags, encoded

#: The length in the header of a stream whose end is not known.
UNKNOWN_LENGTH = 0xFFFFFFFF
_INTEGER, _FLOAT = 1, 3
# title, artist, product, comment, language, software
_INFO = {
    **{"title": "INAM", "artist": "IART", "album": "IPRD"},
    **{"comment": "ICMT", "language": "ILNG", "software": "ISFT"},
}


def wav_header(
    sample_rate: int, bits: int = 16, n_samples: int | None = None, tags: Tags | None = None
) -> bytes:
    """Return the bytes before the samples of a mono WAV.

    Args:
        sample_rate: Hz.
        bits: bits of a sample; 32 means floating point.
        n_samples: number of samples, or None if it is not known. The header then has the 44 bytes
            that every reader understands, and no tags.
        tags: text fields; a WAV holds no chapters.
    """
    size = bits // 8
    kind = _FLOAT if bits == 32 else _INTEGER
    form = struct.pack("<HHIIHH", kind, 1, sample_rate, size * sample_rate, size, bits)
    if n_samples is None:
        chunks = _chunk("fmt ", form) + b"data" + struct.pack("<I", UNKNOWN_LENGTH)
        return b"RIFF" + struct.pack("<I", UNKNOWN_LENGTH) + b"WAVE" + chunks
    n_bytes = size * n_samples
    chunks = _chunk("fmt ", form)
    if kind == _FLOAT:
        chunks += _chunk("fact", struct.pack("<I", n_samples))
    fields = [] if tags is None else tags.fields(_INFO)
    if fields:
        texts = (_chunk(name, encoded(value) + b"\0") for name, value in fields)
        chunks += _chunk("LIST", b"INFO" + b"".join(texts))
    chunks += b"data" + struct.pack("<I", n_bytes)
    length = len(b"WAVE") + len(chunks) + n_bytes + len(padding(n_bytes))
    return b"RIFF" + struct.pack("<I", length) + b"WAVE" + chunks


def padding(n_bytes: int) -> bytes:
    """Return what follows a chunk of so many bytes, because the next begins at an even place."""
    return bytes(n_bytes % 2)


def _chunk(name: str, content: bytes) -> bytes:
    size = struct.pack("<I", len(content))
    return name.encode("ascii") + size + content + padding(len(content))
