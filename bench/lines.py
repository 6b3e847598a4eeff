"""Reads the tables that benchmarks measure with."""

from __future__ import annotations

from pathlib import Path

from tts.core.errors import InputError


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file in UTF-8.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
