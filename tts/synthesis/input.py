"""Reads the input texts, and chooses the sound file of each; torch is not needed yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tts.audio.formats import ENDINGS, FORMATS, aac_hint
from tts.core.arguments import typed_text
from tts.core.errors import InputError
from tts.core.files import require_writable
from tts.core.output import print_line
from tts.core.ranges import check_arguments
from tts.core.source_ranges import ranges_in_source
from tts.pretrained.sources import require_source
from tts.synthesis.chapters import headings_apart, split_headings
from tts.text.lexicon import lexicon_lines

SOURCES = ("text", "text_file", "book")
#: The value of ``output`` that means standard output.
STANDARD_OUTPUT = "-"
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")


class Line(NamedTuple):
    """Holds one text, its place, with which messages about it begin, and its chapter in a book.

    The place looks like ``"lines.txt:3: "``.
    """

    text: str
    where: str
    chapter: str | None = None


def read_texts(config: dict[str, Any]) -> list[Line]:
    """Return the texts that a configuration names, one for each sound file.

    Raises:
        InputError: the configuration names no source or several, or a file that is missing or
            holds no text.
    """
    given = [key for key in SOURCES if config[key] is not None]
    if len(given) != 1:
        raise InputError('give one of text="...", text_file=lines.txt and book=book.txt')
    source = config[given[0]]
    if given == ["text"]:
        return [Line(typed_text(str(source)), "")]
    path = Path(str(source))
    content = _read(path, given[0])
    if given == ["text_file"]:
        return _lines(path, content)
    if is_folder(str(config["output"])):
        return _paragraphs(path, content)
    return [Line(headings_apart(content), f"{path}: ")]


def _read(path: Path, key: str) -> str:
    """Return the text of a file, with line feeds for all kinds of line ends."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{key}={path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{key}={path}: not UTF-8 at byte {error.start}; save the file as UTF-8"
        ) from None
    if not content.strip():
        raise InputError(f"{key}={path}: holds no text; write at least one word")
    return content


def _lines(path: Path, content: str) -> list[Line]:
    # splitlines() also splits at control characters, which editors do not count as line ends.
    raw = content.removesuffix("\n").split("\n")
    lines = [Line(s.strip(), f"{path}:{n}: ") for n, s in enumerate(raw, start=1) if s.strip()]
    if len(lines) < len(raw):
        print_line(f"{path}: {len(raw) - len(lines)} of {len(raw)} lines are empty and skipped")
    return lines


def _paragraphs(path: Path, content: str) -> list[Line]:
    paragraphs: list[Line] = []
    start, number, chapter = 0, 1, None
    for gap in [*_BLANK_LINES.finditer(content), None]:
        end = len(content) if gap is None else gap.start()
        text = content[start:end]
        for passage in split_headings(text):
            chapter = passage.text if passage.level == 1 else chapter
            where = f"{path}:{number + passage.line}: "
            paragraphs.append(Line(passage.text.strip(), where, chapter))
        if gap is not None:
            number += content.count("\n", start, gap.end())
            start = gap.end()
    return paragraphs


def is_folder(output: str) -> bool:
    """Return whether ``output`` means a folder: it ends in a slash, or such a folder exists."""
    return output.endswith("/") or Path(output).is_dir()


def output_paths(output: str, lines: list[Line], ending: str | None = None) -> list[Path]:
    """Return the sound file of each text: ``output`` itself, or 0001.wav and so on in the folder.

    Args:
        output: a file or a folder.
        lines: the texts.
        ending: of the files in a folder, "wav" if it is None; a file has its own ending.

    Raises:
        InputError: the ending is not one of a sound file, or there is one file for several texts.
    """
    if ending is not None and not FORMATS[ending].is_file:
        raise InputError(
            f"format={ending}: a file of it would not say its rate; use format=wav, or output=-"
        )
    if is_folder(output):
        width = max(4, len(str(len(lines))))
        names = (f"{n:0{width}d}.{ending or 'wav'}" for n in range(1, len(lines) + 1))
        return [Path(output) / name for name in names]
    if Path(output).suffix.lower() not in ENDINGS:
        raise InputError(
            f"output={output}: end it in {', '.join(ENDINGS)} for a file, or in / for a folder"
            f"{aac_hint(output)}"
        )
    if ending is not None and Path(output).suffix.lower() != f".{ending}":
        raise InputError(
            f"format={ending}: output={output} has another ending; leave one of them out"
        )
    if len(lines) > 1:
        folder = Path(output).with_suffix("")
        raise InputError(
            f"output={output} is one file for {len(lines)} utterances; use output={folder}/"
        )
    return [Path(output)]


def check_voice(config: Mapping[str, Any]) -> None:
    """Check the options of speaking and the files of the voice before torch is imported.

    Raises:
        InputError: a value is not legal, or there is no such checkpoint or lexicon.
    """
    check_arguments(config, ranges_in_source("tts.inference.options.Options"), "")
    check_arguments(config["pauses"], ranges_in_source("tts.inference.pauses.Pauses"), "pauses.")
    require_source(config["acoustic"], "acoustic")
    if config["vocoder"] != "griffin_lim" and not config["show"]:
        require_source(config["vocoder"], "vocoder")
    if config["lexicon"] is not None:
        lexicon_lines(Path(config["lexicon"]))


def check_writable(paths: list[Path]) -> None:
    """Check before the work begins that the sound files can be written.

    Raises:
        InputError: the folder cannot be written, or a folder has the name of a sound file.
    """
    require_writable(paths[0].parent, f"output={paths[0]}")
    for path in paths:
        if path.is_dir():
            raise InputError(f"output={path}: is a folder; name a file")
