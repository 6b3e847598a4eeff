"""Defines the systems that are compared: a trained voice, and anchors that put it in proportion.

Anchors are recordings (the best possible result), the same recordings through a mel spectrogram and
back (the best result that the vocoder allows), and engines that anyone could install instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.audio import LogMel, read_wave
from tts.audio.channels import Mono
from tts.core.errors import InputError
from tts.data.corpora.engines import ENGINES
from tts.evaluation.clips import Clip, SampledAudio
from tts.evaluation.sentences import Sentence

if TYPE_CHECKING:
    from tts.inference import Synthesizer, Vocoder


#: Yields, one by one, the clips of the sentences that a system can speak.
System = Callable[[Sequence[Sentence]], Iterator[Clip]]


class Recordings:
    """Reads the recordings of the sentences: ``ID.wav`` in a folder, or in its folder ``wavs/``.

    Args:
        root: the folder; None if there are no recordings.
        mono: how one channel is made of several; None refuses several.

    Raises:
        InputError: there is no such folder.
    """

    def __init__(self, root: str | Path | None, mono: Mono | None = None) -> None:
        self._mono = mono
        self._folder = None if root is None else Path(root).expanduser()
        # kept, because every system is compared with them
        self._recordings: dict[str, SampledAudio | None] = {}
        if self._folder is None:
            return
        if (self._folder / "wavs").is_dir():
            self._folder = self._folder / "wavs"
        if not self._folder.is_dir():
            raise InputError(f"recordings={root}: there is no such folder")

    def of(self, sentence: Sentence) -> SampledAudio | None:
        """Return the recording of a sentence, or None if there is none.

        Raises:
            InputError: the recording cannot be read.
        """
        if self._folder is None:
            return None
        if sentence.id not in self._recordings:
            path = self._folder / f"{sentence.id}.wav"
            self._recordings[sentence.id] = None
            if path.is_file():
                self._recordings[sentence.id] = SampledAudio(*read_wave(path, mono=self._mono))
        return self._recordings[sentence.id]

    def clip(self, sentence: Sentence, sound: SampledAudio, **fields: Any) -> Clip:
        """Return a clip of any system, with the recording of its sentence if there is one.

        Args:
            sentence: the sentence.
            sound: what the system spoke.
            **fields: the other fields of the clip.
        """
        return Clip(*sentence, sound, self.of(sentence), **fields)

    def __call__(self, sentences: Sequence[Sentence]) -> Iterator[Clip]:
        """Yield the recordings as clips."""
        for sentence in sentences:
            if (sound := self.of(sentence)) is not None:
                yield self.clip(sentence, sound)


class CopySynthesis:
    """Passes recordings through their mel spectrogram and back, which judges the vocoder alone.

    Args:
        recordings: the recordings of the sentences.
        vocoder: turns mels into sound.
        seed: seed of the vocoder's noise.
    """

    def __init__(self, recordings: Recordings, vocoder: Vocoder, seed: int = 0) -> None:
        self.recordings, self.vocoder, self.seed = recordings, vocoder, seed
        self._log_mel = LogMel(vocoder.mel)

    def __call__(self, sentences: Sequence[Sentence]) -> Iterator[Clip]:
        """Yield a copy of each sentence that is recorded."""
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
    """Speaks with a synthesizer of this package.

    Args:
        recordings: the recordings of the sentences, which the voice is compared with.
        synthesizer: acoustic model and vocoder.
        seed: seed of every utterance.
        **options: other fields of :class:`tts.inference.Options`, such as the speaker.

    Raises:
        InputError: there is no such speaker, or none is named although the model has several.
    """

    def __init__(
        self,
        recordings: Recordings,
        synthesizer: Synthesizer,
        seed: int = 0,
        **options: Any,
    ) -> None:
        # checked here, because the anchors are judged first and take minutes
        synthesizer.speaker_number(options.get("speaker"))
        self.recordings, self.synthesizer = recordings, synthesizer
        self.options = {"seed": seed, "guard": False, **options}

    def __call__(self, sentences: Sequence[Sentence]) -> Iterator[Clip]:
        """Yield each sentence, spoken by itself, as a user who waits for it would hear it."""
        for sentence in sentences:
            # without the guard, which would hide faults of the network that is judged
            speech = self.synthesizer.speak(sentence.text, **self.options)
            sound = SampledAudio(speech.wave.numpy(), speech.sample_rate)
            seconds = speech.compute_seconds
            yield self.recordings.clip(sentence, sound, compute_seconds=seconds, speech=speech)


class EngineVoice:
    """Speaks with an engine of the synthetic corpora, which anyone can install.

    Args:
        recordings: the recordings of the sentences, which the engine is compared with.
        engine: name of the engine.

    Raises:
        InputError: the engine is not installed.
    """

    def __init__(self, recordings: Recordings, engine: str) -> None:
        self.recordings, self.engine = recordings, ENGINES[engine]()

    def __call__(self, sentences: Sequence[Sentence]) -> Iterator[Clip]:
        """Yield each sentence, spoken by itself."""
        for sentence in sentences:
            begin = time.perf_counter()
            samples = self.engine.render(sentence.text, seed=0)
            seconds = time.perf_counter() - begin
            sound = SampledAudio(samples, self.engine.sample_rate)
            yield self.recordings.clip(sentence, sound, compute_seconds=seconds)
