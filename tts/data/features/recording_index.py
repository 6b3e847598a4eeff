"""``RecordingIndex`` remembers what recordings hold, so that they are read only once.

A recording is known by its path, size and date; what it holds is known by a hash of its bytes. If
only the first changes (``touch``, a copy on another disk) it is read and hashed, and all that was
computed of the same bytes stays. A file that changes and keeps both size and date is not noticed
unless everything is to be verified. One line of JSON for each file, the last one counts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from tts.core.files import replacing
from tts.data.features.recordings import Recording
from tts.data.features.shards import KEY_BYTES


class IndexedFile(NamedTuple):
    """A file as it was when it was read: its state, a hash of its bytes, and what it holds."""

    size: int
    mtime_ns: int
    digest: bytes
    recording: Recording


class RecordingIndex:
    """What is known of files.

    Args:
        path: of the notes; they may be deleted at any time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sights: dict[str, IndexedFile] = {}
        self._file: TextIO | None = None
        self._load()

    def __len__(self) -> int:
        return len(self._sights)

    def find(self, path: Path) -> IndexedFile | None:
        """What is known of a file, unless it is gone, or has another size or date now."""
        try:
            status = path.stat()
        except OSError:
            return None
        sight = self._sights.get(str(path))
        if sight is None or sight[:2] != (status.st_size, status.st_mtime_ns):
            return None
        return sight

    def by_digest(self) -> dict[bytes, Recording]:
        """What files with these bytes hold, wherever they are."""
        return {sight.digest: sight.recording for sight in self._sights.values()}

    def note(self, path: Path, sight: IndexedFile) -> None:
        """Keep what was found in a file; within ``noting``."""
        assert self._file is not None
        self._sights[str(path)] = sight
        self._file.write(_line(str(path), sight))
        self._file.flush()

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Add notes; only one process at a time may."""
        if self._n_lines > 2 * len(self._sights) + 100:
            self._rewrite()
        with self.path.open("a", encoding="utf-8") as self._file:
            # what a killed process left of a line stays a line of its own
            self._file.write("\n")
            yield
        self._file = None

    def _load(self) -> None:
        self._n_lines = 0
        try:
            lines = self.path.read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            self._n_lines += 1
            try:
                path, size, mtime_ns, digest, rate, n_samples = json.loads(line)
                recording = Recording(int(rate), int(n_samples))
                sight = IndexedFile(int(size), int(mtime_ns), bytes.fromhex(digest), recording)
                if len(sight.digest) == KEY_BYTES:
                    self._sights[str(path)] = sight
            except (ValueError, TypeError):
                continue  # half a line, or none of ours: the file will be looked at again

    def _rewrite(self) -> None:
        with replacing(self.path) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.writelines(_line(path, sight) for path, sight in self._sights.items())


def digest_of(path: Path) -> tuple[bytes, os.stat_result]:
    """Hash a file, and tell its size and date.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        return hashlib.blake2b(file.read(), digest_size=KEY_BYTES).digest(), status


def _line(path: str, sight: IndexedFile) -> str:
    row = [path, sight.size, sight.mtime_ns, sight.digest.hex(), *sight.recording]
    return json.dumps(row) + "\n"
