"""Pronunciations of one's own: ``word  PH ON EM ES`` on each line, before any dictionary.

``#`` and ``;;;`` begin a comment. A checkpoint carries the entries, not the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tts.core.errors import InputError

Phones = tuple[str, ...]

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*'?")


def read_lexicon(source: str | Path | Mapping[str, str], phones: frozenset[str]) -> Lexicon:
    """Read a lexicon from a file, or from what ``Lexicon.to_dict`` gave.

    Args:
        source: path, or word -> phones with spaces between them.
        phones: the ones that a pronunciation may consist of.

    Raises:
        InputError: the file cannot be read; a line is no word with phones, has a phone that is
            unknown, or a word that came before with other phones.
    """
    if isinstance(source, Mapping):
        lines = [(f"lexicon entry {word!r}", f"{word} {said}") for word, said in source.items()]
    else:
        lines = [(f"{source}:{n}", line) for n, line in enumerate(_lines(Path(source)), start=1)]
    entries: dict[str, Phones] = {}
    for where, line in lines:
        word, *said = re.split(r"#|;;;", line, maxsplit=1)[0].split() or [""]
        if word:
            _check(where, word, said, phones)
            if entries.setdefault(word.lower(), tuple(said)) != tuple(said):
                raise InputError(f"{where}: {word!r} has another pronunciation further up")
    return MappingProxyType(entries)


#: Word in small letters -> phones, without the ``@`` of the symbol table
Lexicon = Mapping[str, Phones]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: the lexicon cannot be read ({reason})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: the lexicon is not UTF-8 at byte {error.start}") from None


def _check(where: str, word: str, said: list[str], phones: frozenset[str]) -> None:
    if not _WORD.fullmatch(word.lower()):
        raise InputError(
            f"{where}: {word!r} is not one word of the letters a-z; numbers and hyphens are gone "
            "when words are looked up"
        )
    if not said:
        raise InputError(f"{where}: {word!r} has no phones; write them after it: word  W ER1 D")
    for phone in said:
        if phone not in phones:
            hint = f"; write {phone.upper()!r}" if phone.upper() in phones else ""
            raise InputError(f"{where}: {word!r} has an unknown phone {phone!r}{hint}")
