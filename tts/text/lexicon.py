"""Reads the user's lexicon, whose pronunciations come before those of the dictionary.

Each line holds ``word  PH ON EM ES``; ``#`` and ``;;;`` begin a comment. For Korean it holds a word
and its reading in Hangul: ``GS25  지에스 이십오``. A checkpoint stores the entries, not the path of
the file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tts.core.errors import InputError
from tts.text.jamo import SYLLABLE

Phones = tuple[str, ...]

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*'?")
_HANGUL = re.compile(f"{SYLLABLE}+")


def read_lexicon(source: str | Path | Mapping[str, str], phones: frozenset[str] | None) -> Lexicon:
    """Read a lexicon from a file, or from the entries that a checkpoint stores.

    Args:
        source: path, or word -> phones with spaces between them.
        phones: the phones that are allowed; None: readings are in Hangul.

    Raises:
        InputError: the file cannot be read; a line does not hold a word and its phones, has an
            unknown phone, or repeats a word with other phones.
    """
    if isinstance(source, Mapping):
        lines = [
            (f"lexicon entry {word!r}", f"{word} {spelled}") for word, spelled in source.items()
        ]
    else:
        lines = [
            (f"{source}:{n}", line) for n, line in enumerate(lexicon_lines(Path(source)), start=1)
        ]
    entries: dict[str, Phones] = {}
    for where, line in lines:
        word, *given = re.split(r"#|;;;", line, maxsplit=1)[0].split() or [""]
        if word:
            if phones is None:
                word, given = _nfc(word), [_nfc(part) for part in given]
                _check_hangul(where, word, given)
            else:
                _check(where, word, given, phones)
            if entries.setdefault(word.lower(), tuple(given)) != tuple(given):
                raise InputError(
                    f"{where}: {word!r} has another pronunciation further up; keep one of them"
                )
    return MappingProxyType(entries)


#: Word in small letters -> phones, without the ``@`` of the symbol table
Lexicon = Mapping[str, Phones]


def lexicon_lines(path: Path) -> list[str]:
    """Return the lines of a lexicon.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: the lexicon cannot be read ({reason})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: the lexicon is not UTF-8 at byte {error.start}") from None


def _check(where: str, word: str, given: list[str], phones: frozenset[str]) -> None:
    if not _WORD.fullmatch(word.lower()):
        raise InputError(
            f"{where}: {word!r} is not one word of the letters a-z; numbers and hyphens "
            "are replaced before words are looked up"
        )
    if not given:
        raise InputError(f"{where}: {word!r} has no phones; write them after it: word  W ER1 D")
    for phone in given:
        if phone not in phones:
            hint = f"; write {phone.upper()!r}" if phone.upper() in phones else ""
            raise InputError(f"{where}: {word!r} has an unknown phone {phone!r}{hint}")


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _check_hangul(where: str, word: str, given: list[str]) -> None:
    if not given:
        raise InputError(f"{where}: {word!r} has no reading; write it in Hangul: GS  지에스")
    for part in given:
        if not _HANGUL.fullmatch(part):
            raise InputError(f"{where}: {word!r} has the reading {part!r}, which is not Hangul")
