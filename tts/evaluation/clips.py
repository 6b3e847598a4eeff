"""Defines what is judged: a sentence as one system spoke it, with the recording if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tts.audio.pcm import Waveform
from tts.audio.resampling import resampled

if TYPE_CHECKING:
    from tts.inference import Speech


class SampledAudio(NamedTuple):
    """Holds samples with their rate.

    Attributes:
        samples: ``(T_wave,)`` in [-1, 1].
        sample_rate: their rate in Hz.
    """

    samples: Waveform
    sample_rate: int

    def at(self, sample_rate: int) -> Waveform:
        """Return the samples at another rate in Hz."""
        return resampled(self.samples, self.sample_rate, sample_rate)

    @property
    def seconds(self) -> float:
        """Return the duration in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, eq=False)
class Clip:
    """Holds one utterance that is judged.

    Attributes:
        id: id of the sentence.
        text: the text that the system had to speak.
        sound: what the system spoke.
        reference: the recording of the same sentence, if there is one.
        compute_seconds: computing time in seconds; None for a recording.
        speech: the full result of a synthesizer; None for a system that is no synthesizer.
    """

    id: str
    text: str
    sound: SampledAudio
    reference: SampledAudio | None = None
    compute_seconds: float | None = None
    speech: Speech | None = None
