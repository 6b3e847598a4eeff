"""Encodes sound files block by block, so that a long file needs no more memory than a short one.

An integer sample is the float sample times a power of two, as in the front ends of published
checkpoints, so that 16-bit sound survives a round trip exactly. Samples outside [-1, 1] are limited
and the log says so. Floating-point files keep them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from tts.audio.formats import default_bits, format_of
from tts.audio.pcm import Waveform
from tts.audio.resampling import resampled_blocks
from tts.audio.stream_encoder import StreamEncoder
from tts.audio.tags import Tags
from tts.core.errors import InputError
from tts.core.files import atomic_writer

#: A WAV file states its length in 32 bits; some of them are left for the header.
MAX_WAV_BYTES = 2**32 - 2**12


def check_encoding(path: str | os.PathLike[str], sample_rate: int, bits: int | None = None) -> None:
    """Check, before speech is computed, that libsndfile can write such a file.

    Raises:
        InputError: the ending, the bits or the rate is not possible, or the installed libsndfile
            cannot write the format.
    """
    _encoder(Path(path), sample_rate, bits)


def encode_wave(kind: str, samples: Waveform, sample_rate: int, bits: int | None = None) -> bytes:
    """Encode a wave as a sound file in memory, to be put into a page.

    Args:
        kind: the ending of such a file, without the dot: ``"flac"``.
        samples: ``(T_wave,)`` in [-1, 1].
        sample_rate: samples per second, Hz.
        bits: bits of a sample; None takes the default of the format.

    Returns:
        The bytes of the file.

    Raises:
        InputError: for the same reasons as :func:`write_blocks`.
    """
    path, encoded = Path(f"sound.{kind}"), io.BytesIO()
    encoder = _encoder(path, sample_rate, bits, len(samples))
    _encode(encoded, path, resampled_blocks(samples, sample_rate, sample_rate), encoder)
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
    tags: Tags | None = None,
) -> None:
    """Write mono sound atomically, in the format that the ending of the name stands for.

    Args:
        path: the file, in a folder that exists; an existing file is replaced.
        blocks: samples ``(n,)``, one block after the other. Samples outside [-1, 1] are limited and
            logged, unless the file has floating-point samples.
        n_samples: number of samples of all blocks together.
        sample_rate: samples per second, Hz.
        bits: bits of a sample, 32 for floating point; None takes the default of the format.
        tags: text fields and chapters to store in the file.

    Raises:
        InputError: the ending, the bits or the rate is not possible, a sample is not finite, the
            sound is too long for the format, or the file cannot be written.
    """
    path = Path(path)
    check_length(path, n_samples, (default_bits(format_of(path, bits), bits) or 0) // 8)
    encoder = _encoder(path, sample_rate, bits, n_samples, tags)
    with atomic_writer(path) as file:
        _encode(file, path, blocks, encoder)
    encoder.limiter.log(path)


def _encoder(
    path: Path,
    sample_rate: int,
    bits: int | None,
    n_samples: int | None = None,
    tags: Tags | None = None,
) -> StreamEncoder:
    name = format_of(path, bits).name
    try:
        return StreamEncoder(
            name, sample_rate, bits=bits, n_samples=n_samples, tags=tags, correctable=True
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _encode(file: BinaryIO, path: Path, blocks: Iterable[Waveform], encoder: StreamEncoder) -> None:
    for block in blocks:
        try:
            data = encoder.feed(block)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        file.write(data)
    file.write(encoder.finish())
    for place, data in encoder.corrections:
        file.seek(place)
        file.write(data)
