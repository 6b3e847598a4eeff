"""Loads voices, warms them up, and prepares them to speak requests (``Voice``, ``load_voices``)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from tts.core.errors import InputError
from tts.core.progress import announced
from tts.inference import Options, Synthesizer
from tts.inference.reader import DecodingUnit
from tts.serving.engine.reading_voice import (
    LEXICONS_READY,
    ReadingVoice,
    VoiceDigests,
    digests_of,
    of_voice,
    pinned_entry,
)
from tts.serving.engine.request import SpeakingRequest
from tts.serving.engine.unit_speaker import UnitSpeaker
from tts.serving.engine.voice_list import VoiceEntry, read_voice_list


class Voice(ReadingVoice):
    """Speaks as one entry of the list of voices says.

    Args:
        entry: the entry.
        synthesizer: the synthesizer; voices with the same files share it.
        digests: of the files.

    Raises:
        InputError: the speaker is unknown, an option is not legal, or the vocoder does not have it.
    """

    def __init__(self, entry: VoiceEntry, synthesizer: Synthesizer, digests: VoiceDigests) -> None:
        rate = synthesizer.vocoder.mel.sample_rate
        super().__init__(entry, synthesizer.tokenizer, synthesizer.speakers, rate, digests)
        self._synthesizer = synthesizer
        self._with_lexicon = lru_cache(LEXICONS_READY)(self._synthesizer_with)
        synthesizer.utterance_vocoder(self.options)  # checks the settings of the vocoder

    def unit_speaker(self, request: SpeakingRequest) -> UnitSpeaker:
        """Return what decodes and vocodes the units of a request.

        Raises:
            InputError: an option is not legal, or the vocoder does not have it.
        """
        return UnitSpeaker(self._for(request), self.options_of(request), self.reading())

    def warm_up(self) -> None:
        """Speak a few frames, so that the first request does not wait for what is loaded late."""
        n_symbols = self._synthesizer.acoustic.config.n_symbols
        ids = tuple(range(1, min(n_symbols, 9)))
        options = Options(guard=False, max_steps=4)
        units = [DecodingUnit("", ids, speaker=self._speaker)] * 2
        list(self._synthesizer.speak_utterances(units, options))
        try:
            with self.reading():
                self._synthesizer.tokenizer.read("a warm-up")
        except InputError:
            return  # another alphabet: nothing is loaded late for it

    def _for(self, request: SpeakingRequest) -> Synthesizer:
        if not request.lexicon:
            return self._synthesizer
        return self._with_lexicon(tuple(sorted(request.lexicon.items())))

    def _synthesizer_with(self, words: tuple[tuple[str, str], ...]) -> Synthesizer:
        return self._synthesizer.with_lexicon(dict(words))


def load_voices(path: str | Path | None = None, device: str = "auto") -> dict[str, Voice]:
    """Load every voice of a list and warm it up.

    Args:
        path: the list; None stands for the voice of the package.
        device: device of torch.

    Returns:
        The voices by their ids, in the order of the list.

    Raises:
        InputError: the list or a voice cannot be loaded; the message names file and voice.
    """
    voices: dict[str, Voice] = {}
    loaded: dict[Any, tuple[Synthesizer, VoiceDigests]] = {}
    for entry in read_voice_list(path):
        try:
            with announced(f"loading the voice {entry.id}"):
                voices[entry.id] = _load(entry, device, loaded)
                voices[entry.id].warm_up()
        except InputError as error:
            raise of_voice(error, path, entry) from None
    return voices


@dataclass(frozen=True)
class _Sources:
    """Holds what decides which networks are loaded; voices with equal sources share them."""

    acoustic: str
    vocoder: str
    lexicon: str | None
    bridge: bool
    precision: str


def _load(entry: VoiceEntry, device: str, loaded: dict[Any, Any]) -> Voice:
    sources = _Sources(*(getattr(entry, each.name) for each in fields(_Sources)))
    if sources not in loaded:
        files = pinned_entry(entry)
        synthesizer = Synthesizer.from_pretrained(
            files.acoustic,
            files.vocoder,
            device,
            bridge=sources.bridge,
            lexicon=sources.lexicon,
            precision=sources.precision,
        )
        loaded[sources] = synthesizer, digests_of(files)
    return Voice(entry, *loaded[sources])
