"""Speaks the sentences that a card lets its readers hear."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tts.audio.output import Output
from tts.audio.tags import Tags
from tts.core.progress import progress
from tts.evaluation.sentences import Sentence

if TYPE_CHECKING:
    from tts.inference import Synthesizer

#: Folder of the sounds.
SOUNDS = "sounds"
#: Seconds of silence at both ends, as in the files of ``synthesize.py``.
_MARGIN = 0.1


class SpokenSentence(NamedTuple):
    """Holds a sentence of the card.

    Attributes:
        file: the sound, below the folder of the publication.
        text: what is spoken.
        speaker: name of the speaker, if the voice has several.
    """

    file: str
    text: str
    speaker: str | None


def write_sounds(
    synthesizer: Synthesizer, sentences: Sequence[Sentence], folder: Path, seed: int
) -> list[SpokenSentence]:
    """Speak each sentence into a file; several speakers take turns.

    Args:
        synthesizer: the published networks.
        sentences: the sentences.
        folder: the folder of the publication.
        seed: seed of every utterance.

    Raises:
        InputError: nothing in a sentence can be pronounced.
    """
    spoken: list[SpokenSentence] = []
    if sentences:
        (folder / SOUNDS).mkdir()
    with progress("speaking", max(len(sentences), 1)) as advance:
        for number, sentence in enumerate(sentences):
            names = synthesizer.speakers
            speaker = names[number % len(names)] if names else None
            # without the guard, which would hide faults of the voice
            options = {"seed": seed, "speaker": speaker, "guard": False}
            speech = synthesizer.speak(sentence.text, **options)
            file = f"{SOUNDS}/{number + 1:04d}.ogg"
            tags = Tags(title=sentence.text, comment="synthetic speech (tacoglow)")
            wave = speech.wave.numpy()
            Output(margin=_MARGIN).write(folder / file, wave, speech.sample_rate, tags)
            spoken.append(SpokenSentence(file, sentence.text, speaker))
            advance(1)
    return spoken
