"""Writes when each word is spoken, in a file beside the sound; the times have its margin.

The formats are in :mod:`tts.audio.timings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tts.audio.timings import TIMING_FORMATS
from tts.core.files import atomic_writer
from tts.synthesis.report import Record, shifted


def timings_path(sound: Path, kind: str) -> Path:
    """Return the file of the time marks of a sound file."""
    endings = {"json": ".words.json", "textgrid": ".TextGrid"}
    return sound.with_suffix(endings.get(kind, f".{kind}"))


def write_timings(
    sound: Path, kind: str, records: Sequence[Record], seconds: float, margin: float
) -> None:
    """Write the time marks of a sound file.

    Args:
        sound: the sound file, beside which the marks are written.
        kind: a key of ``TIMING_FORMATS``.
        records: the records of its parts.
        seconds: length of its speech, without margins.
        margin: silence at both ends of the file, seconds.
    """
    records = [shifted(record, margin) for record in records]
    content = TIMING_FORMATS[kind](records, seconds + 2 * margin)
    with atomic_writer(timings_path(sound, kind)) as file:
        file.write(content.encode("utf-8", "replace"))
