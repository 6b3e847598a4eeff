"""Opens NeMo's ``.nemo`` archives: a tar with ``model_config.yaml`` and ``model_weights.ckpt``.

Nothing is unpacked to the disk. The headers of the tar are read one by one here: Python's
`tarfile` reads the extended headers of a tar as a whole into memory, of whatever size they are.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any, BinaryIO

from tts.core.errors import InputError
from tts.pretrained.importers.plain_yaml import parse_plain_yaml
from tts.pretrained.limits import COPY_AGAIN, GROWTH, SMALL, Bounded

CONFIG, WEIGHTS = "model_config.yaml", "model_weights.ckpt"
GZIP = b"\x1f\x8b"
#: Longest configuration that is read, in bytes; published ones have some thousands.
LONGEST = 1 << 17
#: Largest number of files in an archive; published ones have fewer than ten.
MOST_FILES = 10_000
_FILE = (tarfile.REGTYPE, tarfile.AREGTYPE)
_CHUNK = 1 << 20


def is_archive(start: bytes) -> bool:
    """Tell whether a file that starts with these bytes is a tar, plain or compressed."""
    return start[257:262] == b"ustar" or start.startswith(GZIP)


def read_archive(path: Path) -> tuple[dict[str, Any], BinaryIO]:
    """Read the configuration and the weights from an archive.

    Returns:
        The parsed configuration, and a stream of the weights' file.

    Raises:
        InputError: the file is damaged, or an archive of another kind.
    """
    members = _members(path)
    if missing := [name for name in (CONFIG, WEIGHTS) if name not in members]:
        raise InputError(f"{path}: a tar archive without {missing[0]}, so it is not NeMo's")
    return _parsed(path, members[CONFIG].getvalue()), members[WEIGHTS]


def _members(path: Path) -> dict[str, io.BytesIO]:
    """Read the archive once from its beginning, until both files were read."""
    members: dict[str, io.BytesIO] = {}
    try:
        with path.open("rb") as file:
            packed = file.read(len(GZIP)) == GZIP
            file.seek(0)
            stream = gzip.GzipFile(fileobj=file) if packed else file
            bounded = Bounded(stream, str(path), max(GROWTH * path.stat().st_size, SMALL))
            for _ in range(MOST_FILES):
                header = bounded.read(tarfile.BLOCKSIZE)
                if not header.strip(b"\0"):  # zeros, or nothing at all, are the end
                    return members
                member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
                name = Path(member.name).name
                # links, folders and extended headers have other types
                wanted = name in (CONFIG, WEIGHTS) and member.type in _FILE
                if name == CONFIG and wanted and member.size > LONGEST:
                    raise InputError(
                        f"{path}: {CONFIG} in it has {member.size:,} bytes; no configuration has "
                        f"more than {LONGEST:,}, so it is not read"
                    )
                content = _copied(bounded, member.size, io.BytesIO() if wanted else None)
                _copied(bounded, -member.size % tarfile.BLOCKSIZE, None)
                if content is not None:
                    members[name] = content
                if len(members) == 2:
                    return members
    except InputError:
        raise
    except Exception:  # tar, gzip and zlib raise a dozen types of errors for damaged files
        raise InputError(f"{path}: truncated or damaged tar archive; {COPY_AGAIN}") from None
    raise InputError(f"{path}: a tar archive of more than {MOST_FILES:,} files is not NeMo's")


def _copied(stream: Bounded, size: int, target: io.BytesIO | None) -> io.BytesIO | None:
    """Copy the next bytes of a stream to a target, or skip them if there is none."""
    while size > 0:
        content = stream.read(min(size, _CHUNK))
        if not content:
            raise tarfile.ReadError("ends too early")
        size -= len(content)
        if target is not None:
            target.write(content)
    if target is not None:
        target.seek(0)
    return target


def _parsed(path: Path, config: bytes) -> dict[str, Any]:
    try:
        parsed = parse_plain_yaml(config)
    except Exception:  # not only YAMLError: an impossible date is a ValueError
        raise InputError(
            f"{path}: {CONFIG} in it is not YAML that can be read; {COPY_AGAIN}"
        ) from None
    return parsed if isinstance(parsed, dict) else {}
