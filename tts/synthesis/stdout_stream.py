"""Streams speech to standard output while it is synthesized (``output=-``), as one sound.

Players can read such a stream (``| aplay``), and so can encoders and network connections.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from tts.audio.stream_encoder import StreamEncoder
from tts.core.errors import EXIT_INTERRUPTED, InputError, RunStopped
from tts.synthesis.file_tags import file_tags
from tts.synthesis.input import STANDARD_OUTPUT
from tts.synthesis.report import Record, part_record, print_job_summary

if TYPE_CHECKING:
    from tts.inference import Options, Synthesizer
    from tts.synthesis.jobs import SynthesisJob

#: Options that need the whole waveform or a file, and the value that turns them off.
_OF_FILES = {
    **dict.fromkeys(("peak", "loudness", "timings")),
    **{"plots": False, "json": False},
}
#: The format that is written unless the user names another one.
_DEFAULT_FORMAT = "wav"
# a rate that every format can have
_LEGAL_RATE = 24_000


def check_stream_options(config: dict[str, Any], is_terminal: bool) -> None:
    """Check before the work begins that speech can be written to standard output.

    Args:
        config: the resolved configuration.
        is_terminal: standard output is a terminal, not a pipe or a file.

    Raises:
        InputError: an option needs the whole waveform, the format, its rate and its bits do not fit
            together, or standard output is a terminal.
    """
    for key, unset in _OF_FILES.items():
        if config[key] != unset:
            raise InputError(
                f"{key}={config[key]}: needs the whole waveform, so output=- cannot have it; "
                "leave it out, or write a file"
            )
    _encoder(config, config["sample_rate"] or _LEGAL_RATE)
    if is_terminal:
        raise InputError("output=-: standard output is a terminal; pipe it to a player: | aplay")


def speak_to_stream(
    synthesizer: Synthesizer,
    jobs: Sequence[SynthesisJob],
    options: Options,
    out: BinaryIO,
    config: dict[str, Any],
) -> list[Record]:
    """Speak texts one after the other, with the pause of a paragraph or of a mark between them.

    Args:
        synthesizer: synthesizes the texts.
        jobs: the texts; those with ``skipped`` are not spoken.
        options: of the synthesizer.
        out: receives the encoded waveform chunk by chunk.
        config: the resolved configuration, with ``format``, ``sample_rate`` and ``bits``.

    Returns:
        The records of all parts.

    Raises:
        RunStopped: the player closed the pipe.
        InputError: standard output cannot be written, as on a full disk.
    """
    rate = synthesizer.vocoder.mel.sample_rate
    encoder = _encoder(config, rate, jobs[0].line.text)
    records: list[Record] = []
    before: SynthesisJob | None = None
    for job in jobs:
        if not job.units:
            continue
        if before is not None and not _is_mark_between(before, job):
            pause = options.pauses.paragraph / options.speed
            _send(out, encoder.feed(np.zeros(round(pause * rate), np.float32)))
        before = job
        job_records, n_samples = [], 0
        for chunk in synthesizer.stream_utterances(job.units, options):
            _send(out, encoder.feed(chunk.wave.numpy()))
            n_samples += len(chunk.wave)
            if chunk.part is not None:
                job_records.append(part_record(chunk.part, marks=False))
        print_job_summary(Path(STANDARD_OUTPUT), n_samples / rate, job_records)
        records += job_records
    _send(out, encoder.finish())
    encoder.limiter.log(Path(STANDARD_OUTPUT))
    return records


def _encoder(config: dict[str, Any], source_rate: int, text: str = "") -> StreamEncoder:
    """Return the encoder of the stream, for speech of a text and a rate in Hz."""
    name = config["format"] or _DEFAULT_FORMAT
    tags = file_tags(config, text).in_one_line()
    return StreamEncoder(name, config["sample_rate"], source_rate, bits=config["bits"], tags=tags)


def _is_mark_between(before: SynthesisJob, job: SynthesisJob) -> bool:
    """Return whether a pause mark ends a text or begins the next one."""
    return before.units[-1].pause is not None or job.units[0].silence_before > 0


def _send(out: BinaryIO, data: bytes) -> None:
    """Write a piece of the stream at once: here, unlike elsewhere, what is lost is an error."""
    try:
        out.write(data)
        out.flush()
    except OSError as error:
        # Python flushes standard output when it exits, which would print a second error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        if isinstance(error, BrokenPipeError):
            message = "output=-: the player closed the pipe"
            raise RunStopped(message, EXIT_INTERRUPTED) from None
        reason = error.strerror or error
        raise InputError(f"output=-: standard output cannot be written ({reason})") from None
