"""Opens NeMo's ``.nemo`` archives: a tar with ``model_config.yaml`` and ``model_weights.ckpt``.

Nothing is unpacked to the disk.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any, BinaryIO

from tts.core.errors import InputError
from tts.pretrained.limits import COPY_AGAIN, GROWTH, SMALL, Bounded, check_value_count

CONFIG, WEIGHTS = "model_config.yaml", "model_weights.ckpt"
GZIP = b"\x1f\x8b"
#: Longest configuration that is read, in bytes; published ones have some thousands.
LONGEST = 1 << 20


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
    return _parsed(path, members[CONFIG]), io.BytesIO(members[WEIGHTS])


def _members(path: Path) -> dict[str, bytes]:
    """Read the archive once from its beginning, until both files were read."""
    members: dict[str, bytes] = {}
    try:
        with path.open("rb") as file:
            packed = file.read(len(GZIP)) == GZIP
            file.seek(0)
            stream = gzip.GzipFile(fileobj=file) if packed else file
            limit = max(GROWTH * path.stat().st_size, SMALL)
            bounded: Any = Bounded(stream, str(path), limit)
            with tarfile.open(fileobj=bounded, mode="r|") as archive:
                for member in archive:
                    name = Path(member.name).name
                    if name in (CONFIG, WEIGHTS) and member.isfile() and not member.issparse():
                        content: Any = archive.extractfile(member)
                        members[name] = content.read()
                    if len(members) == 2:
                        break
    except InputError:
        raise
    except Exception:  # tar, gzip and zlib raise a dozen types of errors for damaged files
        raise InputError(f"{path}: truncated or damaged tar archive; {COPY_AGAIN}") from None
    return members


def _parsed(path: Path, config: bytes) -> dict[str, Any]:
    import yaml

    try:
        if len(config) > LONGEST:
            raise ValueError("too long for a configuration")
        parsed = yaml.safe_load(config)
        check_value_count(parsed)
    except Exception:  # not only YAMLError: an impossible date is a ValueError
        raise InputError(
            f"{path}: {CONFIG} in it is not YAML that can be read; {COPY_AGAIN}"
        ) from None
    return parsed if isinstance(parsed, dict) else {}
