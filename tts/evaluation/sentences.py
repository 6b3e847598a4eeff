"""Reads the sentences that systems speak: by default 60 of LJ Speech, never used for training."""

from __future__ import annotations

from importlib import resources
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tts.core.errors import InputError
from tts.core.output import printable


class Sentence(NamedTuple):
    """Holds the text of a sentence, and its id, which is also the name of its recording."""

    id: str
    text: str


def read_sentences(path: str | Path | None = None) -> list[Sentence]:
    """Read lines of ``id|text`` or of ``text``; lines that begin with ``#`` are comments.

    Args:
        path: the file; None: the sentences that come with the package.

    Raises:
        InputError: the file cannot be read, holds no sentence, has an id twice, or one that cannot
            be the name of a file.
    """
    shipped = resources.files("tts.evaluation") / "heldout.txt"
    file = shipped if path is None else Path(path).expanduser()
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"sentences={path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"sentences={path}: not UTF-8; save it as UTF-8") from None
    sentences: dict[str, Sentence] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, bar, text = (part.strip() for part in line.partition("|"))
        sentence = Sentence(name, text) if bar else Sentence(f"{number:04d}", name)
        if not sentence.text or not sentence.id:
            raise InputError(f"{path}:{number}: expected id|text, or a text")
        if not _is_file_name(sentence.id):
            raise InputError(
                f"{path}:{number}: {printable(sentence.id)}: an id is the name of files below the "
                "output; write one that is no absolute path, without '..' and control characters"
            )
        if sentence.id in sentences:
            raise InputError(
                f"{path}:{number}: {sentence.id!r} is the id of an earlier line; change one"
            )
        sentences[sentence.id] = sentence
    if not sentences:
        raise InputError(f"sentences={path}: holds no sentences; write one a line")
    return list(sentences.values())


def _is_file_name(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and printable(name) == name
