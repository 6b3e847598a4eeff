"""Texts of another language than the symbol table: told by the script of their letters.

Cleaners for English transliterate what is not Latin, so a Russian corpus would be read without a
word of complaint, as English letters that nobody said.
"""

from __future__ import annotations

import functools
import unicodedata

from tts.core.errors import InputError, shortened
from tts.text import Tokenizer

#: The cleaner that is there to write other scripts in Latin letters.
TRANSLITERATING = "transliteration_cleaners"


def encode_checked(tokenizer: Tokenizer, text: str) -> list[int]:
    """Read a text of a corpus.

    Raises:
        InputError: nothing in it can be pronounced, or most of its letters are of a script in
            which the table has none (unless they are transliterated on purpose, or eSpeak NG
            reads them).
    """
    if tokenizer.cleaner != TRANSLITERATING and tokenizer.language is None:
        foreign = foreign_script(tuple(tokenizer.symbols), text)
        if foreign is not None:
            raise InputError(
                f"{shortened(text, 40)!r} is written in {foreign.lower()} letters, for which the "
                "symbol table has none; choose another tokenizer, such as tokenizer=ipa "
                f"tokenizer.language=CODE, or tokenizer.cleaner={TRANSLITERATING}"
            )
    return tokenizer.encode(text)


def foreign_script(symbols: tuple[str, ...], text: str) -> str | None:
    """Name the script of most letters of a text if no symbol is of it; else None."""
    if text.isascii():
        return None
    scripts = [script for char in unicodedata.normalize("NFKC", text) if (script := _script(char))]
    known = _scripts_of(symbols)
    foreign = [script for script in scripts if script not in known]
    if not known or 2 * len(foreign) <= len(scripts):
        return None
    return max(set(foreign), key=foreign.count)


@functools.cache
def _scripts_of(symbols: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_script(symbol) for symbol in symbols if len(symbol) == 1) - {""}


@functools.cache
def _script(char: str) -> str:
    """Such as "LATIN" or "CYRILLIC": what Unicode's names of letters begin with."""
    return unicodedata.name(char, "").partition(" ")[0] if char.isalpha() else ""
