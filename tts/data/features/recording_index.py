"""Remembers what each recording holds, so that a recording is read only once.

A recording is known by its path, size and date, and its content by a hash of its bytes. If only the
path or the date changes (``touch``, a copy on another disk), the recording is read and hashed
again, and everything that was computed from the same bytes stays. A file that changes and keeps
both its size and its date is noticed only if the user asks for it (``data.verify=true``).
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

# Bytes that are hashed at a time, because a file may be larger than the memory
_PIECE = 2**20


class IndexedFile(NamedTuple):
    """Holds the size, date and content hash of a file when it was read, and its recording."""

    size: int
    mtime_ns: int
    digest: bytes
    recording: Recording


class RecordingIndex:
    """Finds the entry of a recording, and adds entries.

    The file has one line of JSON for each entry; of several lines of one path the last one counts.

    Args:
        path: the index file, which the user may delete at any time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: dict[str, IndexedFile] = {}
        self._n_lines = 0
        self._output: TextIO | None = None
        self._load()

    def find(self, path: Path) -> IndexedFile | None:
        """Return the entry of a file, or None if it is missing or has another size or date now."""
        try:
            status = path.stat()
        except OSError:
            return None
        file = self._files.get(str(path))
        is_same = file is not None and file[:2] == (status.st_size, status.st_mtime_ns)
        return file if is_same else None

    def by_digest(self) -> dict[bytes, Recording]:
        """Return the recording of each content hash, wherever the file lies."""
        return {file.digest: file.recording for file in self._files.values()}

    def add(self, path: Path, file: IndexedFile) -> None:
        """Write an entry; only within ``writing``."""
        assert self._output is not None
        self._files[str(path)] = file
        self._output.write(_line(str(path), file))
        self._output.flush()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Open the file for new entries; the caller makes sure that no other process writes."""
        if self._n_lines > 2 * len(self._files) + 100:
            with replacing(self.path) as temporary, temporary.open("w", encoding="utf-8") as file:
                file.writelines(_line(path, entry) for path, entry in self._files.items())
        with self.path.open("a", encoding="utf-8") as self._output:
            # ends the line that a killed process may have left half-written
            self._output.write("\n")
            yield
        self._output = None

    def _load(self) -> None:
        try:
            lines = self.path.read_bytes().splitlines()
        except OSError:
            return
        self._n_lines = len(lines)
        for line in lines:
            try:
                path, size, mtime_ns, digest, rate, n_samples = json.loads(line)
                recording = Recording(int(rate), int(n_samples))
                file = IndexedFile(int(size), int(mtime_ns), bytes.fromhex(digest), recording)
            except (ValueError, TypeError):
                continue  # an incomplete or foreign line: that recording is read again
            if len(file.digest) == KEY_BYTES:
                self._files[str(path)] = file


def hash_file(path: Path) -> tuple[bytes, os.stat_result]:
    """Return a hash of the bytes of a file, and its size and date.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        # before the reading: a change meanwhile must give the file another date than the noted one
        status = os.fstat(file.fileno())
        digest = hashlib.blake2b(digest_size=KEY_BYTES)
        while piece := file.read(_PIECE):
            digest.update(piece)
        return digest.digest(), status


def _line(path: str, file: IndexedFile) -> str:
    return json.dumps([path, *file[:2], file.digest.hex(), *file.recording]) + "\n"
