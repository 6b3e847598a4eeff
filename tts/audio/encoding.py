"""Sound files of every kind that is written, block by block, so that their length costs no memory.

Whole numbers are the samples times a power of two, as the front ends of published checkpoints have
it, so that 16-bit sound survives a round trip exactly; what is outside [-1, 1] is limited, and
told. Files of floating point keep it.
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

#: Bits that one may ask for; 32 are floating point.
BITS = (16, 24, 32)
#: A WAV states its length in 32 bits; its header is short.
MAX_WAV_BYTES = 2**32 - 2**12
#: By the ending of a name: what libsndfile calls the format, and the samples in it by their bits,
#: the usual first; formats that lose something have none.
_FORMATS: dict[str, tuple[str, dict[int | None, str]]] = {
    ".wav": ("WAV", {16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}),
    ".flac": ("FLAC", {16: "PCM_16", 24: "PCM_24"}),
    ".ogg": ("OGG", {None: "VORBIS"}),
    ".mp3": ("MP3", {None: "MPEG_LAYER_III"}),
}
#: Endings of the files that can be written.
ENDINGS = tuple(_FORMATS)


class Encoding(NamedTuple):
    """How samples are written.

    Attributes:
        kind: libsndfile's name of the format.
        subtype: its name of what the samples become.
        bits: of a sample; None where sound is compressed with a loss.
    """

    kind: str
    subtype: str
    bits: int | None


def find_encoding(path: str | os.PathLike[str], bits: int | None = None) -> Encoding:
    """The encoding that the ending of a name asks for.

    Args:
        path: of the file.
        bits: of its samples, 32 for floating point; None takes what is usual, which is 16.

    Raises:
        InputError: another ending, or bits that the format does not have.
    """
    ending = Path(path).suffix.lower()
    if ending not in _FORMATS:
        raise InputError(f"{path}: cannot write {Path(path).suffix!r}; use {', '.join(ENDINGS)}")
    kind, subtypes = _FORMATS[ending]
    if bits is None:
        bits = next(iter(subtypes))
    if bits not in subtypes:
        have = " or ".join(str(n) for n in subtypes if n is not None)
        raise InputError(
            f"bits={bits}: {kind} {f'has {have}' if have else 'has none, leave it null'} ({path})"
        )
    return Encoding(kind, subtypes[bits], bits)


def check_encoding(path: str | os.PathLike[str], sample_rate: int, bits: int | None = None) -> None:
    """Find out before the work whether sound of this kind can be written here.

    Raises:
        InputError: it cannot, by this libsndfile or at all.
    """
    _encode(io.BytesIO(), Path(path), [], sample_rate, find_encoding(path, bits), {})


def encode_wave(kind: str, samples: Waveform, sample_rate: int, bits: int | None = None) -> bytes:
    """A sound file in memory, to be put into a page.

    Args:
        kind: ``"wav"``, ``"flac"``, ``"ogg"`` or ``"mp3"``.
        samples: ``(T_wave,)`` in [-1, 1].
        sample_rate: samples per second, Hz.
        bits: of a sample; None takes what is usual.

    Raises:
        InputError: as :func:`write_blocks`.
    """
    path = Path(f"sound.{kind}")
    blocks = resampled_blocks(samples, sample_rate, sample_rate)
    encoded = io.BytesIO()
    _encode(encoded, path, blocks, sample_rate, find_encoding(path, bits), {})
    return encoded.getvalue()


def check_length(path: Path, n_samples: int, n_bytes: int = 2) -> None:
    """Refuse what a WAV cannot hold.

    Raises:
        InputError: it would be longer than 4 GB.
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
    """Write mono sound atomically, in the format that the ending of the name says.

    Args:
        path: the file, in a folder that exists; one of that name is replaced.
        blocks: samples ``(n,)``, one block after the other; what is outside [-1, 1] is limited,
            and logged, unless the file is of floating point.
        n_samples: of all blocks.
        sample_rate: samples per second, Hz.
        bits: of a sample, 32 for floating point; None takes what is usual.
        tags: what is said of the sound inside of the file, by libsndfile's names (``title``).

    Raises:
        InputError: an ending, bits or a rate that there is not, samples that are not finite, more
            than the format can hold, or a place that cannot be written.
    """
    path = Path(path)
    encoding = find_encoding(path, bits)
    check_length(path, n_samples, (encoding.bits or 0) // 8)
    with atomic_writer(path) as file:
        over = _encode(file, path, blocks, sample_rate, encoding, tags or {})
    over.tell(path)


@dataclass
class Limiter:
    """Samples that did not fit, and how loud they were."""

    n_samples: int = 0
    peak: float = 1.0

    def __call__(self, block: Waveform) -> Waveform:
        """Limit a block to [-1, 1]."""
        n_over = int((np.abs(block) > 1).sum())
        if not n_over:
            return block
        self.n_samples += n_over
        self.peak = max(self.peak, float(np.abs(block).max()))
        return block.clip(-1, 1)

    def tell(self, path: Path) -> None:
        """Log it, if there is anything to tell."""
        if self.n_samples:
            _log.warning(
                "%s: %d samples up to %.3f were limited to [-1, 1]", path, self.n_samples, self.peak
            )


@dataclass
class _Watched:
    """A file whose errors libsndfile would lose."""

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
        except OSError as error:  # what was buffered did not fit
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
    watched, over = _Watched(file), Limiter()
    try:
        with soundfile.SoundFile(watched, "w", sample_rate, 1, subtype, format=kind) as sound:
            for name, value in tags.items():
                setattr(sound, name, value)
            for block in blocks:
                if not np.isfinite(block).all():
                    raise InputError(f"{path}: needs finite samples")
                sound.write(block if bits == 32 else to_pcm(over(block), bits))
    except soundfile.SoundFileError as error:
        if watched.error is None:
            raise InputError(f"{path}: {kind} cannot hold sound of {sample_rate} Hz") from error
    if watched.error is not None:
        raise watched.error
    return over
