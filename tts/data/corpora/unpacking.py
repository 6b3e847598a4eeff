"""Downloads archives of recordings, and unpacks them completely or not at all.

Only plain files inside the folder are unpacked: no links, no devices, and no names that lead out of
the folder.
"""

from __future__ import annotations

import contextlib
import logging
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from tts.core.download import SimpleRemoteFile, download_file, remove_download
from tts.core.errors import InputError
from tts.core.files import atomic_folder
from tts.core.locks import wait_for_lock
from tts.core.progress import progress

# A header with a long name is read into memory as a whole; names have at most some thousand bytes
_MOST_HEADER = 2**20
_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_PIECE = 2**20

_log = logging.getLogger(__name__)


def fetch_folder(source: SimpleRemoteFile, root: Path, n_bytes: int) -> None:
    """Download an archive and unpack it; of several processes, only one does so.

    Args:
        source: a tar archive with one folder, compressed in any way.
        root: the folder of the archive is unpacked under this name.
        n_bytes: size of the archive and its content together.

    Raises:
        InputError: the disk is too full, or the file cannot be downloaded or is damaged.
    """
    folder = root.absolute().parent
    lock = folder / f"{root.name}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with wait_for_lock(lock, f"downloading {source.name}"):
            if not (root.is_dir() and any(root.iterdir())):
                _require_room(folder, source, n_bytes)
                unpack_archive(download_file(source, folder), root, n_bytes)
                remove_download(source, folder)
        lock.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{root}: cannot be written ({error.strerror or error})") from None


def unpack_archive(archive: Path, root: Path, most: int) -> None:
    """Unpack a tar archive that holds one folder, which becomes ``root``.

    Args:
        archive: the archive, compressed in any way.
        root: the new folder.
        most: number of bytes that its files may have together.

    Raises:
        InputError: the archive is damaged, holds more bytes or a file twice, or ``root`` cannot be
            written.
    """
    size, room = archive.stat().st_size, most
    with (
        atomic_folder(root) as folder,
        progress(f"unpacking {archive.name}", size) as advance,
        archive.open("rb") as stream,
    ):
        done = 0
        for name, read in archived_files(archive, stream):
            place = folder.joinpath(*name.parts[1:])
            if place.exists() or len(name.parts) < 2:
                what = "twice" if len(name.parts) > 1 else "outside its folder"
                raise InputError(f"{archive}: holds {str(name)!r} {what}; remove it")
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as file:
                while piece := read(_PIECE):
                    room -= len(piece)
                    if room < 0:
                        raise InputError(
                            f"{archive}: holds more than {most / 1e9:.1f} GB, so it is not the "
                            "expected one; remove it"
                        )
                    file.write(piece)
            advance(stream.tell() - done)
            done = stream.tell()


def archived_files(
    archive: Path, stream: IO[bytes]
) -> Iterator[tuple[PurePosixPath, Callable[[int], bytes]]]:
    """Yield the plain files of a tar archive, in its order.

    Yields:
        The name of a file, and a function that reads up to so many of its next bytes. The bytes are
        unpacked when they are read, so the caller decides how many of them are.

    Raises:
        InputError: the archive is damaged, or has a name that leads out of its folder.
    """
    opened = partial(tarfile.open, fileobj=stream, mode="r|*", tarinfo=_BoundedMember)
    with _damage_named(archive), opened() as tar:
        for member in tar:
            tar.members = []  # type: ignore[attr-defined]  # otherwise the facts of all files of the archive are kept
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts:
                raise InputError(f"{archive}: holds {member.name!r}, outside its folder; remove it")
            if member.isfile() and (content := tar.extractfile(member)) is not None:
                yield name, partial(_read_some, archive, content)


def _read_some(archive: Path, content: IO[bytes], n_bytes: int) -> bytes:
    with _damage_named(archive):
        return content.read(n_bytes)


@contextlib.contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    """Turn the errors that tar, gzip, bz2 and lzma have for damaged files into one line."""
    try:
        yield
    except InputError:
        raise
    except (tarfile.TarError, EOFError, ValueError, OSError, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"{archive}: damaged ({error}); remove it") from None


class _BoundedMember(tarfile.TarInfo):
    """Refuses headers that would fill the memory; ``tarfile`` reads the rest piece by piece."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADERS and self.size > _MOST_HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        member: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return member


def _require_room(folder: Path, source: SimpleRemoteFile, n_bytes: int) -> None:
    n_downloaded = 0
    with contextlib.suppress(OSError):
        n_downloaded = sum(path.stat().st_size for path in folder.glob(f"{source.file}*"))
    free, needed = shutil.disk_usage(folder).free, n_bytes - n_downloaded
    if free < needed:
        raise InputError(
            f"{folder}: {free / 1e9:.1f} GB are free, {source.name} needs {needed / 1e9:.1f} GB; "
            "make room, or choose another data.root"
        )
    _log.info("%s: downloading and unpacking %.1f GB", source.name, n_bytes / 1e9)
