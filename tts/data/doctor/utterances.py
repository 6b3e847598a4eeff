"""Measures all recordings of a corpus and reads all its texts, also those with faults."""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tts.audio.io import LongRecordingError
from tts.audio.pcm import Waveform
from tts.core.errors import InputError
from tts.core.parallel import n_cores, ordered_map
from tts.core.progress import progress
from tts.data.corpora.manifest import Utterance
from tts.data.doctor.recording_stats import RecordingStats, measure_recording
from tts.data.features.extract import longest_read
from tts.data.features.prepared_corpus import PreparedCorpus
from tts.data.loading.speech_datamodule import SpeechDataModule
from tts.text import Tokenizer
from tts.text.scripts import foreign_script

#: Hears the samples ``(T_wave,)`` of an utterance's recording, and their rate; returns what a
#: command wants to know beyond the measurements of the doctor.
Listener = Callable[[Utterance, Waveform, int], Any]


def _no_ids() -> array[int]:
    return array("I")


@dataclass(frozen=True)
class TextReading:
    """Describes how a tokenizer reads a text.

    Attributes:
        ids: the symbol ids; none if the text cannot be read.
        script: the script of most letters, if the symbol table has no letter of it.
        unknown: characters (and phones in braces) that the symbol table lacks, each with its count.
        fault: why the text cannot be read; empty if it can.
    """

    ids: array[int] = field(default_factory=_no_ids)
    script: str | None = None
    unknown: tuple[tuple[str, int], ...] = ()
    fault: str = ""

    @property
    def n_symbols(self) -> int:
        """Return the number of symbol ids."""
        return len(self.ids)


@dataclass(frozen=True)
class ExaminedUtterance:
    """Holds an utterance with the measurements of its recording and the reading of its text.

    Attributes:
        utterance: the row of the manifest.
        recording: the measurements; None if the recording cannot be read.
        fault: why the recording cannot be read; empty if it can.
        reading: how the text is read; None if the model has no tokenizer.
        is_left_out: whether the recording is so long that the training leaves it out unread.
        heard: what the listener returned, if there was one and the recording can be used.
    """

    utterance: Utterance
    recording: RecordingStats | None
    fault: str = ""
    reading: TextReading | None = None
    is_left_out: bool = False
    heard: Any = None

    @property
    def pace(self) -> float | None:
        """Return the symbols per second of speech; None if there is no speech or no reading."""
        if self.recording is None or self.reading is None or self.recording.is_silent:
            return None
        return self.reading.n_symbols / self.recording.speech_seconds or None


def gather_cases(
    datamodule: SpeechDataModule, silence_db: float, listener: Listener | None = None
) -> list[ExaminedUtterance]:
    """Examine every utterance of a corpus, with progress on standard error.

    Args:
        datamodule: gives the corpus, and the tokenizer if the model has one.
        silence_db: the threshold of :func:`measure_recording`.
        listener: hears every recording that is not silent; what it refuses is a fault as well.

    Raises:
        InputError: there is no corpus of recordings, or it cannot be read; the message names the
            file or the row. Faults of single recordings and texts are part of the result instead.
    """
    prepare_to_listen(datamodule)
    name, utterances = datamodule.corpus.name, datamodule.corpus.utterances()
    tokenizer = getattr(datamodule, "tokenizer", None)
    readings: Sequence[TextReading | None] = [None] * len(utterances)
    if tokenizer is not None:
        readings = list(_read_texts(name, utterances, tokenizer.quiet()))
    recordings = _measure_recordings(datamodule, utterances, silence_db, listener)
    return [
        replace(case, reading=reading) for case, reading in zip(recordings, readings, strict=True)
    ]


def prepare_to_listen(datamodule: SpeechDataModule) -> None:
    """Get the recordings of a corpus, if it has some and the packages for them are installed.

    Raises:
        InputError: the corpus is a prepared folder, cannot be read, or a package is missing.
    """
    if isinstance(datamodule.corpus, PreparedCorpus):
        raise InputError(
            f"{datamodule.corpus.root}: a prepared folder has no recordings to listen to; name the "
            "corpus that it was made of"
        )
    datamodule.processing.check()
    datamodule.corpus.prepare()


def examine_text(tokenizer: Tokenizer, text: str) -> TextReading:
    """Return how a tokenizer reads a text; a text that it refuses gives a reading with a fault."""
    script = foreign_script(tokenizer, text)
    try:
        unknown = tuple(tokenizer.unknown(text).items())
        return TextReading(array("I", tokenizer.encode(text)), script, unknown)
    except InputError as error:
        return TextReading(script=script, fault=str(error))


def _read_texts(
    name: str, utterances: Sequence[Utterance], tokenizer: Tokenizer
) -> Iterator[TextReading]:
    with progress(f"reading the texts of {name}", len(utterances)) as advance:
        for utterance in utterances:
            yield examine_text(tokenizer, utterance.text)
            advance(1)


def _measure_recordings(
    datamodule: SpeechDataModule,
    utterances: Sequence[Utterance],
    silence_db: float,
    listener: Listener | None,
) -> Iterator[ExaminedUtterance]:
    processing, longest = datamodule.processing, longest_read(datamodule.max_seconds)

    def measure(utterance: Utterance) -> ExaminedUtterance:
        heard = None
        try:
            stats, samples = measure_recording(utterance.wav, silence_db, processing, longest)
            if listener is not None and not stats.is_silent:
                heard = listener(utterance, samples, stats.rate)
        except InputError as error:
            is_long = isinstance(error, LongRecordingError) and datamodule.max_seconds is not None
            fault = str(error).removeprefix(f"{utterance.wav}: ")
            return ExaminedUtterance(utterance, None, fault, is_left_out=is_long)
        return ExaminedUtterance(utterance, stats, heard=heard)

    with (
        progress(f"listening to {datamodule.corpus.name}", len(utterances)) as advance,
        contextlib.closing(ordered_map(measure, utterances, n_cores())) as results,
    ):
        for result in results:
            yield result
            advance(1)
