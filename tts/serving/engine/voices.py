"""Loads voices, warms them up, and prepares them to speak requests (``Voice``, ``load_voices``)."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tts.core.download import sha256
from tts.core.errors import InputError, listed
from tts.core.progress import announced
from tts.inference import Options, Synthesizer
from tts.inference.reader import DecodingUnit, TextReader
from tts.pretrained.sources import checkpoint_file, pinned_source, require_source
from tts.serving.engine.request import SpeakingRequest
from tts.serving.engine.unit_speaker import UnitSpeaker
from tts.serving.engine.voice_list import NO_VOCODER_FILE, VoiceEntry, read_voice_list

#: Fields of ``Options`` that a request cannot set: the engine decides what is decoded together, and
#: the entry of the voice decides who speaks.
ENGINE_OPTIONS = ("batch_size", "speaker")
#: Lexicons of requests that are kept ready.
_LEXICONS_READY = 8

# eSpeak NG keeps state in the process, so that one thread at a time may read with it
_espeak = threading.RLock()


class VoiceDigests(NamedTuple):
    """Holds the SHA-256 of the files of a voice, in hexadecimal; None where there is no file."""

    acoustic: str
    vocoder: str | None
    lexicon: str | None


class Voice:
    """Speaks as one entry of the list of voices says.

    Args:
        entry: the entry.
        synthesizer: the synthesizer; voices with the same files share it.
        digests: of the files.

    Attributes:
        entry: the entry.
        digests: of the files.
        options: how it speaks unless a request says otherwise.

    Raises:
        InputError: the speaker is unknown, or an option is not legal.
    """

    def __init__(self, entry: VoiceEntry, synthesizer: Synthesizer, digests: VoiceDigests) -> None:
        self.entry, self.digests = entry, digests
        self._synthesizer = synthesizer
        self._speaker = synthesizer.speaker_number(entry.speaker)
        self._with_lexicon = lru_cache(_LEXICONS_READY)(self._synthesizer_with)
        self.options = _options(Options(), entry.options)
        synthesizer.utterance_vocoder(self.options)  # checks the settings of the vocoder

    @property
    def id(self) -> str:
        """Return the name that clients use."""
        return self.entry.id

    @property
    def sample_rate(self) -> int:
        """Return the rate of its sound, Hz."""
        return self._synthesizer.vocoder.mel.sample_rate

    def options_of(self, request: SpeakingRequest) -> Options:
        """Return the options of a request: its own, and those of the voice for the rest.

        Raises:
            InputError: an option is unknown or not legal, or the vocoder does not have it.
        """
        return _options(self.options, request.options)

    def recipe(self, request: SpeakingRequest) -> dict[str, Any]:
        """Return everything beside the text that decides the sound, in plain containers.

        Raises:
            InputError: see :meth:`options_of`.
        """
        options = asdict(self.options_of(request))
        return {
            **self.digests._asdict(),
            "bridge": self.entry.bridge,
            "precision": self.entry.precision,
            "speaker": self._speaker,
            "words": dict(sorted((request.lexicon or {}).items())),
            "options": {key: options[key] for key in options if key not in ENGINE_OPTIONS},
        }

    def reader(self, request: SpeakingRequest) -> TextReader:
        """Return what reads the text of a request; use it inside :meth:`reading`.

        Raises:
            InputError: an option or the lexicon is not legal.
        """
        options = self.options_of(request)
        return self._for(request).reader(options.max_chars, options.on_unknown)

    def reading(self) -> AbstractContextManager[Any]:
        """Return a block in which a text may be read by this thread."""
        return nullcontext() if self._synthesizer.tokenizer.language is None else _espeak

    def units(self, request: SpeakingRequest) -> list[DecodingUnit]:
        """Read the text of a request, and cut it into units.

        Raises:
            InputError: the text cannot be read, or an option is not legal.
        """
        with self.reading():
            return self.reader(request).read(request.text, self._speaker)

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
            where = "" if path is None else f"{path}: "
            raise InputError(f"{where}voice {entry.id}: {error}") from None
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
        files = _pinned(sources)
        synthesizer = Synthesizer.from_pretrained(
            files.acoustic,
            files.vocoder,
            device,
            bridge=sources.bridge,
            lexicon=sources.lexicon,
            precision=sources.precision,
        )
        loaded[sources] = synthesizer, _digests(files)
    return Voice(entry, *loaded[sources])


def _pinned(sources: _Sources) -> _Sources:
    """Return the sources with the files of published voices, so that the digests are theirs.

    Only the list of voices names sources; a request names a voice of the list.
    """
    require_source(sources.acoustic, "acoustic")
    files = replace(sources, acoustic=pinned_source(sources.acoustic, "Tacotron2"))
    if sources.vocoder == NO_VOCODER_FILE:
        return files
    require_source(sources.vocoder, "vocoder")
    return replace(files, vocoder=pinned_source(sources.vocoder, "WaveGlow"))


def _digests(sources: _Sources) -> VoiceDigests:
    has_file = sources.vocoder != NO_VOCODER_FILE
    return VoiceDigests(
        acoustic=sha256(checkpoint_file(sources.acoustic, "Tacotron2")),
        vocoder=sha256(checkpoint_file(sources.vocoder, "WaveGlow")) if has_file else None,
        lexicon=sha256(Path(sources.lexicon)) if sources.lexicon is not None else None,
    )


def _options(base: Options, changes: Mapping[str, Any]) -> Options:
    """Return options with some fields changed.

    Raises:
        InputError: a field is unknown or not legal.
    """
    known = [each.name for each in fields(Options) if each.name not in ENGINE_OPTIONS]
    if unknown := sorted(set(changes) - set(known)):
        if unknown[0] == "speed" and changes["speed"] == 1:
            return _options(base, {key: changes[key] for key in changes if key != "speed"})
        raise InputError(f"{unknown[0]}: no option of a voice; there are {listed(known, 40)}")
    return _replaced(base, changes)


def _replaced(base: Options, changes: Mapping[str, Any]) -> Options:
    pauses = changes.get("pauses")
    if isinstance(pauses, Mapping):
        known: Sequence[str] = [each.name for each in fields(base.pauses)]
        if unknown := sorted(set(pauses) - set(known)):
            raise InputError(f"pauses.{unknown[0]}: there are {', '.join(known)}")
        changes = {**changes, "pauses": replace(base.pauses, **pauses)}
    return replace(base, **changes)
