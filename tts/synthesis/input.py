"""What is to be said, and where its sound goes; torch is not needed yet."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tts.audio.encoding import ENDINGS
from tts.core.errors import InputError
from tts.synthesis.report import print_line

SOURCES = ("text", "text_file", "book")
#: What ``output`` says for standard output.
STANDARD_OUTPUT = "-"
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")


class Line(NamedTuple):
    """One text, and what a message about it begins with: ``"lines.txt:3: "``."""

    text: str
    where: str


def read_texts(config: dict[str, Any]) -> list[Line]:
    """The texts that a configuration names, one for each sound file.

    Raises:
        InputError: none or several are named, or a file that is not there or holds no text.
    """
    given = [key for key in SOURCES if config[key] is not None]
    if len(given) != 1:
        raise InputError(
            'say what to speak: one of text="...", text_file=lines.txt and book=book.txt'
        )
    source = config[given[0]]
    if given == ["text"]:
        return [Line(str(source), "")]
    path = Path(str(source))
    written = _read(path, given[0])
    if given == ["text_file"]:
        return _lines(path, written)
    if is_folder(str(config["output"])):
        return _paragraphs(path, written)
    return [Line(written, f"{path}: ")]


def _read(path: Path, key: str) -> str:
    """A file of text; all kinds of line ends become one."""
    try:
        written = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{key}={path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{key}={path}: not UTF-8 at byte {error.start}") from None
    if not written.strip():
        raise InputError(f"{key}={path}: holds no text")
    return written


def _lines(path: Path, written: str) -> list[Line]:
    # not splitlines(), which also splits at control characters that editors do not count
    raw = written.removesuffix("\n").split("\n")
    lines = [Line(s.strip(), f"{path}:{n}: ") for n, s in enumerate(raw, start=1) if s.strip()]
    if len(lines) < len(raw):
        print_line(f"{path}: {len(raw) - len(lines)} of {len(raw)} lines are empty and skipped")
    return lines


def _paragraphs(path: Path, written: str) -> list[Line]:
    paragraphs, start, number = [], 0, 1
    for found in [*_BLANK_LINES.finditer(written), None]:
        end = len(written) if found is None else found.start()
        text = written[start:end]
        if text.strip():
            paragraphs.append(Line(text.strip(), f"{path}:{number}: "))
        if found is not None:
            number += written.count("\n", start, found.end())
            start = found.end()
    return paragraphs


def is_folder(output: str) -> bool:
    """Whether ``output`` means a folder: it ends in a slash, or is one."""
    return output.endswith("/") or Path(output).is_dir()


def output_paths(output: str, lines: list[Line], ending: str | None = None) -> list[Path]:
    """The file of each text: ``output`` itself, or 0001.wav and so on in the folder.

    Args:
        output: a file or a folder.
        lines: the texts.
        ending: of the files in a folder, "wav" if it is None; a file has its own.

    Raises:
        InputError: no kind of sound file, or one file for several texts.
    """
    if is_folder(output):
        width = max(4, len(str(len(lines))))
        names = (f"{n:0{width}d}.{ending or 'wav'}" for n in range(1, len(lines) + 1))
        return [Path(output) / name for name in names]
    if Path(output).suffix.lower() not in ENDINGS:
        raise InputError(
            f"output={output}: end it in {', '.join(ENDINGS)} for a file, or in / for a folder"
        )
    if ending is not None and Path(output).suffix.lower() != f".{ending}":
        raise InputError(f"format={ending}: output={output} says otherwise; leave one of them out")
    if len(lines) > 1:
        folder = Path(output).with_suffix("")
        raise InputError(
            f"output={output} is one file for {len(lines)} utterances; use output={folder}/"
        )
    return [Path(output)]


def check_writable(paths: list[Path]) -> None:
    """Find out before the work whether its results will have a place."""
    folder = paths[0].parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"output={paths[0]}: {folder} cannot be written ({reason})") from None
    for path in paths:
        if path.is_dir():
            raise InputError(f"output={path}: is a folder; name a file")
