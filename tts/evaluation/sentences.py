"""The sentences that voices are judged by: 60 of LJ Speech that no voice here was trained on."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import NamedTuple

from tts.core.errors import InputError


class Sentence(NamedTuple):
    """What is said, and the name of its recording where there may be one."""

    id: str
    text: str


def read_sentences(path: str | Path | None = None) -> list[Sentence]:
    """Read ``id|text`` or ``text``, one a line; lines that begin with ``#`` are skipped.

    Args:
        path: of the file; None for the sentences that ship with the package.

    Raises:
        InputError: the file cannot be read, holds nothing, or says an id twice.
    """
    shipped = resources.files("tts.evaluation") / "heldout.txt"
    file = shipped if path is None else Path(path).expanduser()
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"sentences={path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"sentences={path}: not UTF-8; save it as UTF-8") from None
    found: dict[str, Sentence] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, bar, text = (part.strip() for part in line.partition("|"))
        sentence = Sentence(name, text) if bar else Sentence(f"{number:04d}", name)
        if not sentence.text or not sentence.id:
            raise InputError(f"{path}:{number}: expected id|text, or a text")
        if sentence.id in found:
            raise InputError(f"{path}:{number}: {sentence.id!r} stands there twice")
        found[sentence.id] = sentence
    if not found:
        raise InputError(f"sentences={path}: holds no sentences")
    return list(found.values())
