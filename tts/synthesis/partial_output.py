"""``PartialOutput``: long speech while it is spoken, in a folder that outlives the process.

Samples are appended to one file, what is known of them to a journal, one line for each utterance
behind its samples: whatever a kill leaves, the lines that are whole are good. Memory does not grow
with the length, and a run that was stopped goes on behind the last line.
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
from tts.core.files import atomic_writer
from tts.core.locks import try_lock
from tts.synthesis.report import Record, part_record

if TYPE_CHECKING:
    from tts.inference import Speech

_BYTES = 4


class PartialOutput:
    """Utterances that were spoken, in order.

    Args:
        folder: where; made if it is missing.
        identity: what the sound depends on, as JSON; a folder that was begun with another one is
            left alone.

    Attributes:
        done: number of utterances that are in it.

    Raises:
        InputError: the folder belongs to something else, to another process, or cannot be written.
    """

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = try_lock(folder / "lock")
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from None
        if lock is None:
            raise InputError(f"{folder}: another process speaks into it")
        self._lock = lock
        self._check_identity(identity)
        self._journal: list[dict[str, Any]] = []
        self._sound_path, self._journal_path = folder / "sound.f32", folder / "journal.jsonl"
        self._restore()
        # without buffers, which would be written once more when a full disk is closed
        self._sound_file = self._sound_path.open("ab", buffering=0)
        self._journal_file = self._journal_path.open("ab", buffering=0)

    @property
    def done(self) -> int:
        """Number of utterances that are in it."""
        return len(self._journal)

    def add(self, speeches: Sequence[Speech]) -> None:
        """Append what was spoken for one utterance.

        Raises:
            InputError: there is no room; what was added before is safe.
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
        """Samples of the utterances from ``first`` to before ``last``, on the disk; their rate."""
        begin = self._begin(first)
        n_samples = self._journal[last - 1]["end"] - begin
        samples = np.memmap(
            self._sound_path, "<f4", mode="r", offset=begin * _BYTES, shape=(n_samples,)
        )
        return samples, int(self._journal[first]["sample_rate"])

    def records(self, first: int, last: int) -> list[Record]:
        """What is known of their parts; time begins with the first."""
        begin = self._begin(first)
        return [
            {**part, "start": (self._begin(i) - begin) / line["sample_rate"] + part["start"]}
            for i, line in enumerate(self._journal[first:last], start=first)
            for part in line["parts"]
        ]

    def remove(self) -> None:
        """Delete the folder: everything has a file of its own now."""
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
        known = json.loads(path.read_bytes())
        if other := [key for key, value in identity.items() if known.get(key) != value]:
            self._lock.release()
            raise InputError(
                f"{self.folder}: was begun with another {other[0]}; "
                "repeat that command to go on, or delete the folder to begin again"
            )

    def _restore(self) -> None:
        """Take what is whole, and cut off the rest."""
        self._sound_path.touch()
        self._journal_path.touch()
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
        for path, length in (
            (self._journal_path, kept),
            (self._sound_path, self._begin(self.done) * _BYTES),
        ):
            with path.open("r+b") as file:
                file.truncate(length)


def _append(file: io.FileIO, data: bytes) -> None:
    """Write everything, as a nearly full disk may take less at first."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _records(speeches: Sequence[Speech]) -> list[Record]:
    """Records of the parts of speeches that follow each other."""
    records: list[Record] = []
    start = 0.0
    for speech in speeches:
        records += [{**part_record(part), "start": start + part.start} for part in speech.parts]
        start += speech.seconds
    return records
