"""Downloads published checkpoints into a cache; some checkpoints come with the package.

The environment variable ``TACOGLOW_CACHE`` moves the cache from ``~/.cache/tacoglow``.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from tts.core import download
from tts.core.errors import InputError, one_line
from tts.pretrained.catalogue import Published

#: Folder in the package with the checkpoints that come with it.
VOICES = "voices"


def cache_dir() -> Path:
    """Return the folder of downloaded checkpoints.

    Raises:
        InputError: ``TACOGLOW_CACHE`` lies in the home folder of an unknown user.
    """
    base = os.environ.get("TACOGLOW_CACHE")
    try:
        folder = Path(base).expanduser() if base else Path.home() / ".cache" / "tacoglow"
    except RuntimeError as error:
        reason = one_line(error)
        raise InputError(f"TACOGLOW_CACHE={base or ''}: no folder ({reason}); set it") from None
    return folder / "checkpoints"


def fetch(entry: Published, cache: Path | None = None) -> Path:
    """Return the file of a published checkpoint, and download it if it is not in the cache.

    Args:
        entry: an entry of the catalogue.
        cache: folder of the downloads; `cache_dir` by default.

    Raises:
        InputError: see `tts.core.download.download_file`.
    """
    if not entry.urls:
        return Path(str(resources.files("tts"))) / VOICES / entry.file
    return download.download_file(entry, cache or cache_dir())
