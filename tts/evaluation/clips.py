"""``Clip``: a sentence as one system said it, with the recording of it where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tts.audio.pcm import Waveform
from tts.audio.resampling import resampled

if TYPE_CHECKING:
    from tts.inference import Speech


class SampledAudio(NamedTuple):
    """``(T_wave,)`` samples in [-1, 1], and their rate in Hz."""

    samples: Waveform
    sample_rate: int

    def at(self, sample_rate: int) -> Waveform:
        """The samples at another rate."""
        return resampled(self.samples, self.sample_rate, sample_rate)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, eq=False)
class Clip:
    """One utterance that is judged.

    Attributes:
        id: of the sentence.
        text: what should be heard.
        sound: what is heard.
        reference: the recording of the same sentence, if there is one.
        compute_seconds: time that it took to make; None for a recording.
        speech: what a synthesizer tells of it; None for what it did not make.
    """

    id: str
    text: str
    sound: SampledAudio
    reference: SampledAudio | None = None
    compute_seconds: float | None = None
    speech: Speech | None = None
