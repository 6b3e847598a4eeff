"""Finds sound files that were cut off, by the length that their headers declare.

libsndfile reads such files to the end of what is there, without an error. FLAC, MP3, Opus and HTK
are not treated here, because libsndfile finds their ends itself. Its other formats, which nobody
trains from, are refused.
Sources: the WAVE specification of Microsoft and IBM (1991), EBU Tech 3306 (RF64), Sony's Wave64,
Apple's AIFF 1.3 and Core Audio Format, Sun's ``.au``, NIST's SPHERE, and RFC 3533 (Ogg).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

#: The formats that are read, by libsndfile's names; in all of them a cut is found.
CHECKED = (
    *("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "CAF", "AU", "NIST", "SVX"),
    "HTK",
)

# Programs that write into a pipe cannot know the length, and write one of these values
_UNKNOWN = {0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}
# A file with more chunks before its sound is none that a program has written
_MOST_CHUNKS = 10_000
# The first four bytes of the 16 that name a chunk of Wave64 are those of WAVE
_WAVE64_HEADER, _WAVE64_CHUNK = 40, 24
_OGG_LAST_PAGE, _OGG_HEADER, _OGG_LONGEST_PAGE = 4, 27, 65_307


def missing_bytes(file: BinaryIO) -> tuple[int, int] | None:
    """Return how many bytes of sound are there and how many are declared, if some are missing.

    Returns None for a complete file, a format without a declared length, and a file whose header
    leaves it open.
    """
    size = _size(file)
    declared = _declared_bytes(file)
    present = size - file.tell()
    if declared is None or declared in _UNKNOWN or present >= declared:
        return None
    return max(present, 0), declared


def lacks_last_page(file: BinaryIO) -> bool:
    """Return whether a file is Ogg and does not end with a page that is marked as the last."""
    file.seek(0)
    if file.read(4) != b"OggS":
        return False
    file.seek(max(_size(file) - _OGG_LONGEST_PAGE, 0))
    end = file.read()
    page = end[max(end.rfind(b"OggS"), 0) :]
    if len(page) <= _OGG_HEADER or not page[5] & _OGG_LAST_PAGE:
        return True
    # the last byte of the header is the number of segments, whose lengths follow
    n_segments = page[_OGG_HEADER - 1]
    lengths = page[_OGG_HEADER : _OGG_HEADER + n_segments]
    return len(page) < _OGG_HEADER + n_segments + sum(lengths)


def _declared_bytes(file: BinaryIO) -> int | None:
    """Return the declared length, with the file at the first byte of sound."""
    file.seek(0)
    head = file.read(12)
    kind, form = head[:4], head[8:]
    if kind in (b"RIFF", b"RIFX", b"RF64", b"BW64") and form == b"WAVE":
        return _declared_by_riff(file, ">" if kind == b"RIFX" else "<", b"data")
    if kind == b"FORM" and form in (b"AIFF", b"AIFC", b"8SVX", b"16SV"):
        return _declared_by_riff(file, ">", b"SSND" if form.startswith(b"AIF") else b"BODY")
    if kind == b"riff":
        return _declared_by_wave64(file)
    if kind == b"caff":
        file.seek(8)
        return _declared_by_caf(file)
    if kind in (b".snd", b"dns.") and len(head) == 12:
        begin, length = struct.unpack(">II" if kind == b".snd" else "<II", head[4:])
        file.seek(begin)
        return int(length)
    return _declared_by_sphere(file) if head.startswith(b"NIST_1A") else None


def _declared_by_riff(file: BinaryIO, order: str, sound: bytes) -> int | None:
    length64 = None
    for _ in range(_MOST_CHUNKS):
        if len(chunk := file.read(8)) < 8:
            return None
        name, length = struct.unpack(f"{order}4sI", chunk)
        if name == sound:
            return int(length) if length64 is None else length64
        if name == b"ds64" and len(sizes := file.read(16)) == 16:
            # the length of the whole file, and the length of the sound
            length64 = int(struct.unpack("<QQ", sizes)[1])
            length -= 16
        file.seek(length + length % 2, os.SEEK_CUR)  # chunks start at even offsets
    return None


def _declared_by_wave64(file: BinaryIO) -> int | None:
    file.seek(_WAVE64_HEADER)
    for _ in range(_MOST_CHUNKS):
        if len(chunk := file.read(_WAVE64_CHUNK)) < _WAVE64_CHUNK:
            return None
        name, length = struct.unpack("<4s12xQ", chunk)
        length -= _WAVE64_CHUNK
        if name == b"data" or length < 0:
            return max(int(length), 0)
        file.seek(length + -length % 8, os.SEEK_CUR)  # chunks start at multiples of 8
    return None


def _declared_by_caf(file: BinaryIO) -> int | None:
    for _ in range(_MOST_CHUNKS):
        if len(chunk := file.read(12)) < 12:
            return None
        name, length = struct.unpack(">4sq", chunk)
        if name == b"data" or length < 0:
            return None if length < 0 else int(length)
        file.seek(length, os.SEEK_CUR)
    return None


def _declared_by_sphere(file: BinaryIO) -> int | None:
    file.seek(8)
    try:
        begin = int(file.read(8))
        lines = file.read(min(begin, 2**16)).decode("ascii", "replace").splitlines()
        fields = {line.split()[0]: line.split()[-1] for line in lines if line.strip()}
        file.seek(begin)
        if fields.get("sample_coding", "pcm") not in ("pcm", "ulaw", "mu-law", "alaw"):
            return None  # compressed
        n_channels = int(fields.get("channel_count", 1))
        return n_channels * int(fields["sample_count"]) * int(fields["sample_n_bytes"])
    except (ValueError, KeyError, OSError):
        return None


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)
