"""Defines what a job asks to be spoken (``JobText``), and what it gets (``JobSpeech``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from tts.audio.pcm import Waveform
from tts.serving.data.models import PartRow


@dataclass(frozen=True)
class JobText:
    """Holds what a job asks to be spoken.

    Attributes:
        utterance_id: of the utterance.
        model_version_id: the version that must speak it.
        voice_id: of the voice.
        sample_rate: of the voice, Hz.
        text: the text.
        options: of the recipe.
        seed: of the recipe.
        lexicon: word -> reading, at the lexicon revision of the recipe.
        sound_revision: the software of the recipe.
        lane: of the job.
    """

    utterance_id: str
    model_version_id: str
    voice_id: str
    sample_rate: int
    text: str
    options: Mapping[str, Any]
    seed: int
    lexicon: Mapping[str, str]
    sound_revision: str
    lane: str


class SoundPiece(NamedTuple):
    """Holds a piece of the sound of a job.

    Attributes:
        samples: ``(n,)`` float32, which may leave [-1, 1] a little.
        parts: in the last piece of a unit: its parts, without utterance and number.
        compute_seconds: time that the unit took.
    """

    samples: Waveform
    parts: Sequence[PartRow] = ()
    compute_seconds: float = 0.0


class JobSpeech(Protocol):
    """Gives the sound of a text while it is made."""

    @property
    def n_units(self) -> int:
        """The number of units into which the text was cut."""

    def pieces(self) -> Iterator[SoundPiece]:
        """Yield the sound.

        Raises:
            ServiceError: the text was not spoken.
        """

    def hurry(self) -> None:
        """Come before long texts from now on, because somebody waits."""

    def cancel(self) -> None:
        """Stop within a decoder step or two; called from another thread."""


#: Begins to speak a text; raises ServiceError or InputError if it cannot be spoken.
BeginSpeech = Callable[[JobText], JobSpeech]
