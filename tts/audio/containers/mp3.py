"""Rewrites the beginning of an MP3: its tags, and the first frame of a stream.

LAME, the encoder within libsndfile, leaves the first frame empty and fills it in at the end with
the number of frames. A stream cannot be changed afterwards; players would take the empty frame for
sound and guess a wrong length. So the frame is filled in at the beginning if the number of samples
is known, and left out if it is not.
Sources: "Mp3 Info Tag rev 1 specifications" (G. Bouvigne) and the headers of ISO 11172-3, 13818-3.
"""

from __future__ import annotations

from tts.audio.containers.id3 import id3_tag
from tts.audio.tags import Tags

# samples that LAME puts before the sound, and that it needs after it
_DELAY = _LOOKAHEAD = 576
_HEADER = 4
_LAME_BYTES = 36
# the constant bitrates in thousands of bits per second, of MPEG 1, and of MPEG 2 and 2.5
_BITRATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BITRATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


class Mp3Rewriter:
    """Rewrites an MP3 while it is written.

    Args:
        tags: the text fields and chapters.
        sample_rate: Hz.
        n_samples: number of samples, or None if it is not known.
        is_corrected: the first frame stays as it is, because it is going to be replaced by that
            which LAME writes at the end.

    Attributes:
        n_inserted: number of bytes that come before those of LAME.
    """

    def __init__(
        self,
        tags: Tags,
        sample_rate: int,
        n_samples: int | None = None,
        is_corrected: bool = False,
    ) -> None:
        self._tags = id3_tag(tags)
        self._rate = sample_rate
        self._n_samples = n_samples
        self._is_corrected = is_corrected
        self._first: bytes | None = b""
        self.n_inserted = len(self._tags)

    def feed(self, data: bytes) -> bytes:
        """Return the bytes that are ready: nothing before the first frame is complete."""
        if self._first is None:
            return data
        self._first += data
        if len(self._first) < _HEADER:
            return b""
        if self._is_corrected:
            data, self._first = self._first, None
            return self._tags + data
        length = self._frame_bytes(self._first)
        if len(self._first) < length:
            return b""
        frame, sound = self._first[:length], self._first[length:]
        self._first = None
        return self._tags + self._filled(frame) + sound

    def finish(self) -> bytes:
        """Return what is left at the end, which is nothing."""
        return b""

    def _frame_bytes(self, header: bytes) -> int:
        is_mpeg1 = self._rate >= 32_000
        bitrates = _BITRATES_1 if is_mpeg1 else _BITRATES_2
        bitrate = 1000 * bitrates[header[2] >> 4]
        padding = header[2] >> 1 & 1
        return (144 if is_mpeg1 else 72) * bitrate // self._rate + padding

    def _filled(self, frame: bytes) -> bytes:
        """Return the first frame with the delay of the encoder and the length, or no frame."""
        is_mpeg1 = self._rate >= 32_000
        begin = _HEADER + (17 if is_mpeg1 else 9)
        if frame[_HEADER:].strip(b"\0"):
            raise RuntimeError("the first frame of an MP3 is not the empty one of LAME")
        if self._n_samples is None:
            return b""
        per_frame = 1152 if is_mpeg1 else 576
        n_frames = -(-(self._n_samples + _DELAY + _LOOKAHEAD) // per_frame)
        padding = n_frames * per_frame - self._n_samples - _DELAY
        info = b"Info" + (1).to_bytes(4, "big") + n_frames.to_bytes(4, "big")
        # the fields that are zero: revision, lowpass, volume, bitrate, preset, length and checksum
        lame = b"LAME3.100" + bytes(12) + (_DELAY << 12 | padding).to_bytes(3, "big")
        filled = frame[:begin] + info + lame
        filled += bytes(begin + len(info) + _LAME_BYTES - 2 - len(filled))
        filled += _crc16(filled).to_bytes(2, "big")
        return filled + frame[len(filled) :]


def _crc16(data: bytes) -> int:
    """Return the checksum of LAME's fields: polynomial 0x8005, bits mirrored, from 0."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value
