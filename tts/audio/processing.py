"""``Processing``: what is done to recordings before anything is computed of them.

Tacotron 2 and WaveGlow are given the same processed samples, and whatever is stored of them is
keyed by these settings. The defaults leave a recording as it is. Silence at the ends is worth
trimming to a fixed length: a long and varying end keeps the gate of Tacotron 2 from learning when
to stop.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tts.audio.loudness import require_meter, to_loudness
from tts.audio.pcm import Waveform
from tts.audio.resampling import resampled
from tts.core.errors import InputError


@dataclass(frozen=True)
class Processing:
    """How samples are changed; resampling to the rate of the mel contract comes first.

    Attributes:
        trim_db: cut silence at both ends, which is this many dB below the loudest 10 ms; None
            keeps it.
        lead_seconds: silence to leave (or add) before the sound, if any is cut.
        tail_seconds: the same after it.
        loudness: LUFS (ITU-R BS.1770) that recordings are brought to, as far as their peaks allow;
            None keeps theirs.

    Raises:
        InputError: naming the key, its value and what it may be.
    """

    trim_db: float | None = None
    lead_seconds: float = 0.05
    tail_seconds: float = 0.1
    loudness: float | None = None

    def __post_init__(self) -> None:
        _require(
            self.trim_db is None or 0 < self.trim_db <= 120, self, "trim_db", "above 0, or null"
        )
        _require(0 <= self.lead_seconds <= 60, self, "lead_seconds", "0 to 60")
        _require(0 <= self.tail_seconds <= 60, self, "tail_seconds", "0 to 60")
        _require(self.loudness is None or -70 <= self.loudness <= 0, self, "loudness", "-70 to 0")

    @property
    def changes_samples(self) -> bool:
        """Whether anything is done at all."""
        return self.trim_db is not None or self.loudness is not None

    def to_dict(self) -> dict[str, Any]:
        """Describe what is done: equal when the samples are."""
        lengths = {"lead_seconds": None, "tail_seconds": None} if self.trim_db is None else {}
        return asdict(self) | lengths

    def check(self) -> None:
        """See that what is needed is installed.

        Raises:
            InputError: naming the package that is missing.
        """
        if self.loudness is not None:
            require_meter()

    def __call__(self, samples: Waveform, sample_rate: int) -> Waveform:
        """Process a recording ``(T_wave,)``.

        Raises:
            InputError: nothing is left of it.
        """
        if self.trim_db is not None:
            lengths = self.lead_seconds, self.tail_seconds
            samples = trim_silence(samples, sample_rate, *lengths, threshold_db=-self.trim_db)
            if not len(samples):
                raise InputError("holds nothing but silence")
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
        sample_rate: in Hz.
        lead: seconds of silence to keep or add before the sound.
        tail: the same after it.
        threshold_db: a frame of 10 ms is silent when its energy is this far below the loudest's.

    Returns:
        ``(T_wave,)``; empty if there is no sound at all.
    """
    frame = sample_rate // 100
    n_frames = -(-len(samples) // frame)
    energy = np.pad(samples, (0, n_frames * frame - len(samples))).reshape(n_frames, frame)
    energy = np.square(energy, dtype=np.float64).sum(1)
    if not energy.any():
        return samples[:0]
    (loud,) = np.nonzero(energy > energy.max() * 10 ** (threshold_db / 10))
    start = loud[0] * frame - round(lead * sample_rate)
    end = (loud[-1] + 1) * frame + round(tail * sample_rate)
    kept = samples[max(start, 0) : end]
    return np.pad(kept, (max(-start, 0), max(end - len(samples), 0)))


def _require(is_legal: bool, processing: Processing, name: str, legal: str) -> None:
    if not is_legal:
        raise InputError(f"data.{name}={getattr(processing, name)}: it must be {legal}")
