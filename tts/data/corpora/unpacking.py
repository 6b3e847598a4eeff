"""Downloads archives of recordings, and unpacks them completely or not at all.

Only plain files inside the folder are unpacked: no links, no devices, and no names that lead out of
the folder.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from tts.core.download import SimpleRemoteFile, download_file, remove_download
from tts.core.errors import InputError
from tts.core.files import atomic_folder
from tts.core.locks import wait_for_lock
from tts.core.progress import progress

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
                unpack_archive(download_file(source, folder), root)
                remove_download(source, folder)
        lock.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{root}: cannot be written ({error.strerror or error})") from None


def unpack_archive(archive: Path, root: Path) -> None:
    """Unpack a tar archive that holds one folder, which becomes ``root``.

    Raises:
        InputError: the archive is damaged, or ``root`` cannot be written.
    """
    size = archive.stat().st_size
    with (
        atomic_folder(root) as folder,
        progress(f"unpacking {archive.name}", size) as advance,
        archive.open("rb") as stream,
    ):
        done = 0
        for name, content in archived_files(archive, stream):
            place = folder.joinpath(*name.parts[1:])
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as file:
                shutil.copyfileobj(content, file)
            advance(stream.tell() - done)
            done = stream.tell()


def archived_files(archive: Path, stream: IO[bytes]) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    """Yield name and content of the plain files of a tar archive, in its order.

    Raises:
        InputError: the archive is damaged, or has a name that leads out of its folder.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts:
                    raise InputError(
                        f"{archive}: holds {member.name!r}, outside its folder; remove it"
                    )
                if member.isfile() and (content := tar.extractfile(member)) is not None:
                    yield name, content
    except (tarfile.TarError, EOFError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{archive}: damaged ({error}); remove it") from None


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
