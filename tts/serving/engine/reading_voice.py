"""Reads texts as a voice does, without its networks (``ReadingVoice``, ``load_reading_voices``)."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tts.core.download import sha256
from tts.core.errors import InputError, listed
from tts.core.progress import announced
from tts.inference import Options
from tts.inference.reader import DecodingUnit, TextReader
from tts.inference.speakers import speaker_number
from tts.pretrained.convert import complete_description
from tts.pretrained.files import describe
from tts.pretrained.native import description_in_header
from tts.pretrained.sources import checkpoint_file, pinned_source, require_source
from tts.serving.engine.request import SpeakingRequest
from tts.serving.engine.voice_list import NO_VOCODER_FILE, VoiceEntry, read_voice_list
from tts.text import Tokenizer

#: Fields of ``Options`` that a request cannot set: the engine decides what is decoded together, and
#: the entry of the voice decides who speaks.
ENGINE_OPTIONS = ("batch_size", "speaker")
#: Lexicons of requests that are kept ready.
LEXICONS_READY = 8

# eSpeak NG keeps state in the process, so that one thread at a time may read with it
_espeak = threading.RLock()


class VoiceDigests(NamedTuple):
    """Holds the SHA-256 of the files of a voice, in hexadecimal; None where there is no file."""

    acoustic: str
    vocoder: str | None
    lexicon: str | None


class ReadingVoice:
    """Reads texts as one entry of the list of voices says, and knows what decides their sound.

    Args:
        entry: the entry.
        tokenizer: with the symbols of the acoustic model, and the entry's lexicon.
        speakers: names of the speakers by their numbers; none if there is one voice.
        sample_rate: of the sound, Hz.
        digests: of the files.

    Attributes:
        entry: the entry.
        digests: of the files.
        sample_rate: of the sound, Hz.
        options: how it speaks unless a request says otherwise.

    Raises:
        InputError: the speaker is unknown, or an option is not legal.
    """

    def __init__(
        self,
        entry: VoiceEntry,
        tokenizer: Tokenizer,
        speakers: Sequence[str],
        sample_rate: int,
        digests: VoiceDigests,
    ) -> None:
        self.entry, self.digests, self.sample_rate = entry, digests, sample_rate
        self._tokenizer, self._speakers = tokenizer, tuple(speakers)
        self._speaker = speaker_number(entry.speaker, self._speakers)
        self._tokenizer_with = lru_cache(LEXICONS_READY)(self._with_words)
        self.options = _options(Options(), entry.options)

    @property
    def id(self) -> str:
        """Return the name that clients use."""
        return self.entry.id

    def options_of(self, request: SpeakingRequest) -> Options:
        """Return the options of a request: its own, and those of the voice for the rest.

        Raises:
            InputError: an option is unknown or not legal.
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
        tokenizer = self._tokenizer
        if request.lexicon:
            tokenizer = self._tokenizer_with(tuple(sorted(request.lexicon.items())))
        speaking = tokenizer.for_speaking(options.on_unknown)
        return TextReader(speaking, options.max_chars, self._speakers)

    def reading(self) -> AbstractContextManager[Any]:
        """Return a block in which a text may be read by this thread."""
        return nullcontext() if self._tokenizer.language is None else _espeak

    def units(self, request: SpeakingRequest) -> list[DecodingUnit]:
        """Read the text of a request, and cut it into units.

        Raises:
            InputError: the text cannot be read, or an option is not legal.
        """
        with self.reading():
            return self.reader(request).read(request.text, self._speaker)

    def _with_words(self, words: tuple[tuple[str, str], ...]) -> Tokenizer:
        return self._tokenizer.with_lexicon(dict(words))


def load_reading_voices(path: str | Path | None = None) -> dict[str, ReadingVoice]:
    """Load what reads the texts of every voice of a list; no network is built.

    Args:
        path: the list; None stands for the voice of the package.

    Returns:
        The voices by their ids, in the order of the list.

    Raises:
        InputError: the list or a voice cannot be loaded; the message names file and voice.
    """
    voices: dict[str, ReadingVoice] = {}
    for entry in read_voice_list(path):
        try:
            with announced(f"loading the reader of the voice {entry.id}"):
                voices[entry.id] = _load(entry)
        except InputError as error:
            raise of_voice(error, path, entry) from None
    return voices


def of_voice(error: InputError, path: str | Path | None, entry: VoiceEntry) -> InputError:
    """Return an error with the names of the list and the voice."""
    where = "" if path is None else f"{path}: "
    return InputError(f"{where}voice {entry.id}: {error}")


def _load(entry: VoiceEntry) -> ReadingVoice:
    files = pinned_entry(entry)
    acoustic = _described(files.acoustic, "Tacotron2")
    tokenizer = Tokenizer.from_dict(acoustic["tokenizer"])
    if entry.lexicon is not None:
        tokenizer = tokenizer.with_lexicon(entry.lexicon)
    has_file = entry.vocoder != NO_VOCODER_FILE
    mel = (_described(files.vocoder, "WaveGlow") if has_file else acoustic)["mel"]
    n_speakers = acoustic["network_config"].get("n_speakers", 1)
    names = acoustic["speakers"] or map(str, range(n_speakers))
    speakers = tuple(names) if n_speakers > 1 else ()
    return ReadingVoice(entry, tokenizer, speakers, mel["sample_rate"], digests_of(files))


def pinned_entry(entry: VoiceEntry) -> VoiceEntry:
    """Return an entry with the files of published voices, so that the digests are theirs.

    Only the list of voices names sources; a request names a voice of the list.

    Raises:
        InputError: there is no such checkpoint.
    """
    require_source(entry.acoustic, "acoustic")
    files = replace(entry, acoustic=pinned_source(entry.acoustic, "Tacotron2"))
    if entry.vocoder == NO_VOCODER_FILE:
        return files
    require_source(entry.vocoder, "vocoder")
    return replace(files, vocoder=pinned_source(entry.vocoder, "WaveGlow"))


def digests_of(files: VoiceEntry) -> VoiceDigests:
    """Return the digests of the files of a voice, whose entry was pinned."""
    has_file = files.vocoder != NO_VOCODER_FILE
    return VoiceDigests(
        acoustic=sha256(checkpoint_file(files.acoustic, "Tacotron2")),
        vocoder=sha256(checkpoint_file(files.vocoder, "WaveGlow")) if has_file else None,
        lexicon=sha256(Path(files.lexicon)) if files.lexicon is not None else None,
    )


def _described(source: str, network: str) -> dict[str, Any]:
    """Return what a checkpoint says about itself; of most, the weights are not read for it.

    Raises:
        InputError: it cannot be read, or holds another network.
    """
    found = description_in_header(checkpoint_file(source, network))
    if found is None or found["mel"] is None:
        found = describe(source)
    if found["network"] != network:
        raise InputError(f"{source}: it holds a {found['network']}, not a {network}")
    return complete_description(source, found)[0]


def _options(base: Options, changes: Mapping[str, Any]) -> Options:
    """Return options with some fields changed.

    Raises:
        InputError: a field is unknown or not legal.
    """
    known = [each.name for each in fields(Options) if each.name not in ENGINE_OPTIONS]
    if unknown := sorted(set(changes) - set(known)):
        raise InputError(f"{unknown[0]}: no option of a voice; there are {listed(known, 40)}")
    pauses = changes.get("pauses")
    if isinstance(pauses, Mapping):
        kinds: Sequence[str] = [each.name for each in fields(base.pauses)]
        if unknown := sorted(set(pauses) - set(kinds)):
            raise InputError(f"pauses.{unknown[0]}: there are {', '.join(kinds)}")
        changes = {**changes, "pauses": replace(base.pauses, **pauses)}
    return replace(base, **changes)
