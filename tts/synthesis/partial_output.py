"""Stores long speech on the disk while it is synthesized, so that an interrupted run can resume.

Samples are appended to one file, their records to a journal. The journal gets one line for each
unit after the samples of the unit are written, so each complete line is valid even if the process
is killed. Memory does not grow with the length of the text, and the next run resumes after the last
line.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tts.core.errors import InputError
from tts.core.files import atomic_writer, no_follow
from tts.core.locks import try_lock
from tts.synthesis.report import Record, part_record, shifted

if TYPE_CHECKING:
    from tts.inference import Speech

_BYTES = 4


class PartialOutput:
    """Stores the waveforms and records of units in their order.

    Args:
        folder: the folder; it is created if it is missing.
        identity: everything that the waveforms depend on, as JSON. A folder with another identity
            is not changed.

    Attributes:
        done: number of units that are stored.

    Raises:
        InputError: the folder belongs to another command, is in use by another process, or cannot
            be written.
    """

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = try_lock(folder / "lock")
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from None
        if lock is None:
            raise InputError(f"{folder}: another process writes to it; wait until it ends")
        self._lock = lock
        self._check_identity(identity)
        self._journal: list[dict[str, Any]] = []
        self._sound_path, self._journal_path = folder / "sound.f32", folder / "journal.jsonl"
        try:
            # On a full disk, close() would try to write a buffer again and raise; so there is none.
            self._sound_file = io.FileIO(self._sound_path, "a", opener=no_follow)
            self._journal_file = io.FileIO(self._journal_path, "a", opener=no_follow)
            self._restore()
        except OSError as error:
            self._lock.release()
            raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from None

    @property
    def done(self) -> int:
        """Return the number of units that are stored."""
        return len(self._journal)

    def add(self, speeches: Sequence[Speech]) -> None:
        """Append the speech of one unit.

        Raises:
            InputError: the disk is full; the units that were added before are safe.
        """
        n_samples = sum(len(speech.wave) for speech in speeches)
        line = {
            "end": (self._journal[-1]["end"] if self._journal else 0) + n_samples,
            "sample_rate": speeches[0].sample_rate,
            "parts": _records(speeches),
        }
        try:
            for speech in speeches:
                _append(self._sound_file, speech.wave.numpy().astype("<f4").tobytes())
            _append(self._journal_file, json.dumps(line).encode() + b"\n")
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"{self.folder}: cannot be written ({reason})") from None
        self._journal.append(line)

    def sound(self, first: int, last: int) -> tuple[NDArray[np.float32], int]:
        """Return the samples of the units from ``first`` to ``last - 1``, and their rate in Hz.

        The samples are an array on the disk, of shape ``(n_samples,)``.
        """
        begin = self._begin(first)
        n_samples = self._journal[last - 1]["end"] - begin
        samples = np.memmap(
            self._sound_path, "<f4", mode="r", offset=begin * _BYTES, shape=(n_samples,)
        )
        return samples, int(self._journal[first]["sample_rate"])

    def records(self, first: int, last: int) -> list[Record]:
        """Return the records of their parts; times begin with the first unit."""
        begin = self._begin(first)
        return [
            shifted(part, (self._begin(i) - begin) / line["sample_rate"])
            for i, line in enumerate(self._journal[first:last], start=first)
            for part in line["parts"]
        ]

    def start(self, first: int, number: int) -> float:
        """Return how many seconds after the beginning of one unit another one begins."""
        n_samples = self._begin(number) - self._begin(first)
        return float(n_samples / self._journal[first]["sample_rate"])

    def remove(self) -> None:
        """Delete the folder, because all speech is in its sound files now."""
        self._close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> PartialOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _begin(self, number: int) -> int:
        return int(self._journal[number - 1]["end"]) if number else 0

    def _close(self) -> None:
        self._sound_file.close()
        self._journal_file.close()
        self._lock.release()

    def _check_identity(self, identity: dict[str, Any]) -> None:
        path = self.folder / "run.json"
        if not path.exists():
            with atomic_writer(path) as file:
                file.write(json.dumps(identity, indent=1).encode())
            return
        stored = json.loads(path.read_bytes())
        if different := [key for key, value in identity.items() if stored.get(key) != value]:
            self._lock.release()
            raise InputError(
                f"{self.folder}: was started with another {different[0]}; repeat that command to "
                "resume it, or delete the folder to start again"
            )

    def _restore(self) -> None:
        """Read the units that are complete, and cut off what a killed process left after them."""
        size = self._sound_path.stat().st_size
        kept = 0
        for raw in self._journal_path.read_bytes().splitlines(keepends=True):
            try:
                line = json.loads(raw)
            except ValueError:
                break
            if not raw.endswith(b"\n") or line["end"] * _BYTES > size:
                break
            self._journal.append(line)
            kept += len(raw)
        self._journal_file.truncate(kept)
        self._sound_file.truncate(self._begin(self.done) * _BYTES)


def _append(file: io.FileIO, data: bytes) -> None:
    """Write all data; one write to a nearly full disk may write less."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _records(speeches: Sequence[Speech]) -> list[Record]:
    """Return the records of the parts of consecutive speeches."""
    records: list[Record] = []
    start = 0.0
    for speech in speeches:
        records += [shifted(part_record(part), start) for part in speech.parts]
        start += speech.seconds
    return records
