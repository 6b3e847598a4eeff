"""Texts on their way to sound files: what is read, spoken, kept and told of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tts.core.errors import InputError
from tts.synthesis.input import Line
from tts.synthesis.partial_output import PartialOutput
from tts.synthesis.report import Record, part_record

if TYPE_CHECKING:
    from tts.inference import Options, Speech, Synthesizer
    from tts.inference.reader import DecodingUnit, TextReader

#: Utterances of one text that are kept in memory; longer texts are kept on the disk, and are
#: spoken on where they were left.
MOST_IN_MEMORY = 64


@dataclass(frozen=True)
class SynthesisJob:
    """A text and its sound file.

    Attributes:
        line: the text, and where it stands.
        path: of the sound.
        utterances: what it was cut into.
        skipped: why nothing of it is spoken, if so.
    """

    line: Line
    path: Path
    utterances: Sequence[DecodingUnit] = ()
    skipped: str | None = None


@dataclass(frozen=True, eq=False)
class SpokenJob:
    """A take that was spoken.

    Attributes:
        job: what it is of.
        wave: ``(T_wave,)`` samples, in memory or on the disk.
        sample_rate: of ``wave``, Hz.
        records: what is known of its parts.
        speech: the same with spectrogram and alignment, if it is short enough to have them.
    """

    job: SynthesisJob
    wave: NDArray[np.float32]
    sample_rate: int
    records: list[Record]
    speech: Speech | None

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.wave) / self.sample_rate


def read_jobs(
    reader: TextReader,
    speaker: int,
    lines: Sequence[Line],
    paths: Sequence[Path],
    skip: bool,
    is_book: bool,
) -> list[SynthesisJob]:
    """Read every text before the first is spoken.

    Args:
        reader: cuts texts into utterances.
        speaker: number of who speaks.
        lines: the texts.
        paths: their sound files.
        skip: leave out a text that cannot be read, instead of giving up.
        is_book: the texts are paragraphs, some of which are ornaments.

    Raises:
        InputError: a text that cannot be read, named by its place.
    """
    jobs = []
    for line, path in zip(lines, paths, strict=True):
        try:
            jobs.append(SynthesisJob(line, path, reader.read(line.text, speaker)))
        except InputError as error:
            ornament = is_book and len(lines) > 1 and not reader.has_sound(line.text)
            if not skip and not ornament:
                raise InputError(f"{line.where}{error}") from None
            jobs.append(SynthesisJob(line, path, skipped=str(error)))
    if not any(job.utterances for job in jobs):
        raise InputError(f"{jobs[0].line.where}{jobs[0].skipped}")
    return jobs


def needs_partial_output(jobs: Sequence[SynthesisJob], is_book: bool) -> bool:
    """Whether something is too long to be kept in memory, or to be begun again."""
    return is_book or any(len(job.utterances) > MOST_IN_MEMORY for job in jobs)


def partial_output_folder(output: str, is_folder: bool) -> Path:
    """Where long speech lies while it is spoken."""
    return Path(output) / "unfinished" if is_folder else Path(output).with_suffix(".unfinished")


def output_identity(
    lines: Sequence[Line], config: dict[str, Any], options: dict[str, Any]
) -> Record:
    """What the sound of texts depends on."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.text.encode("utf-8", "surrogatepass") + b"\0")
    return {
        "text": digest.hexdigest(),
        **{key: _file_state(str(config[key])) for key in ("acoustic", "vocoder", "lexicon")},
        **{key: value for key, value in options.items() if key != "pauses"},
        "precision": config["precision"],
        "pauses": dict(config["pauses"]),
    }


def _file_state(source: str) -> list[Any]:
    """A checkpoint: its name, and if it is a file, which state of it."""
    try:
        known = Path(source).stat()
    except OSError:
        return [source]
    return [source, known.st_size, known.st_mtime_ns]


def speak_jobs(
    synthesizer: Synthesizer,
    jobs: Sequence[SynthesisJob],
    options: Options,
    partial: PartialOutput | None,
    advance: Callable[[int], None] = lambda n_chars: None,
) -> Iterator[SpokenJob]:
    """Speak in order; those that are skipped are passed over.

    Args:
        synthesizer: speaks.
        jobs: what.
        options: how.
        partial: keeps what is too long for memory, and what was spoken before.
        advance: told of the characters of every utterance that is there.
    """
    from tts.inference import join

    utterances = [utterance for job in jobs for utterance in job.utterances]
    done = partial.done if partial is not None else 0
    fresh = synthesizer.speak_utterances(utterances, options, done)
    first = 0
    for job in jobs:
        last = first + len(job.utterances)
        speeches: list[Speech] = []
        for number in range(first, last):
            if number >= done:
                parts = next(fresh)
                if partial is not None:
                    partial.add(parts)
                if last - first <= MOST_IN_MEMORY:
                    speeches += parts
            advance(len(utterances[number].text))
        # whole, unless some of it was spoken before
        speech = join(speeches, job.line.text) if speeches and first >= done else None
        if partial is not None and last > first:
            sound, records = partial.sound(first, last), partial.records(first, last)
            yield SpokenJob(job, *sound, records, speech)
        elif speech is not None:
            records = [part_record(part) for part in speech.parts]
            yield SpokenJob(job, speech.wave.numpy(), speech.sample_rate, records, speech)
        first = last
