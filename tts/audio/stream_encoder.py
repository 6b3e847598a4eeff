"""Encodes sound while it is made: samples go in, and the bytes of one sound file come out.

The bytes are ready for a pipe or a network: nothing that has been given out is changed, and there
is one header. Memory does not grow with the length of the sound.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

import numpy as np

from tts.audio.containers.flac import FlacRewriter
from tts.audio.containers.mp3 import Mp3Rewriter
from tts.audio.containers.ogg import OggRewriter
from tts.audio.containers.riff import padding, wav_header
from tts.audio.formats import FORMATS, Format, default_bits
from tts.audio.limiter import Limiter
from tts.audio.pcm import Waveform, pcm_bytes, to_pcm
from tts.audio.resampling import resampled_length
from tts.audio.tags import Tags
from tts.core.errors import InputError

# Samples that libsndfile gets at a time: what its Vorbis encoder writes depends on it
_BLOCK = 4096
# Highest rate (Hz) of each generation of MP3, and the compression at which LAME takes 32, 64 and 96
# thousand bits per second
_MP3_LEVELS = ((12_000, 0.5714), (24_000, 0.6316), (48_000, 0.7778))


class StreamEncoder:
    """Encodes one mono sound chunk by chunk.

    An MP3 has as many samples as went in only if the number is known at the beginning or the
    corrections are applied. Otherwise players hear up to 0.15 s of silence more: the delay of the
    encoder, and what fills the last frame.

    Args:
        format: a key of :data:`tts.audio.formats.FORMATS`: "wav", "flac", "ogg" (Vorbis), "opus",
            "mp3" or "pcm" (the samples alone, 16 bits, little-endian).
        sample_rate: rate of the result, Hz; None takes the best for the source, which is its own
            unless the format cannot have it (Opus: 22,050 becomes 24,000).
        source_rate: rate of the samples that are fed, Hz; None means that of the result.
        bits: bits of a sample, 32 for floating point; None takes the default of the format.
        n_samples: how many samples will be fed, if it is known. WAV, FLAC and MP3 then state their
            length; those of unknown length have a header that says so.
        tags: text fields and chapters. A WAV has them only if its length is known, and PCM never.
        correctable: the receiver writes ``corrections`` over what it has got, as in a file. Then an
            MP3 has a variable bitrate and a table for jumping to a place, and a FLAC its checksum.

    Attributes:
        sample_rate: rate of the result, Hz.
        content_type: what the bytes are, for a header of HTTP.
        limiter: how many samples were outside [-1, 1] and were limited.
        corrections: after :meth:`finish`, places in the bytes and what belongs there; empty if not
            ``correctable``.

    Raises:
        InputError: the format, the rate or the bits are not possible.
    """

    def __init__(
        self,
        format: str,
        sample_rate: int | None = None,
        source_rate: int | None = None,
        *,
        bits: int | None = None,
        n_samples: int | None = None,
        tags: Tags | None = None,
        correctable: bool = False,
    ) -> None:
        sound = _format(format)
        self.sample_rate, source_rate = _rates(sound, sample_rate, source_rate)
        self.content_type = _content_type(sound, self.sample_rate)
        self.limiter = Limiter()
        self.corrections: list[tuple[int, bytes]] = []
        self._bits = default_bits(sound, bits)
        self._n_expected = n_samples
        self._n_fed = 0
        self._resampler = _resampler(source_rate, self.sample_rate)
        if n_samples is not None:
            n_samples = resampled_length(n_samples, source_rate, self.sample_rate)
        encoding = (sound, self.sample_rate, self._bits, n_samples, tags or Tags())
        self._writer: _Writer = (
            _LibsndfileWriter(*encoding, correctable) if sound.kind else _SampleWriter(*encoding)
        )

    def feed(self, wave: Waveform) -> bytes:
        """Encode the next samples.

        Args:
            wave: ``(n,)`` float32 at the rate of the source. Samples outside [-1, 1] are limited
                and counted, unless the result has floating-point samples.

        Returns:
            The bytes that are ready, often none: compressed formats collect up to a second.

        Raises:
            InputError: a sample is not finite.
        """
        if not np.isfinite(wave).all():
            raise InputError("samples must be finite (no NaN or infinity)")
        self._n_fed += len(wave)
        if self._resampler is not None:
            wave = self._resampler.resample_chunk(np.ascontiguousarray(wave, np.float32))
        return self._encode(wave)

    def finish(self) -> bytes:
        """Return the rest of the bytes; nothing can be fed afterwards.

        Raises:
            ValueError: other than ``n_samples`` samples were fed.
        """
        if self._n_expected not in (None, self._n_fed):
            raise ValueError(f"{self._n_fed} samples were fed, and {self._n_expected} announced")
        rest = b""
        if self._resampler is not None:
            rest = self._encode(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        rest += self._writer.finish()
        self.corrections = self._writer.corrections
        return rest

    def _encode(self, wave: Waveform) -> bytes:
        return self._writer.write(wave if self._bits == 32 else self.limiter(wave))


class _Writer(Protocol):
    """Turns samples at the final rate into bytes."""

    corrections: list[tuple[int, bytes]]

    def write(self, wave: Waveform) -> bytes: ...

    def finish(self) -> bytes: ...


class _SampleWriter:
    """Writes samples that are not compressed: WAV and PCM."""

    def __init__(
        self, sound: Format, sample_rate: int, bits: int | None, n_samples: int | None, tags: Tags
    ) -> None:
        self.corrections: list[tuple[int, bytes]] = []
        self._bits = bits or 16
        self._n_bytes = 0
        self._has_padding = sound.is_file and n_samples is not None
        self._header = b""
        if sound.is_file:
            self._header = wav_header(sample_rate, self._bits, n_samples, tags)

    def write(self, wave: Waveform) -> bytes:
        header, self._header = self._header, b""
        data = pcm_bytes(wave, self._bits)
        self._n_bytes += len(data)
        return header + data

    def finish(self) -> bytes:
        return self._header + (padding(self._n_bytes) if self._has_padding else b"")


class _LibsndfileWriter:
    """Writes FLAC, Vorbis, Opus and MP3 by libsndfile."""

    def __init__(
        self,
        sound: Format,
        sample_rate: int,
        bits: int | None,
        n_samples: int | None,
        tags: Tags,
        correctable: bool,
    ) -> None:
        import soundfile

        self.corrections: list[tuple[int, bytes]] = []
        self._bits = bits
        self._sink = _Sink()
        self._waiting = np.zeros(0, np.float32)
        self._correctable = correctable
        self._rewriter: OggRewriter | FlacRewriter | Mp3Rewriter
        options: dict[str, Any] = {}
        if sound.name == "mp3":
            self._rewriter = Mp3Rewriter(tags, sample_rate, n_samples, correctable)
            if not correctable:
                # players guess the length of a stream from the bitrate of its beginning
                level = next(level for most, level in _MP3_LEVELS if sample_rate <= most)
                options = {"bitrate_mode": "CONSTANT", "compression_level": level}
        elif sound.name == "flac":
            self._rewriter = FlacRewriter(tags, n_samples)
        else:
            self._rewriter = OggRewriter(tags)
        subtype = sound.subtypes[bits]
        try:
            self._file = soundfile.SoundFile(
                self._sink, "w", sample_rate, 1, subtype, format=sound.kind, **options
            )
        except soundfile.SoundFileError as error:
            raise InputError(f"{sound.title} cannot hold sound of {sample_rate} Hz") from error

    def write(self, wave: Waveform) -> bytes:
        waiting = np.concatenate([self._waiting, wave])
        n_ready = len(waiting) - len(waiting) % _BLOCK
        self._waiting = waiting[n_ready:].copy()
        return b"".join(
            self._encoded(waiting[start : start + _BLOCK]) for start in range(0, n_ready, _BLOCK)
        )

    def finish(self) -> bytes:
        data = self._encoded(self._waiting) if len(self._waiting) else b""
        self._file.close()
        if self._correctable:
            shift = self._rewriter.n_inserted
            self.corrections = [(shift + at, new) for at, new in self._sink.corrections]
        return data + self._rewriter.feed(self._sink.take()) + self._rewriter.finish()

    def _encoded(self, block: Waveform) -> bytes:
        self._file.write(to_pcm(block, self._bits))
        return self._rewriter.feed(self._sink.take())


class _Sink:
    """Receives what libsndfile writes, and keeps the corrections of what was taken already."""

    def __init__(self) -> None:
        self.corrections: list[tuple[int, bytes]] = []
        self._data = bytearray()
        self._n_taken = 0
        self._place = 0

    def take(self) -> bytes:
        """Return the bytes that were written since the last time."""
        data = bytes(self._data)
        self._n_taken += len(data)
        self._data.clear()
        return data

    def write(self, data: Any) -> int:
        data = bytes(data)
        if self._place < self._n_taken:
            self.corrections.append((self._place, data))
        else:
            start = self._place - self._n_taken
            self._data[start : start + len(data)] = data
        self._place += len(data)
        return len(data)

    def read(self, n: int = -1) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        end = self._n_taken + len(self._data)
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: end}[whence]
        return self._place

    def tell(self) -> int:
        return self._place


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise InputError(f"format={name}: it must be one of {', '.join(FORMATS)}")
    return FORMATS[name]


def _rates(sound: Format, sample_rate: int | None, source_rate: int | None) -> tuple[int, int]:
    """Return the rates of the result and of the source."""
    if sample_rate is None:
        if source_rate is None:
            raise ValueError("give sample_rate, source_rate or both")
        sample_rate = sound.nearest_rate(source_rate)
    sound.check_rate(sample_rate)
    return sample_rate, source_rate or sample_rate


def _resampler(rate: int, wanted: int) -> Any:
    if rate == wanted:
        return None
    import soxr

    return soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ")


def _content_type(sound: Format, sample_rate: int) -> str:
    # the samples alone do not say how they are to be read
    more = "" if sound.is_file else f";rate={sample_rate};channels=1"
    return f"{sound.media_type}{more}"
