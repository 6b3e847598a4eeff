"""Encodes sound files block by block, so that a long file needs no more memory than a short one.

An integer sample is the float sample times a power of two, as in the front ends of published
checkpoints, so that 16-bit sound survives a round trip exactly. Samples outside [-1, 1] are limited
and the log says so. Floating-point files keep them.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from tts.audio.pcm import Waveform, to_pcm
from tts.audio.resampling import resampled_blocks
from tts.core.errors import InputError
from tts.core.files import atomic_writer

_log = logging.getLogger(__name__)

#: Bits of a sample that the user may choose; 32 means floating point.
BITS = (16, 24, 32)
#: A WAV file states its length in 32 bits; some of them are left for the header.
MAX_WAV_BYTES = 2**32 - 2**12
#: For each file ending: libsndfile's name of the format, and its sample types by their bits. The
#: default comes first. Lossy formats have no bits.
_FORMATS: dict[str, tuple[str, dict[int | None, str]]] = {
    ".wav": ("WAV", {16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}),
    ".flac": ("FLAC", {16: "PCM_16", 24: "PCM_24"}),
    ".ogg": ("OGG", {None: "VORBIS"}),
    ".mp3": ("MP3", {None: "MPEG_LAYER_III"}),
}
#: Endings of the files that can be written.
ENDINGS = tuple(_FORMATS)


class Encoding(NamedTuple):
    """Describes how samples are written to a file.

    Attributes:
        kind: libsndfile's name of the file format.
        subtype: libsndfile's name of the sample type.
        bits: bits of a sample; None in a lossy format.
    """

    kind: str
    subtype: str
    bits: int | None


def find_encoding(path: str | os.PathLike[str], bits: int | None = None) -> Encoding:
    """Return the encoding that the ending of a file name stands for.

    Args:
        path: name of the file.
        bits: bits of a sample, 32 for floating point; None takes the default of the format, which
            is 16 where the format has bits.

    Raises:
        InputError: the ending is unknown, or the format does not have these bits.
    """
    ending = Path(path).suffix.lower()
    if ending not in _FORMATS:
        raise InputError(f"{path}: cannot write {Path(path).suffix!r}; use {', '.join(ENDINGS)}")
    kind, subtypes = _FORMATS[ending]
    if bits is None:
        bits = next(iter(subtypes))
    if bits not in subtypes:
        legal = " or ".join(str(n) for n in subtypes if n is not None)
        raise InputError(
            f"bits={bits}: {kind} {f'has {legal}' if legal else 'has none, leave it null'} ({path})"
        )
    return Encoding(kind, subtypes[bits], bits)


def check_encoding(path: str | os.PathLike[str], sample_rate: int, bits: int | None = None) -> None:
    """Check, before speech is computed, that libsndfile can write such a file.

    Raises:
        InputError: the ending, the bits or the rate is not possible, or the installed libsndfile
            cannot write the format.
    """
    _encode(io.BytesIO(), Path(path), [], sample_rate, find_encoding(path, bits), {})


def encode_wave(kind: str, samples: Waveform, sample_rate: int, bits: int | None = None) -> bytes:
    """Encode a wave as a sound file in memory, to be put into a page.

    Args:
        kind: ``"wav"``, ``"flac"``, ``"ogg"`` or ``"mp3"``.
        samples: ``(T_wave,)`` in [-1, 1].
        sample_rate: samples per second, Hz.
        bits: bits of a sample; None takes the default of the format.

    Returns:
        The bytes of the file.

    Raises:
        InputError: for the same reasons as :func:`write_blocks`.
    """
    path = Path(f"sound.{kind}")
    blocks = resampled_blocks(samples, sample_rate, sample_rate)
    encoded = io.BytesIO()
    _encode(encoded, path, blocks, sample_rate, find_encoding(path, bits), {})
    return encoded.getvalue()


def check_length(path: Path, n_samples: int, n_bytes: int = 2) -> None:
    """Refuse sound that is too long for a WAV file.

    Args:
        path: name of the file; endings other than ``.wav`` have no limit.
        n_samples: number of samples.
        n_bytes: bytes of a sample.

    Raises:
        InputError: the file would be larger than 4 GB.
    """
    if path.suffix.lower() == ".wav" and n_samples * n_bytes > MAX_WAV_BYTES:
        raise InputError(
            f"{path}: {n_samples * n_bytes / 2**30:.1f} GB are more than a WAV can hold (4 GB); "
            f"use {path.with_suffix('.flac')} or several files"
        )


def write_blocks(
    path: str | os.PathLike[str],
    blocks: Iterable[Waveform],
    n_samples: int,
    sample_rate: int,
    bits: int | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write mono sound atomically, in the format that the ending of the name stands for.

    Args:
        path: the file, in a folder that exists; an existing file is replaced.
        blocks: samples ``(n,)``, one block after the other. Samples outside [-1, 1] are limited and
            logged, unless the file has floating-point samples.
        n_samples: number of samples of all blocks together.
        sample_rate: samples per second, Hz.
        bits: bits of a sample, 32 for floating point; None takes the default of the format.
        tags: text fields to store in the file, by libsndfile's names (``title``).

    Raises:
        InputError: the ending, the bits or the rate is not possible, a sample is not finite, the
            sound is too long for the format, or the file cannot be written.
    """
    path = Path(path)
    encoding = find_encoding(path, bits)
    check_length(path, n_samples, (encoding.bits or 0) // 8)
    with atomic_writer(path) as file:
        limiter = _encode(file, path, blocks, sample_rate, encoding, tags or {})
    limiter.log(path)


@dataclass
class Limiter:
    """Limits samples to [-1, 1] and counts the samples that it changed.

    Attributes:
        n_samples: number of samples that were outside [-1, 1].
        peak: the largest magnitude among them, or 1.
    """

    n_samples: int = 0
    peak: float = 1.0

    def __call__(self, block: Waveform) -> Waveform:
        """Return a block of samples ``(n,)``, limited to [-1, 1]."""
        n_over = int((np.abs(block) > 1).sum())
        if not n_over:
            return block
        self.n_samples += n_over
        self.peak = max(self.peak, float(np.abs(block).max()))
        return block.clip(-1, 1)

    def log(self, path: Path) -> None:
        """Log how many samples of a file were limited, if there are any."""
        if self.n_samples:
            _log.warning(
                "%s: %d samples up to %.3f were limited to [-1, 1]", path, self.n_samples, self.peak
            )


@dataclass
class _ErrorRecordingFile:
    """Wraps a file and keeps the first OSError, because libsndfile does not pass it on."""

    file: BinaryIO
    error: OSError | None = field(default=None, init=False)

    def write(self, data: Any) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.error = self.error or error
            return 0

    def read(self, n: int = -1) -> bytes:
        return self.file.read(n)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self.file.seek(offset, whence)
        except OSError as error:  # seeking writes the buffer, which may not fit on the disk
            self.error = self.error or error
            return -1

    def tell(self) -> int:
        return self.file.tell()


def _encode(
    file: BinaryIO,
    path: Path,
    blocks: Iterable[Waveform],
    sample_rate: int,
    encoding: Encoding,
    tags: Mapping[str, str],
) -> Limiter:
    import soundfile

    kind, subtype, bits = encoding
    recorder, limiter = _ErrorRecordingFile(file), Limiter()
    try:
        with soundfile.SoundFile(recorder, "w", sample_rate, 1, subtype, format=kind) as sound:
            for name, value in tags.items():
                setattr(sound, name, value)
            for block in blocks:
                if not np.isfinite(block).all():
                    raise InputError(f"{path}: samples must be finite (no NaN or infinity)")
                sound.write(block if bits == 32 else to_pcm(limiter(block), bits))
                if recorder.error is not None:
                    break
    except soundfile.SoundFileError as error:
        if recorder.error is None:
            raise InputError(f"{path}: {kind} cannot hold sound of {sample_rate} Hz") from error
    except AssertionError:  # soundfile counts the samples that libsndfile has written
        if recorder.error is None:
            raise
    if recorder.error is not None:
        raise recorder.error
    return limiter
