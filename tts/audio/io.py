"""Reads and writes sound files; every fault is a one-line error, and no file is half-written.

Samples are float32 in [-1, 1]. Reading divides 16-bit values by 32768, as the front ends of
published checkpoints do, and writing multiplies by it, so that 16-bit sound survives a round trip
exactly. Most libraries read a truncated WAV file without an error. Here its header is compared with
the length of the file.
"""

from __future__ import annotations

import logging
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tts.audio.encoding import Limiter, write_blocks
from tts.audio.resampling import resampled, resampled_blocks
from tts.core.errors import InputError

if TYPE_CHECKING:
    import soundfile

_log = logging.getLogger(__name__)

# Programs that write WAV into a pipe cannot know the length, and write one of these values
_LENGTH_UNKNOWN = {0, 0xFFFFFFFF}
# Rates outside this range come from damaged headers. Resampling them would give no samples at all,
# or more than fit into memory
_RATES = range(1000, 1_000_001)
# Values that are read at a time, because a header may declare more than fits into memory
_BLOCK = 2**18
# Float files may exceed full scale a little. Twice full scale means integers that were not divided
_UNSCALED = 2.0


def read_wave(
    path: str | os.PathLike[str],
    sample_rate: int | None = None,
    resample: bool = False,
    mix_down: bool = False,
) -> tuple[NDArray[np.float32], int]:
    """Read a mono sound file (WAV, FLAC, OGG, MP3, ...).

    Args:
        path: the file.
        sample_rate: the required rate, Hz; ``None`` accepts any rate.
        resample: convert another rate to ``sample_rate`` (and log it) instead of refusing it.
        mix_down: average several channels (and log it) instead of refusing them.

    Returns:
        Samples ``(T_wave,)`` in [-1, 1] and their rate.

    Raises:
        InputError: the file is missing, empty, truncated, not mono, not sound, at another rate, or
            holds values that cannot be samples.
    """
    path = Path(path)
    samples, rate = _decode(path, mix_down)
    _check_samples(path, samples)
    if sample_rate is not None and rate != sample_rate:
        if not resample:
            raise InputError(
                f"{path}: {rate} Hz, expected {sample_rate} Hz; set data.resample=true to resample"
            )
        _log.info("%s: resampled from %d Hz to %d Hz", path, rate, sample_rate)
        samples = resampled(samples, rate, sample_rate)
        _check_samples(path, samples)
        rate = sample_rate
    return _limit(path, samples), rate


def write_wave(
    path: str | os.PathLike[str], samples: ArrayLike, sample_rate: int, bits: int | None = None
) -> None:
    """Write mono sound atomically: WAV, FLAC, Ogg Vorbis or MP3, by the ending of the name.

    Args:
        path: the file, in a folder that exists; an existing file is replaced.
        samples: ``(T_wave,)``; samples outside [-1, 1] are limited and logged.
        sample_rate: samples per second, Hz.
        bits: bits of a sample, 32 for floating point, which is not limited; None takes the default
            of the format.

    Raises:
        InputError: the ending is unknown, the samples are not finite, not one row or too many for a
            WAV file, or the file cannot be written.
    """
    row = np.asanyarray(samples, dtype=np.float32)
    if row.ndim != 1:
        raise InputError(f"{path}: needs one row of samples, got shape {row.shape}")
    write_blocks(path, resampled_blocks(row, sample_rate, sample_rate), len(row), sample_rate, bits)


def decode(source: str | os.PathLike[str] | BinaryIO) -> tuple[NDArray[np.float32], int]:
    """Decode a whole sound file; memory grows with its real length, not with its declared one.

    Args:
        source: path of the file, or an open binary file.

    Returns:
        Samples ``(T_wave, n_channels)`` without any change, and their rate in Hz.

    Raises:
        InputError: the file is not sound, or shorter than it declares; the message does not name
            the file.
    """
    import soundfile

    try:
        with soundfile.SoundFile(source) as file:
            if file.samplerate not in _RATES:
                raise InputError(f"{file.samplerate} Hz is no sample rate; export the file again")
            samples, expected = _read_all(file), file.frames
    except (soundfile.SoundFileError, OSError) as error:
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise InputError(f"cannot be read as sound ({reason})") from error
    if len(samples) < expected:
        raise InputError(f"truncated, {len(samples)} of {expected} samples are there")
    return samples, int(file.samplerate)


def _decode(path: Path, mix_down: bool) -> tuple[NDArray[np.float32], int]:
    _check_length(path)
    try:
        samples, rate = decode(path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    channels = samples.shape[1]
    if channels == 1:
        return samples[:, 0], rate
    if not mix_down:
        raise InputError(f"{path}: {channels} channels, expected 1; mix the file down to mono")
    _log.info("%s: %d channels mixed down to one", path, channels)
    return samples.mean(axis=1), rate


def _read_all(file: soundfile.SoundFile) -> NDArray[np.float32]:
    """Read block by block to the real end of the file: ``(T_wave, n_channels)``."""
    n_frames = max(_BLOCK // file.channels, 1)
    blocks: list[NDArray[np.float32]] = []
    while not blocks or len(blocks[-1]) == n_frames:
        blocks.append(file.read(n_frames, dtype="float32", always_2d=True))
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def _check_length(path: Path) -> None:
    """Refuse a missing file, an empty file, and a WAV file shorter than its header declares."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            declared = _declared_bytes(file)
            present = size - file.tell()
    except FileNotFoundError as error:
        raise InputError(f"{path}: not found") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    if size == 0:
        raise InputError(f"{path}: is empty")
    if declared is not None and present < declared:
        raise InputError(f"{path}: truncated, {present} of {declared} bytes of sound are there")


def _declared_bytes(file: BinaryIO) -> int | None:
    """Return the length that a WAV header declares, with the file at the first byte of sound.

    Return None for another format, and where the header does not declare a length.
    """
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    while len(chunk := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", chunk)
        if name == b"data":
            return None if length in _LENGTH_UNKNOWN else int(length)
        file.seek(length + length % 2, os.SEEK_CUR)  # chunks of a WAV file start at even offsets
    return None


def _check_samples(path: Path, samples: NDArray[np.float32]) -> None:
    if samples.size == 0:
        raise InputError(f"{path}: holds no samples")
    if not np.isfinite(samples).all():
        raise InputError(f"{path}: holds values that are not finite (NaN or infinity)")
    peak = float(np.abs(samples).max())
    if peak > _UNSCALED:
        raise InputError(f"{path}: samples reach {peak:g}, expected -1 to 1; scale the file")


def _limit(path: Path, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    limiter = Limiter()
    limited = limiter(samples)
    limiter.log(path)
    return limited
