"""Measures one recording in the numbers that the checks use.

Silence is what ``data.trim_db`` would cut: frames of 10 ms that are far below the loudest frame.
Level and spectrum are those of the other frames, because pauses tell nothing about a voice.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tts.audio import read_wave
from tts.audio.io import LONGEST
from tts.audio.pcm import Waveform
from tts.audio.processing import Processing, frame_energy

#: A peak below this is inaudible: 80 dB below full scale.
INAUDIBLE = 1e-4
# A top is flat where this many neighbouring samples are as high as the highest one. A voice reaches
# its peak once; clipping repeats it. The samples of a low peak are too coarse to tell.
_FLAT, _FLAT_RUN, _FLAT_LEAST_PEAK = 1 - 1e-6, 3, 0.1
_N_FFT, _MOST_SPECTRA = 1024, 256
# Parts of the spectrum this far below its loudest part count as empty. The noise of 16 bits is
# lower still.
_FAINT_DB = 70.0


class RecordingStats(NamedTuple):
    """Holds the measurements of a recording.

    Attributes:
        rate: sampling rate in Hz.
        channels: number of channels of the file; all other values describe the one that is made of
            them.
        seconds: duration.
        trained_seconds: duration in a training, after ``data.trim_db``.
        peak: the largest absolute sample.
        level: RMS level of the frames that are not silent, in dB relative to full scale.
        offset: mean of all samples.
        n_clipped: number of samples in flat tops.
        lead: seconds of silence at the beginning.
        tail: seconds of silence at the end.
        band: the highest frequency that has sound, in Hz.
        digest: hash of the samples and their rate.
    """

    rate: int
    channels: int
    seconds: float
    trained_seconds: float
    peak: float
    level: float
    offset: float
    n_clipped: int
    lead: float
    tail: float
    band: float
    digest: bytes

    @property
    def is_silent(self) -> bool:
        """Return whether nothing in the recording is audible."""
        return self.peak < INAUDIBLE

    @property
    def speech_seconds(self) -> float:
        """Return the duration without the silence at both ends, in seconds."""
        return self.seconds - self.lead - self.tail


def measure_recording(
    path: Path,
    silence_db: float,
    processing: Processing | None = None,
    longest: float = LONGEST,
) -> tuple[RecordingStats, Waveform]:
    """Read and measure a recording; return its measurements, and its samples ``(T_wave,)``.

    Args:
        path: the file.
        silence_db: frames this many dB below the loudest 10 ms are silence.
        processing: how a training changes recordings; None: not at all.
        longest: duration in seconds above which a recording is refused, and not decoded.

    Raises:
        LongRecordingError: the recording is longer.
        InputError: the file cannot be read, or holds values that are no samples.
    """
    import soundfile

    processing = processing or Processing()
    samples, rate = read_wave(path, mono=processing.mono or "mix", longest=longest)
    energy, frame = frame_energy(samples, rate)
    # these are all frames if the recording is silent
    (active,) = np.nonzero(energy >= energy.max() * 10 ** (-silence_db / 10))
    begin, end = active[0] * frame, min((active[-1] + 1) * frame, len(samples))
    digest = hashlib.blake2b(samples.tobytes(), digest_size=16, salt=rate.to_bytes(8, "big"))
    stats = RecordingStats(
        rate=rate,
        channels=soundfile.info(path).channels,
        seconds=len(samples) / rate,
        trained_seconds=processing.trimmed_length(samples, rate) / rate,
        peak=float(np.abs(samples).max()),
        level=_decibels(energy[active].mean()),
        offset=float(samples.mean(dtype=np.float64)),
        n_clipped=_n_clipped(samples) + _n_clipped(-samples),
        lead=float(begin / rate),
        tail=float((len(samples) - end) / rate),
        band=_band(samples[begin:end], rate),
        digest=digest.digest(),
    )
    return stats, samples


@contextmanager
def muted_log() -> Iterator[None]:
    """Keep out of the log the faults that the doctor reports as findings."""
    loggers = [logging.getLogger(name) for name in ("tts.audio.io", "tts.data.corpora.corpus")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _decibels(power: float) -> float:
    return 10 * math.log10(power) if power > 0 else -math.inf


def _n_clipped(samples: Waveform) -> int:
    """Count the samples in flat tops of the positive half."""
    peak = float(samples.max())
    if peak < _FLAT_LEAST_PEAK:
        return 0
    (places,) = np.nonzero(samples >= peak * _FLAT)
    (breaks,) = np.nonzero(np.diff(places) > 1)
    runs = np.diff(np.concatenate(([0], breaks + 1, [len(places)])))
    return int(runs[runs >= _FLAT_RUN].sum())


def _band(samples: Waveform, rate: int) -> float:
    """Return the frequency in Hz above which the mean spectrum stays far below its loudest part."""
    if len(samples) < _N_FFT:
        samples = np.pad(samples, (0, _N_FFT - len(samples)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, _N_FFT)[:: _N_FFT // 2]
    frames = frames[:: -(-len(frames) // _MOST_SPECTRA)] * np.hanning(_N_FFT).astype(np.float32)
    power = np.square(np.abs(np.fft.rfft(frames, axis=1))).mean(0)
    (loud,) = np.nonzero(power >= power.max() * 10 ** (-_FAINT_DB / 10))
    return float((loud[-1] + 1) * rate / _N_FFT)
