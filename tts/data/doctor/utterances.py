"""``gather_cases``: listen to all recordings and read all texts, whatever is wrong with them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tts.core.errors import InputError
from tts.core.parallel import n_cores, ordered_map
from tts.core.progress import progress
from tts.data.corpora.manifest import Utterance
from tts.data.doctor.recording_stats import RecordingStats, measure_recording
from tts.data.loading.speech_datamodule import SpeechDataModule
from tts.text import Tokenizer
from tts.text.scripts import TRANSLITERATING, foreign_script


@dataclass(frozen=True)
class TextReading:
    """What a tokenizer makes of a text.

    Attributes:
        n_symbols: ids; 0 if there are none.
        script: of most letters, if the table has none of it.
        unknown: characters (and phones in braces) that the table does not have, and how many.
        wrong: why there are no ids.
    """

    n_symbols: int = 0
    script: str | None = None
    unknown: tuple[tuple[str, int], ...] = ()
    wrong: str = ""


@dataclass(frozen=True)
class ExaminedUtterance:
    """An utterance and what was found of it.

    Attributes:
        utterance: the row.
        sound: the recording; None if it cannot be read.
        wrong: why it cannot.
        reading: the text; None if the model has no use for texts.
    """

    utterance: Utterance
    sound: RecordingStats | None
    wrong: str = ""
    reading: TextReading | None = None

    @property
    def pace(self) -> float | None:
        """Symbols in a second of speech."""
        if self.sound is None or self.reading is None or self.sound.is_silent:
            return None
        return self.reading.n_symbols / self.sound.spoken or None


def gather_cases(datamodule: SpeechDataModule, silence_db: float) -> list[ExaminedUtterance]:
    """Examine every utterance of a corpus, with progress on standard error.

    Args:
        datamodule: knows the corpus, and the tokenizer if there is one.
        silence_db: see ``measure_recording``.

    Raises:
        InputError: naming the file or the row at fault; no fault of single recordings or texts.
    """
    name, utterances = datamodule.corpus.name, datamodule.corpus.utterances()
    tokenizer = getattr(datamodule, "tokenizer", None)
    readings: Sequence[TextReading | None] = [None] * len(utterances)
    if tokenizer is not None:
        readings = list(_read_all(name, utterances, tokenizer.quiet()))
    sounds = _listen_to_all(name, utterances, silence_db)
    return [
        ExaminedUtterance(utterance, sound, wrong, reading)
        for utterance, (sound, wrong), reading in zip(utterances, sounds, readings, strict=True)
    ]


def examine_text(tokenizer: Tokenizer, text: str) -> TextReading:
    """Read a text; what is wrong with it is part of the result."""
    script = None
    if tokenizer.cleaner != TRANSLITERATING and tokenizer.language is None:
        script = foreign_script(tuple(tokenizer.symbols), text)
    try:
        unknown = tuple(tokenizer.unknown(text).items())
        return TextReading(len(tokenizer.encode(text)), script, unknown)
    except InputError as error:
        return TextReading(script=script, wrong=str(error))


def _read_all(
    name: str, utterances: Sequence[Utterance], tokenizer: Tokenizer
) -> Iterator[TextReading]:
    with progress(f"reading the texts of {name}", len(utterances)) as advance:
        for utterance in utterances:
            yield examine_text(tokenizer, utterance.text)
            advance(1)


def _listen_to_all(
    name: str, utterances: Sequence[Utterance], silence_db: float
) -> Iterator[tuple[RecordingStats | None, str]]:
    def attempt(path: Path) -> tuple[RecordingStats | None, str]:
        try:
            return measure_recording(path, silence_db), ""
        except InputError as error:
            return None, str(error).removeprefix(f"{path}: ")

    results = ordered_map(attempt, [utterance.wav for utterance in utterances], n_cores())
    with (
        progress(f"listening to {name}", len(utterances)) as advance,
        contextlib.closing(results),
    ):
        for result in results:
            yield result
            advance(1)
