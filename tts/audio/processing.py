"""Trims silence and changes loudness of recordings before features are computed (``Processing``).

Tacotron 2 and WaveGlow get the same processed samples, and these settings are part of the key of
everything that is stored. The defaults do not change a recording. It is useful to trim the silence
at the ends to a fixed length: where it is long and varies, the gate of Tacotron 2 does not learn
when to stop.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from tts.audio.channels import Mono
from tts.audio.loudness import require_meter, to_loudness
from tts.audio.pcm import Waveform
from tts.audio.resampling import resampled
from tts.core.errors import InputError
from tts.core.ranges import Number, check_fields


@dataclass(frozen=True)
class Processing:
    """Holds the settings by which samples are changed, after resampling to the contract's rate.

    Attributes:
        trim_db: silence at both ends is cut; silence is this many dB below the loudest 10 ms. None
            keeps it.
        lead_seconds: silence to leave (or add) before the sound when ``trim_db`` is set.
        tail_seconds: silence to leave (or add) after the sound when ``trim_db`` is set.
        loudness: loudness of every recording in LUFS (ITU-R BS.1770), as far as its peak allows;
            None does not change it.
        mono: how one channel is made of several when a recording is read; None refuses several.

    Raises:
        InputError: a value is not legal; the message names the key, the value and the legal values.
    """

    trim_db: Annotated[float | None, Number(float, above=0, most=120, null=True)] = None
    lead_seconds: Annotated[float, Number(float, least=0, most=60)] = 0.05
    tail_seconds: Annotated[float, Number(float, least=0, most=60)] = 0.1
    loudness: Annotated[float | None, Number(float, least=-70, most=0, null=True)] = None
    mono: Mono | None = None

    def __post_init__(self) -> None:
        check_fields(self, "data.")

    @property
    def changes_samples(self) -> bool:
        """Return whether these settings change any samples of a recording of one channel."""
        return self.trim_db is not None or self.loudness is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the settings that matter: equal dictionaries mean equal samples."""
        unused = {"lead_seconds": None, "tail_seconds": None} if self.trim_db is None else {}
        settings = asdict(self) | unused
        # folders that earlier releases prepared have no such key, and stay valid
        return {key: value for key, value in settings.items() if key != "mono" or value is not None}

    def check(self) -> None:
        """Check that the required packages are installed.

        Raises:
            InputError: a package is not installed; the message names it.
        """
        if self.loudness is not None:
            require_meter()

    def trimmed_length(self, samples: Waveform, sample_rate: int) -> int:
        """Return how many of the samples ``(T_wave,)`` of a recording are left after trimming."""
        if self.trim_db is None:
            return len(samples)
        lengths = self.lead_seconds, self.tail_seconds
        return len(trim_silence(samples, sample_rate, *lengths, threshold_db=-self.trim_db))

    def __call__(self, samples: Waveform, sample_rate: int) -> Waveform:
        """Process the samples ``(T_wave,)`` of a recording.

        Raises:
            InputError: the recording is silent, so that trimming leaves nothing.
        """
        if self.trim_db is not None:
            lengths = self.lead_seconds, self.tail_seconds
            samples = trim_silence(samples, sample_rate, *lengths, threshold_db=-self.trim_db)
            if not len(samples):
                raise InputError("holds only silence; record it again or leave it out")
        if self.loudness is not None:
            samples = to_loudness(samples, sample_rate, self.loudness)
        return samples


def to_rate(samples: Waveform, rate: int, wanted: int) -> Waveform:
    """Resample ``(T_wave,)`` from one rate in Hz to another, within [-1, 1]."""
    return samples if rate == wanted else resampled(samples, rate, wanted).clip(-1, 1)


def trim_silence(
    samples: Waveform,
    sample_rate: int,
    lead: float = 0.05,
    tail: float = 0.1,
    threshold_db: float = -45.0,
) -> Waveform:
    """Cut the silence at both ends to fixed lengths.

    Args:
        samples: ``(T_wave,)``.
        sample_rate: samples per second, Hz.
        lead: seconds of silence to keep or add before the sound.
        tail: seconds of silence to keep or add after the sound.
        threshold_db: a frame of 10 ms is silent when its energy is this far below that of the
            loudest frame.

    Returns:
        ``(T_wave,)``; no samples if there is no sound at all.
    """
    energy, frame = frame_energy(samples, sample_rate)
    if not energy.any():
        return samples[:0]
    (loud,) = np.nonzero(energy > energy.max() * 10 ** (threshold_db / 10))
    start = loud[0] * frame - round(lead * sample_rate)
    end = (loud[-1] + 1) * frame + round(tail * sample_rate)
    kept = samples[max(start, 0) : end]
    return np.pad(kept, (max(-start, 0), max(end - len(samples), 0)))


def frame_energy(samples: Waveform, sample_rate: int) -> tuple[NDArray[np.float64], int]:
    """Return the mean square of every frame of 10 ms, by which silence is found.

    Args:
        samples: ``(T_wave,)``; the last frame is filled up with zeros.
        sample_rate: samples per second, Hz.

    Returns:
        Mean squares ``(n_frames,)``, and the length of a frame in samples.
    """
    frame = sample_rate // 100
    n_frames = -(-len(samples) // frame)
    padded = np.pad(samples, (0, n_frames * frame - len(samples))).reshape(n_frames, frame)
    return np.square(padded, dtype=np.float64).mean(1), frame
