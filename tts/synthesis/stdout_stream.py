"""``output=-``: speech goes to standard output while it is made, as a WAV without an end.

Players and encoders read such a stream (``| aplay``, ``| ffmpeg -i - talk.mp3``): its header says
that it is as long as a WAV can be, and it ends where it ends.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tts.audio.pcm import to_int16
from tts.core.errors import EXIT_INTERRUPTED, InputError, RunStopped
from tts.synthesis.input import STANDARD_OUTPUT
from tts.synthesis.report import Record, part_record, print_summary

if TYPE_CHECKING:
    from tts.inference import Options, Synthesizer
    from tts.synthesis.jobs import SynthesisJob

#: Keys that need the whole sound, or a file, and the value that leaves them alone.
_OF_FILES = {
    **dict.fromkeys(("format", "sample_rate", "peak", "loudness")),
    **{"plots": False, "json": False},
}
_UNKNOWN = 0xFFFFFFFF


def check_stream_options(config: dict[str, Any], is_terminal: bool) -> None:
    """Find out before the work whether speech can go to standard output.

    Args:
        config: resolved.
        is_terminal: standard output is shown, not read.

    Raises:
        InputError: an option that needs the whole sound, or nobody listens.
    """
    for key, unset in _OF_FILES.items():
        if config[key] != unset:
            raise InputError(f"{key}={config[key]}: not with output=-, it needs the whole sound")
    if config["bits"] not in (None, 16):
        raise InputError(f"bits={config['bits']}: output=- has 16; leave it null")
    if is_terminal:
        raise InputError("output=-: standard output is a terminal; let a player read it: | aplay")


def wav_header(sample_rate: int) -> bytes:
    """The 44 bytes before 16-bit mono samples of unknown number."""
    form = struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", _UNKNOWN)
    return b"RIFF" + struct.pack("<I", _UNKNOWN) + b"WAVE" + chunks


def speak_to_stream(
    synthesizer: Synthesizer, jobs: Sequence[SynthesisJob], options: Options, out: BinaryIO
) -> list[Record]:
    """Speak texts one after the other, with the pause of a paragraph between them.

    Args:
        synthesizer: speaks.
        jobs: what; those that are skipped are passed over.
        options: how.
        out: where the sound goes, chunk by chunk.

    Returns:
        What is known of every part.

    Raises:
        RunStopped: whoever listened has gone.
    """
    rate = synthesizer.vocoder.mel.sample_rate
    records: list[Record] = []
    with _listened_to(out):
        out.write(wav_header(rate))
        for number, job in enumerate(job for job in jobs if job.utterances):
            if number:
                out.write(bytes(2 * round(options.pauses.paragraph * rate)))
            job_records, n_samples = [], 0
            for chunk in synthesizer.stream_utterances(job.utterances, options):
                out.write(to_int16(chunk.wave.numpy()).tobytes())
                out.flush()
                n_samples += len(chunk.wave)
                if chunk.part is not None:
                    job_records.append(part_record(chunk.part))
            print_summary(Path(STANDARD_OUTPUT), n_samples / rate, job_records)
            records += job_records
    return records


@contextmanager
def _listened_to(out: BinaryIO) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        # or Python complains once more when it closes the file at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        raise RunStopped("output=-: whoever listened has gone", EXIT_INTERRUPTED) from None
