"""Turns texts into jobs, one for each sound file, and synthesizes their waveforms."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tts.core.errors import InputError
from tts.synthesis.chapters import BookSection, sections_of
from tts.synthesis.input import Line
from tts.synthesis.partial_output import PartialOutput
from tts.synthesis.report import Record, part_record
from tts.text.bracket_marks import without_marks
from tts.text.pieces import Break

if TYPE_CHECKING:
    from tts.inference import Options, Speech, Synthesizer
    from tts.inference.reader import DecodingUnit, TextReader

#: Most units of one text that stay in memory. The waveform of a longer text is kept on the disk,
#: from where an interrupted run resumes.
MOST_IN_MEMORY = 64


@dataclass(frozen=True)
class SynthesisJob:
    """Holds a text and its sound file.

    Attributes:
        line: the text and its place.
        path: the sound file.
        units: the units into which the text was cut.
        chapters: titles of chapters, and the numbers of the units with which they begin.
        skipped: the reason why the text is not spoken, or None.
    """

    line: Line
    path: Path
    units: Sequence[DecodingUnit] = ()
    chapters: Sequence[tuple[str, int]] = ()
    skipped: str | None = None


@dataclass(frozen=True, eq=False)
class SpokenJob:
    """Holds a job and its waveform.

    Attributes:
        job: the text and its sound file.
        wave: ``(T_wave,)`` samples, in memory or on the disk.
        sample_rate: of ``wave``, Hz.
        records: the records of its parts.
        speech: the waveform with mel spectrogram and alignment, if the text is short enough.
        chapters: titles of chapters, and the times at which they begin, in seconds.
    """

    job: SynthesisJob
    wave: NDArray[np.float32]
    sample_rate: int
    records: list[Record]
    speech: Speech | None
    chapters: Sequence[tuple[str, float]] = ()

    @property
    def seconds(self) -> float:
        """Return the duration of the waveform in seconds."""
        return len(self.wave) / self.sample_rate


def read_jobs(
    reader: TextReader,
    speaker: int | None,
    lines: Sequence[Line],
    paths: Sequence[Path],
    skip: bool,
    is_book: bool,
) -> list[SynthesisJob]:
    """Read every text before the first one is spoken.

    Args:
        reader: cuts texts into units.
        speaker: number of the speaker; None if there is one voice or the texts name them.
        lines: the texts.
        paths: their sound files.
        skip: skip a text that cannot be read, instead of raising.
        is_book: the texts are paragraphs; some of them are ornaments without words, such as
            ``* * *``, and are skipped, too.

    Raises:
        InputError: a text cannot be read; the message begins with its place.
    """
    jobs = []
    for line, path in zip(lines, paths, strict=True):
        try:
            jobs.append(_read_job(reader, speaker, line, path, is_book and len(lines) == 1))
        except InputError as error:
            is_ornament = is_book and len(lines) > 1 and not reader.has_sound(line.text)
            if not skip and not is_ornament:
                raise InputError(f"{line.where}{error}") from None
            jobs.append(SynthesisJob(line, path, skipped=str(error)))
    if not any(job.units for job in jobs):
        raise InputError(f"{jobs[0].line.where}{jobs[0].skipped}")
    return jobs


def _read_job(
    reader: TextReader, speaker: int | None, line: Line, path: Path, has_chapters: bool
) -> SynthesisJob:
    sections = sections_of(line.text) if has_chapters else [BookSection(None, line.text)]
    # an ornament before the first heading is no chapter
    worded = [s for s in sections if any(map(str.isalnum, without_marks(s.text)))]
    units: list[DecodingUnit] = []
    chapters = []
    for section in worded or sections[:1]:
        if section.title is not None:
            chapters.append((section.title, len(units)))
        first, *others = reader.read(section.text, units[-1].speaker if units else speaker)
        if units:
            units[-1] = _before_chapter(units[-1], first.silence_before)
            first = replace(first, begins=False, silence_before=0.0)
        units += [first, *others]
    return SynthesisJob(line, path, units, chapters=chapters)


def _before_chapter(unit: DecodingUnit, silence: float) -> DecodingUnit:
    """Return the last unit of a chapter, with the silence that begins the next one."""
    pause = (unit.pause or 0.0) + silence if silence else unit.pause
    return replace(unit, after=Break.PARAGRAPH, pause=pause)


def needs_partial_output(jobs: Sequence[SynthesisJob], is_book: bool) -> bool:
    """Return whether a text is too long for the memory, or too long to be spoken again."""
    return is_book or any(len(job.units) > MOST_IN_MEMORY for job in jobs)


def partial_output_folder(output: str, is_folder: bool) -> Path:
    """Return the folder that holds long speech while it is synthesized."""
    return Path(output) / "unfinished" if is_folder else Path(output).with_suffix(".unfinished")


def output_identity(
    lines: Sequence[Line], config: dict[str, Any], options: dict[str, Any]
) -> Record:
    """Return everything that the waveforms depend on: texts, checkpoints and options."""
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
    """Return the name of a source and, if it is a file, its size and modification time."""
    try:
        state = Path(source).stat()
    except OSError:
        return [source]
    return [source, state.st_size, state.st_mtime_ns]


def speak_jobs(
    synthesizer: Synthesizer,
    jobs: Sequence[SynthesisJob],
    options: Options,
    partial: PartialOutput | None,
    advance: Callable[[int], None] = lambda n_chars: None,
    marks: bool = True,
) -> Iterator[SpokenJob]:
    """Speak the jobs in order, without those that are skipped.

    Args:
        synthesizer: synthesizes the units.
        jobs: the texts.
        options: of the synthesizer.
        partial: stores long speech, and holds what an interrupted run has spoken already.
        advance: receives the number of characters of each unit that is ready.
        marks: whether the records need time marks; those that are stored always have them.
    """
    from tts.inference import join

    units = [unit for job in jobs for unit in job.units]
    n_done = partial.done if partial is not None else 0
    remaining = synthesizer.speak_utterances(units, options, n_done)
    first = 0
    for job in jobs:
        last = first + len(job.units)
        speeches: list[Speech] = []
        for number in range(first, last):
            if number >= n_done:
                parts = next(remaining)
                if partial is not None:
                    partial.add(parts)
                if last - first <= MOST_IN_MEMORY:
                    speeches += parts
            advance(len(units[number].text))
        # A text that an earlier run has begun has no complete mel and alignment.
        speech = join(speeches, job.line.text) if speeches and first >= n_done else None
        if partial is not None and last > first:
            sound, records = partial.sound(first, last), partial.records(first, last)
            chapters = [(title, partial.start(first, first + at)) for title, at in job.chapters]
            yield SpokenJob(job, *sound, records, speech, chapters)
        elif speech is not None:
            records = [part_record(part, marks) for part in speech.parts]
            yield SpokenJob(job, speech.wave.numpy(), speech.sample_rate, records, speech)
        first = last
