"""Streams speech to standard output while it is synthesized (``output=-``), as a WAV.

Players and encoders can read such a stream (``| aplay``, ``| ffmpeg -i - talk.mp3``). Its header
gives the greatest length that a WAV can have, because the true length is not known yet.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tts.audio.pcm import to_int16
from tts.core.errors import EXIT_INTERRUPTED, InputError, RunStopped
from tts.synthesis.input import STANDARD_OUTPUT
from tts.synthesis.report import Record, part_record, print_job_summary

if TYPE_CHECKING:
    from tts.inference import Options, Synthesizer
    from tts.synthesis.jobs import SynthesisJob

#: Options that need the whole waveform or a file, and the value that turns them off.
_OF_FILES = {
    **dict.fromkeys(("format", "sample_rate", "peak", "loudness", "timings")),
    **{"plots": False, "json": False},
}
_UNKNOWN = 0xFFFFFFFF


def check_stream_options(config: dict[str, Any], is_terminal: bool) -> None:
    """Check before the work begins that speech can be written to standard output.

    Args:
        config: the resolved configuration.
        is_terminal: standard output is a terminal, not a pipe or a file.

    Raises:
        InputError: an option needs the whole waveform, or standard output is a terminal.
    """
    for key, unset in _OF_FILES.items():
        if config[key] != unset:
            raise InputError(
                f"{key}={config[key]}: needs the whole waveform, so output=- cannot have it; "
                "leave it out, or write a file"
            )
    if config["bits"] not in (None, 16):
        raise InputError(f"bits={config['bits']}: output=- always has 16; leave bits out")
    if is_terminal:
        raise InputError("output=-: standard output is a terminal; pipe it to a player: | aplay")


def wav_header(sample_rate: int) -> bytes:
    """Return the 44 bytes before an unknown number of 16-bit mono samples."""
    form = struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", _UNKNOWN)
    return b"RIFF" + struct.pack("<I", _UNKNOWN) + b"WAVE" + chunks


def speak_to_stream(
    synthesizer: Synthesizer, jobs: Sequence[SynthesisJob], options: Options, out: BinaryIO
) -> list[Record]:
    """Speak texts one after the other, with the pause of a paragraph between them.

    Args:
        synthesizer: synthesizes the texts.
        jobs: the texts; those with ``skipped`` are not spoken.
        options: of the synthesizer.
        out: receives the waveform chunk by chunk.

    Returns:
        The records of all parts.

    Raises:
        RunStopped: the player closed the pipe.
        InputError: standard output cannot be written, as on a full disk.
    """
    rate = synthesizer.vocoder.mel.sample_rate
    records: list[Record] = []
    _send(out, wav_header(rate))
    for number, job in enumerate(job for job in jobs if job.units):
        if number:
            pause = options.pauses.paragraph / options.speed
            _send(out, bytes(2 * round(pause * rate)))
        job_records, n_samples = [], 0
        for chunk in synthesizer.stream_utterances(job.units, options):
            _send(out, to_int16(chunk.wave.numpy()).tobytes())
            n_samples += len(chunk.wave)
            if chunk.part is not None:
                job_records.append(part_record(chunk.part))
        print_job_summary(Path(STANDARD_OUTPUT), n_samples / rate, job_records)
        records += job_records
    return records


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
