"""Reads and writes sound files; every fault is a one-line error, and no file is half-written.

Samples are float32 in [-1, 1]. Reading divides 16-bit values by 32768, as the front ends of
published checkpoints do, and writing multiplies by it, so that 16-bit sound survives a round trip
exactly. Most libraries read a truncated WAV file without an error. Here its header is compared with
the length of the file. A file of some megabytes may hold days of silence, so durations are compared
with a limit before a file is decoded, and again while it is.
"""

from __future__ import annotations

import logging
import math
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tts.audio.channels import Mono, to_mono
from tts.audio.declared_length import CHECKED, lacks_last_page, missing_bytes
from tts.audio.encoding import write_blocks
from tts.audio.limiter import Limiter
from tts.audio.pcm import Waveform
from tts.audio.resampling import resampled, resampled_blocks
from tts.core.errors import InputError

if TYPE_CHECKING:
    import soundfile

#: Seconds of the longest recording that is read as a whole, unless the caller says otherwise.
LONGEST = 3600.0

_log = logging.getLogger(__name__)

# Rates outside this range come from damaged headers. Resampling them would give no samples at all,
# or more than fit into memory
_RATES = range(1000, 1_000_001)
# Values that are read at a time, because a header may declare more than fits into memory
_BLOCK = 2**18
# libsndfile's number of frames of a file that does not declare its length
_FRAMES_UNKNOWN = 2**62
# Float files may exceed full scale a little. Twice full scale means integers that were not divided
_UNSCALED = 2.0


def read_wave(
    path: str | os.PathLike[str],
    sample_rate: int | None = None,
    resample: bool = False,
    mix_down: bool = False,
    mono: Mono | None = None,
    longest: float = LONGEST,
) -> tuple[NDArray[np.float32], int]:
    """Read a sound file (WAV, FLAC, OGG, MP3, ...) as one channel.

    Args:
        path: the file.
        sample_rate: the required rate, Hz; ``None`` accepts any rate.
        resample: convert another rate to ``sample_rate`` (and log it) instead of refusing it.
        mix_down: the same as ``mono="mix"``.
        mono: average several channels (and log it), or use one, instead of refusing them.
        longest: duration in seconds above which a recording is refused, and not decoded.

    Returns:
        Samples ``(T_wave,)`` in [-1, 1] and their rate.

    Raises:
        LongRecordingError: the recording is longer than ``longest``.
        InputError: the file is missing, empty, truncated, not mono, not sound, at another rate, or
            holds values that cannot be samples.
    """
    path = Path(path)
    samples, rate = _decode(path, "mix" if mix_down else mono, longest)
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
    """Write mono sound atomically: WAV, FLAC, Ogg Vorbis, Opus or MP3, by the ending of the name.

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


def decode(
    source: str | os.PathLike[str] | BinaryIO, mono: Mono | None = None, longest: float = LONGEST
) -> tuple[Waveform, int]:
    """Decode a whole sound file; memory grows with its real length, not with its declared one.

    Args:
        source: path of the file, or an open binary file.
        mono: how to get one channel of several; None refuses several.
        longest: duration in seconds above which a recording is refused, and not decoded.

    Returns:
        Samples ``(T_wave,)`` without any other change, and their rate in Hz.

    Raises:
        LongRecordingError: the recording is longer than ``longest``.
        InputError: the file is not sound, shorter than it declares, or has several channels; the
            message does not name the file.
    """
    return _decoded(source, mono, longest)[:2]


class LongRecordingError(InputError):
    """Reports a recording that is too long to be read as a whole."""


def _decode(path: Path, mono: Mono | None, longest: float) -> tuple[Waveform, int]:
    try:
        samples, rate, n_channels = _decoded(path, mono, longest)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error
    if n_channels > 1:
        what = "mixed down to one" if mono == "mix" else f"the {mono} one is used"
        _log.info("%s: %d channels%s %s", path, n_channels, "" if mono == "mix" else ",", what)
    return samples, rate


def _decoded(
    source: str | os.PathLike[str] | BinaryIO, mono: Mono | None, longest: float
) -> tuple[Waveform, int, int]:
    """Return the samples ``(T_wave,)``, their rate in Hz and the number of channels of the file."""
    import soundfile

    _check_whole(source)
    try:
        with soundfile.SoundFile(source) as file:
            if file.format not in CHECKED:
                raise InputError(
                    f"is a file of the format {file.format}, in which a cut cannot be found; "
                    f"convert it to WAV or FLAC (formats that are read: {', '.join(CHECKED)})"
                )
            rate, n_channels = int(file.samplerate), int(file.channels)
            if rate not in _RATES:
                raise InputError(f"{rate} Hz is no sample rate; export the file again")
            expected = file.frames if file.frames < _FRAMES_UNKNOWN else 0
            _check_duration(expected / rate, longest)
            samples = _read_all(file, mono, longest)
    except (soundfile.SoundFileError, OSError) as error:
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise InputError(f"cannot be read as sound ({reason})") from error
    if len(samples) < expected:
        raise InputError(f"truncated, {len(samples)} of {expected} samples are there")
    return samples, rate, n_channels


def _read_all(file: soundfile.SoundFile, mono: Mono | None, longest: float) -> Waveform:
    """Read block by block to the real end of the file: ``(T_wave,)``."""
    n_frames, n_read = max(_BLOCK // file.channels, 1), 0
    blocks: list[Waveform] = []
    while not blocks or len(blocks[-1]) == n_frames:
        block = to_mono(file.read(n_frames, dtype="float32", always_2d=True), mono)
        n_read += len(block)
        _check_duration(n_read / file.samplerate, longest)
        blocks.append(block)
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def _check_duration(seconds: float, longest: float) -> None:
    if seconds > longest:
        raise LongRecordingError(
            f"lasts {_duration(seconds)} or longer, more than the {_duration(longest)} that are "
            "read; cut it into sentences"
        )


def _duration(seconds: float) -> str:
    return f"{seconds:.4g} s" if seconds < 3600 else f"{seconds / 3600:.3g} h"


def _check_whole(source: str | os.PathLike[str] | BinaryIO) -> None:
    """Refuse a missing file, an empty file, and a file shorter than its header declares."""
    if not isinstance(source, (str, os.PathLike)):
        _check_stream(source)
        source.seek(0)
        return
    path = Path(source)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise InputError("cannot be read (it is a device or a pipe, and no file)")
        with path.open("rb") as file:
            _check_stream(file)
    except FileNotFoundError as error:
        raise InputError("not found") from error
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot be read ({getattr(error, 'strerror', error)})") from error


def _check_stream(file: BinaryIO) -> None:
    if not file.seek(0, os.SEEK_END):
        raise InputError("is empty")
    if (missing := missing_bytes(file)) is not None:
        present, declared = missing
        raise InputError(f"truncated, {present} of {declared} bytes of sound are there")
    if lacks_last_page(file):
        raise InputError("truncated, the last page of the Ogg file is not there")


def _check_samples(path: Path, samples: NDArray[np.float32]) -> None:
    if samples.size == 0:
        raise InputError(f"{path}: holds no samples")
    # without a copy of the samples, which may be many
    peak = max(float(samples.max()), -float(samples.min()))
    if not math.isfinite(peak):
        raise InputError(f"{path}: holds values that are not finite (NaN or infinity)")
    if peak > _UNSCALED:
        raise InputError(f"{path}: samples reach {peak:g}, expected -1 to 1; scale the file")


def _limit(path: Path, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    limiter = Limiter()
    limited = limiter(samples)
    limiter.log(path)
    return limited
