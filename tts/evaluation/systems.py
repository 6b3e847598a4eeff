"""What is compared: a trained voice, and the anchors that tell what its figures are worth.

Anchors are recordings (as good as it gets), the same through a mel spectrogram and back (as good
as the vocoder lets it be), and engines that anyone could install instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.audio import LogMel, read_wave
from tts.core.errors import InputError
from tts.data.corpora.engines import ENGINES
from tts.evaluation.clips import Clip, SampledAudio
from tts.evaluation.sentences import Sentence

if TYPE_CHECKING:
    from tts.inference import Synthesizer, Vocoder


#: A system: gives the clips of the sentences that it can say, one by one.
System = Callable[[Sequence[Sentence]], Iterator[Clip]]


class Recordings:
    """Recordings of the sentences: ``ID.wav`` in a folder, or in ``wavs/`` in it.

    Args:
        root: the folder; None if there are no recordings.

    Raises:
        InputError: there is no such folder.
    """

    def __init__(self, root: str | Path | None) -> None:
        self._folder = None if root is None else Path(root).expanduser()
        # every system is compared with them
        self._read: dict[str, SampledAudio | None] = {}
        if self._folder is None:
            return
        if (self._folder / "wavs").is_dir():
            self._folder = self._folder / "wavs"
        if not self._folder.is_dir():
            raise InputError(f"recordings={root}: there is no such folder")

    def of(self, sentence: Sentence) -> SampledAudio | None:
        """The recording of a sentence, if there is one.

        Raises:
            InputError: it cannot be read.
        """
        if self._folder is None:
            return None
        if sentence.id not in self._read:
            path = self._folder / f"{sentence.id}.wav"
            self._read[sentence.id] = SampledAudio(*read_wave(path)) if path.is_file() else None
        return self._read[sentence.id]

    def clip(self, sentence: Sentence, sound: SampledAudio, **known: Any) -> Clip:
        """A clip of any system, with its recording where there is one."""
        return Clip(*sentence, sound, self.of(sentence), **known)

    def __call__(self, sentences: Sequence[Sentence]) -> Iterator[Clip]:
        """The recordings themselves."""
        for sentence in sentences:
            if (sound := self.of(sentence)) is not None:
                yield self.clip(sentence, sound)


class CopySynthesis:
    """Recordings through their mel spectrogram and back: the vocoder alone.

    Args:
        recordings: of the sentences.
        vocoder: makes sound of mels.
        seed: of its noise.
    """

    def __init__(self, recordings: Recordings, vocoder: Vocoder, seed: int = 0) -> None:
        self.recordings, self.vocoder, self.seed = recordings, vocoder, seed
        self._log_mel = LogMel(vocoder.mel)

    def __call__(self, sentences: Sequence[Sentence]) -> Iterator[Clip]:
        """Copies of what was recorded."""
        import torch

        for sentence in sentences:
            if (sound := self.recordings.of(sentence)) is None:
                continue
            mel = self._log_mel(torch.from_numpy(sound.at(self.vocoder.mel.sample_rate)))[0]
            generator = torch.Generator().manual_seed(self.seed)
            begin = time.perf_counter()
            with torch.no_grad():
                wave = self.vocoder(mel, generator=generator).float().cpu().numpy()
            seconds = time.perf_counter() - begin
            copy = SampledAudio(wave, self.vocoder.mel.sample_rate)
            yield self.recordings.clip(sentence, copy, compute_seconds=seconds)


class TrainedVoice:
    """A trained voice.

    Args:
        recordings: of the sentences, to be compared with.
        synthesizer: acoustic model and vocoder.
        seed: of every utterance.
        **options: other fields of :class:`tts.inference.Options`: who speaks, for one.

    Raises:
        InputError: nobody of this name, or none is named where there are several.
    """

    def __init__(
        self,
        recordings: Recordings,
        synthesizer: Synthesizer,
        seed: int = 0,
        **options: Any,
    ) -> None:
        synthesizer.speaker_number(options.get("speaker"))  # before the anchors have been judged
        self.recordings, self.synthesizer = recordings, synthesizer
        self.options = {"seed": seed, "guard": False, **options}

    def __call__(self, sentences: Sequence[Sentence]) -> Iterator[Clip]:
        """One sentence at a time, as someone who waits for it hears it."""
        for sentence in sentences:
            # the network is judged, not what a guard makes of it
            speech = self.synthesizer.speak(sentence.text, **self.options)
            sound = SampledAudio(speech.wave.numpy(), speech.sample_rate)
            seconds = speech.compute_seconds
            yield self.recordings.clip(sentence, sound, compute_seconds=seconds, speech=speech)


class EngineVoice:
    """A voice that can be installed: an engine of the synthetic corpora.

    Args:
        recordings: of the sentences, to be compared with.
        engine: its name.

    Raises:
        InputError: it is not installed.
    """

    def __init__(self, recordings: Recordings, engine: str) -> None:
        self.recordings, self.engine = recordings, ENGINES[engine]()

    def __call__(self, sentences: Sequence[Sentence]) -> Iterator[Clip]:
        """One sentence at a time."""
        for sentence in sentences:
            begin = time.perf_counter()
            sound = SampledAudio(self.engine.render(sentence.text, seed=0), self.engine.sample_rate)
            seconds = time.perf_counter() - begin
            yield self.recordings.clip(sentence, sound, compute_seconds=seconds)
