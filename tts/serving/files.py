"""Keeps files under names, in a folder or in any store that fsspec knows, whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from tts.core.errors import InputError, one_line
from tts.core.files import replacing

#: Stores in which a file appears when the last byte has arrived; others need a temporary name.
_WHOLE_BY_NATURE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "memory"}
_TEMPORARY = ".tmp"


@dataclass(frozen=True)
class KeptFile:
    """Describes a file of a store.

    Attributes:
        name: of the file, with ``/`` between folders.
        modified: seconds since 1970, or None if the store does not say it.
        is_temporary: whether it is what a dead process has left of its work.
    """

    name: str
    modified: float | None
    is_temporary: bool


class FileKeeper(Protocol):
    """Keeps files under names that this package makes; no name of a client's comes here."""

    def put(self, name: str, content: bytes) -> None:
        """Write a file, or replace it; others see all of it or nothing."""

    def put_file(self, name: str, source: Path) -> None:
        """Write a copy of a file of this machine, as :meth:`put` does."""

    def get(self, name: str) -> bytes | None:
        """Return a file, or None if there is none."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def path(self, name: str) -> Path | None:
        """Return where the system has a file, or None if it is not in a folder of this machine."""

    def files(self) -> Iterator[KeptFile]:
        """Yield all files."""

    def check_writable(self) -> None:
        """Write a file and remove it.

        Raises:
            InputError: that is not possible.
        """


def open_files(target: str) -> FileKeeper:
    """Open a folder, which is made if it is missing, or a store such as ``s3://bucket/sound``.

    Raises:
        InputError: there is no such kind of store, its package is missing, or nothing can be
            written there.
    """
    if "://" in target and not target.startswith("file://"):
        keeper: FileKeeper = _RemoteFiles(target)
    else:
        keeper = _LocalFiles(Path(target.removeprefix("file://")).expanduser())
    keeper.check_writable()
    return keeper


class _LocalFiles:
    """Keeps files in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, content: bytes) -> None:
        with self._replacing(name) as temporary:
            temporary.write_bytes(content)

    def put_file(self, name: str, source: Path) -> None:
        with self._replacing(name) as temporary:
            shutil.copyfile(source, temporary)

    def get(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def path(self, name: str) -> Path | None:
        return self._folder / name

    def files(self) -> Iterator[KeptFile]:
        for place, _, names in os.walk(self._folder):
            for name in names:
                path = Path(place) / name
                with suppress(OSError):  # it may be gone meanwhile
                    relative = path.relative_to(self._folder).as_posix()
                    is_temporary = name.endswith(_TEMPORARY)
                    yield KeptFile(relative, path.stat().st_mtime, is_temporary)

    def check_writable(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with replacing(self._folder / "writable") as temporary:
                temporary.write_bytes(b"yes")
            self.remove("writable")
        except OSError as error:
            raise InputError(
                f"store={self._folder}: cannot be written ({error.strerror}); name another folder"
            ) from None

    @contextmanager
    def _replacing(self, name: str) -> Iterator[Path]:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            yield temporary


class _RemoteFiles:
    """Keeps files in a store of fsspec's."""

    def __init__(self, url: str) -> None:
        import fsspec

        self._shown = url.split("@")[-1]  # what comes before may be a password
        try:
            self._system, root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise InputError(f"store={self._shown}: {one_line(error)}") from None
        except (ValueError, OSError) as error:
            raise InputError(f"store={self._shown}: {one_line(error)}") from None
        self._root = PurePosixPath(root)
        protocols = self._system.protocol
        names = {protocols} if isinstance(protocols, str) else set(protocols)
        self._puts_whole = bool(names & _WHOLE_BY_NATURE)

    def put(self, name: str, content: bytes) -> None:
        self._put(name, lambda path: self._system.pipe_file(path, content))

    def put_file(self, name: str, source: Path) -> None:
        self._put(name, lambda path: self._system.put_file(str(source), path))

    def _put(self, name: str, write: Callable[[str], object]) -> None:
        path = str(self._root / name)
        if self._puts_whole:
            write(path)
            return
        temporary = f"{path}.{secrets.token_hex(8)}{_TEMPORARY}"
        self._system.makedirs(str((self._root / name).parent), exist_ok=True)
        try:
            write(temporary)
            self._system.mv(temporary, path)
        except BaseException:
            with suppress(Exception):
                self._system.rm_file(temporary)
            raise

    def get(self, name: str) -> bytes | None:
        try:
            content = self._system.cat_file(str(self._root / name))
        except FileNotFoundError:
            return None
        return bytes(content)

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._system.rm_file(str(self._root / name))

    def path(self, name: str) -> Path | None:
        return None

    def files(self) -> Iterator[KeptFile]:
        self._system.invalidate_cache()
        for path, facts in self._system.find(str(self._root), detail=True).items():
            name = PurePosixPath("/", path).relative_to(PurePosixPath("/", self._root)).as_posix()
            yield KeptFile(name, _modified(facts), name.endswith(_TEMPORARY))

    def check_writable(self) -> None:
        name = f"writable-{secrets.token_hex(8)}"
        try:
            self.put(name, b"yes")
            self.remove(name)
        except Exception as error:  # each store has errors of its own
            reason = one_line(error) or type(error).__name__
            raise InputError(f"store={self._shown}: cannot be written ({reason})") from None


def _modified(facts: dict[str, Any]) -> float | None:
    """Return when a file was written; each kind of store has its own word for it."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "created"):
        moment = facts.get(name)
        if isinstance(moment, datetime):
            return moment.timestamp()
        if isinstance(moment, (int, float)):
            return float(moment)
    return None
