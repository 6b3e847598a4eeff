"""Keeps the sound of utterances: files in a store, and what is known of them in the database.

A file is written before its row, and a row is removed before its file. So a row means that the file
was whole once; a file without a row is removed by :meth:`SoundStore.sweep`. The hash in the row is
compared on reading: what is missing or damaged counts as never made, and is made again.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import delete, func, select, tuple_

from tts.core.download import sha256
from tts.serving.data.database import Database
from tts.serving.data.models import RenditionRow
from tts.serving.data.utterances import save_rendition, touch_rendition
from tts.serving.files import FileKeeper, open_files

#: Seconds after which a file without a row belongs to nobody: its writer would be done long since.
ABANDONED_AFTER = 3600.0
_ID = re.compile(r"[0-9a-f]{64}")
_FORMAT = re.compile(r"[a-z0-9]{1,8}")
_KEY = (RenditionRow.utterance_id, RenditionRow.format, RenditionRow.sample_rate)
_MOST_CHECKED = 10_000
_EVICTED_AT_ONCE = 100


class SoundStore:
    """Holds the files of utterances, up to a number of bytes.

    Args:
        files: where they are.
        database: what is known of them.
        quota_bytes: files that were not used for longest are removed beyond this; None: never.
    """

    def __init__(
        self, files: FileKeeper, database: Database, quota_bytes: int | None = None
    ) -> None:
        self._files = files
        self._database = database
        self._quota = quota_bytes
        # size and time of files whose hash was right, so that a book is not hashed for each range
        self._checked: OrderedDict[str, tuple[int, int]] = OrderedDict()

    @classmethod
    def open(cls, target: str, database: Database, quota_bytes: int | None = None) -> SoundStore:
        """Open a store: a folder or an address of fsspec's.

        Raises:
            InputError: it cannot be written; see :func:`tts.serving.files.open_files`.
        """
        return cls(open_files(target), database, quota_bytes)

    def check_writable(self) -> None:
        """Write a file and remove it, for the question whether all is well.

        Raises:
            InputError: that is not possible.
        """
        self._files.check_writable()

    def put(self, utterance_id: str, format: str, sample_rate: int, content: bytes) -> None:
        """Write the file of a rendition, and nothing to the database.

        The caller notes it in a transaction of his own, by
        :func:`tts.serving.data.utterances.save_rendition`.
        """
        self._files.put(rendition_name(utterance_id, format, sample_rate), content)

    def put_file(self, utterance_id: str, format: str, sample_rate: int, source: Path) -> None:
        """Write a copy of a file of this machine, as :meth:`put` does."""
        self._files.put_file(rendition_name(utterance_id, format, sample_rate), source)

    def save(
        self, utterance_id: str, format: str, sample_rate: int, content: bytes
    ) -> RenditionRow:
        """Write the file of a rendition and its row, and make room for others.

        Args:
            utterance_id: of an utterance in the database.
            format: such as "mp3".
            sample_rate: Hz; 0 for a picture.
            content: the whole file.
        """
        self.put(utterance_id, format, sample_rate, content)
        with self._database.write() as session:
            row = save_rendition(
                session, utterance_id, format, sample_rate, len(content), sha256_of(content)
            )
        self.make_room()
        return row

    def load(self, rendition: RenditionRow) -> bytes | None:
        """Return a file, or None if it must be made again; it counts as used now."""
        content = self._files.get(name_of(rendition))
        if content is None or sha256_of(content) != rendition.sha256:
            self._discard([rendition])
            return None
        with self._database.write() as session:
            touch_rendition(session, rendition)
        return content

    def path(self, rendition: RenditionRow) -> Path | None:
        """Return where a checked file is on this machine; it counts as used now.

        Returns:
            None if the file is missing or damaged, so that it must be made again, and where the
            store is no folder: :meth:`load` it then.
        """
        path = self._files.path(name_of(rendition))
        if path is None:
            return None
        if not self._is_whole(path, rendition):
            self._discard([rendition])
            return None
        with self._database.write() as session:
            touch_rendition(session, rendition)
        return path

    def has(self, rendition: RenditionRow) -> bool:
        """Return whether a file is there and whole; it counts as used now."""
        return (self.path(rendition) if self.is_folder else self.load(rendition)) is not None

    @property
    def is_folder(self) -> bool:
        """Return whether files have paths on this machine."""
        return self._files.path("any") is not None

    def save_part(self, utterance_id: str, number: int, samples: bytes) -> None:
        """Write the samples of a part that was just spoken, for those who listen meanwhile.

        Args:
            utterance_id: of the utterance.
            number: of the part, from 0.
            samples: 16-bit, little-endian, at the voice's rate, with the pause after the part.
        """
        self._files.put(part_name(utterance_id, number), samples)

    def load_part(self, utterance_id: str, number: int) -> bytes | None:
        """Return the samples of a part, or None; they are kept for an hour at least."""
        return self._files.get(part_name(utterance_id, number))

    def forget(self, renditions: Sequence[RenditionRow]) -> None:
        """Remove the files of renditions whose rows the caller has removed."""
        for rendition in renditions:
            self._files.remove(name_of(rendition))

    def make_room(self) -> int:
        """Remove the files that were not used for longest, until all fit; return their number.

        Their utterances stay, and are spoken again when somebody asks. The last file stays.
        """
        removed = 0
        while self._quota is not None:
            with self._database.read() as session:
                total = session.scalar(select(func.sum(RenditionRow.n_bytes))) or 0
                if total <= self._quota:
                    break
                oldest = session.scalars(
                    select(RenditionRow)
                    .order_by(RenditionRow.last_used_at, *_KEY)
                    .limit(_EVICTED_AT_ONCE)
                ).all()
            chosen = _beyond(oldest, total - self._quota)
            if not chosen:
                break
            self._discard(chosen)
            removed += len(chosen)
        return removed

    def sweep(self, abandoned_after: float = ABANDONED_AFTER) -> tuple[int, int]:
        """Remove what kills and losses have left; return the numbers of files and of rows.

        Args:
            abandoned_after: seconds; a younger file may have a writer that has not written its
                row yet, and a younger part a listener.
        """
        with self._database.read() as session:
            rows = {name_of(row): row for row in session.scalars(select(RenditionRow))}
        limit, present, n_files = time.time() - abandoned_after, set(), 0
        for file in self._files.files():
            present.add(file.name)
            is_old = file.modified is not None and file.modified <= limit
            if is_old and file.name not in rows:
                self._files.remove(file.name)
                n_files += 1
        lost = [row for name, row in rows.items() if name not in present]
        self._discard(lost)
        return n_files, len(lost)

    def _discard(self, renditions: Sequence[RenditionRow]) -> None:
        """Remove the rows of renditions, and then their files."""
        if not renditions:
            return
        # a rendition that was made again meanwhile has another time and stays
        keys = [
            (row.utterance_id, row.format, row.sample_rate, row.created_at) for row in renditions
        ]
        with self._database.write() as session:
            chosen = tuple_(*_KEY, RenditionRow.created_at).in_(keys)
            session.execute(delete(RenditionRow).where(chosen))
        self.forget(renditions)

    def _is_whole(self, path: Path, rendition: RenditionRow) -> bool:
        """Return whether a file has the hash of its row; a file is hashed once in a process."""
        name = name_of(rendition)
        try:
            facts = path.stat()
            state = (facts.st_size, facts.st_mtime_ns)
            if self._checked.get(f"{name} {rendition.sha256}") == state:
                return True
            if sha256(path) != rendition.sha256:
                return False
        except FileNotFoundError:
            return False
        self._checked[f"{name} {rendition.sha256}"] = state
        while len(self._checked) > _MOST_CHECKED:
            self._checked.popitem(last=False)
        return True


def rendition_name(utterance_id: str, format: str, sample_rate: int) -> str:
    """Return the name of a file; nothing in it comes from a client."""
    if not _ID.fullmatch(utterance_id) or not _FORMAT.fullmatch(format):
        raise ValueError(f"no utterance or format: {utterance_id!r}, {format!r}")
    return f"{utterance_id[:2]}/{utterance_id}-{int(sample_rate)}.{format}"


def part_name(utterance_id: str, number: int) -> str:
    """Return the name of the file with the samples of a part."""
    return rendition_name(utterance_id, "part", number)


def name_of(rendition: RenditionRow) -> str:
    """Return the name of the file of a rendition."""
    return rendition_name(rendition.utterance_id, rendition.format, rendition.sample_rate)


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _beyond(oldest: Sequence[RenditionRow], surplus: int) -> Sequence[RenditionRow]:
    """Return as many of the oldest renditions as give room for a surplus, but never the last."""
    chosen: list[RenditionRow] = []
    for row in oldest[: -1 if len(oldest) < _EVICTED_AT_ONCE else None]:
        if surplus <= 0:
            break
        chosen.append(row)
        surplus -= row.n_bytes
    return chosen
