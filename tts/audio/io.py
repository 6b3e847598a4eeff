"""Reading and writing sound files: every fault of a file is one line, nothing is half-written.

Samples are float32 in [-1, 1]; 16-bit values are divided by 32768, as the front ends of published
checkpoints do, and multiplied by it on the way out, so 16-bit sound survives a round trip exactly.
A WAV that was cut off reads without complaint in most libraries; here its header is compared with
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

# Programs that write WAV into a pipe cannot know the length, and leave one of these
_LENGTH_UNKNOWN = {0, 0xFFFFFFFF}
# Others come from damaged headers, and would be resampled to nothing, or to more than there is room
_RATES = range(1000, 1_000_001)
# Values that are read at a time: a header may declare more than any memory holds
_BLOCK = 2**18
# Float files may exceed full scale a little; twice as much means integers that nobody divided
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
        sample_rate: the rate that is needed, Hz; ``None`` takes any.
        resample: convert another rate to ``sample_rate`` (and log it) instead of refusing it.
        mix_down: average several channels (and log it) instead of refusing them.

    Returns:
        Samples ``(T_wave,)`` in [-1, 1] and their rate.

    Raises:
        InputError: the file is missing, empty, truncated, not mono, not sound, at another rate, or
            holds values that are no samples.
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
        path: the file, in a folder that exists; one of that name is replaced.
        samples: ``(T_wave,)``; what is outside [-1, 1] is limited, and logged.
        sample_rate: samples per second, Hz.
        bits: of a sample, 32 for floating point, which is not limited; None takes what is usual.

    Raises:
        InputError: another ending, samples that are not finite or not one row, more of them than
            a WAV can hold, or a place that cannot be written.
    """
    row = np.asanyarray(samples, dtype=np.float32)
    if row.ndim != 1:
        raise InputError(f"{path}: needs one row of samples, got shape {row.shape}")
    write_blocks(path, resampled_blocks(row, sample_rate, sample_rate), len(row), sample_rate, bits)


def decode(source: str | os.PathLike[str] | BinaryIO) -> tuple[NDArray[np.float32], int]:
    """Decode a sound file, or an open one, wholly; take no more memory than is really there.

    Returns:
        Samples ``(T_wave, n_channels)`` as they are, and their rate in Hz.

    Raises:
        InputError: it is no sound, or less than it declares; the message names no file.
    """
    import soundfile

    try:
        with soundfile.SoundFile(source) as file:
            if file.samplerate not in _RATES:
                raise InputError(f"{file.samplerate} Hz is no rate of sound; export the file again")
            samples, expected = _read_on(file), file.frames
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
        raise InputError(f"{path}: {channels} channels, expected 1; mix down to mono")
    _log.info("%s: %d channels mixed down to one", path, channels)
    return samples.mean(axis=1), rate


def _read_on(file: soundfile.SoundFile) -> NDArray[np.float32]:
    """All samples that are there, ``(T_wave, n_channels)``."""
    n_frames = max(_BLOCK // file.channels, 1)
    blocks: list[NDArray[np.float32]] = []
    while not blocks or len(blocks[-1]) == n_frames:
        blocks.append(file.read(n_frames, dtype="float32", always_2d=True))
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def _check_length(path: Path) -> None:
    """Refuse what is no file, an empty file, or a WAV shorter than its header says."""
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
    """Read on to the sound of a WAV and give its length as its header states it, if it does."""
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    while len(chunk := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", chunk)
        if name == b"data":
            return None if length in _LENGTH_UNKNOWN else int(length)
        file.seek(length + length % 2, os.SEEK_CUR)  # chunks start at even places
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
    over = Limiter()
    samples = over(samples)
    over.tell(path)
    return samples
