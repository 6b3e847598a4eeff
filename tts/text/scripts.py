"""Detects texts whose script the symbol table does not have.

Cleaners for English transliterate other scripts. Without this check a Russian corpus would be
trained on as if it were written in English letters.
"""

from __future__ import annotations

import functools
import unicodedata

from tts.core.errors import InputError, shortened
from tts.text import Tokenizer
from tts.text.symbols import is_phone

#: The cleaner whose purpose is to write other scripts in Latin letters.
TRANSLITERATING = "transliteration_cleaners"
#: Scripts that a cleaner writes in letters of the table.
_ALSO_READ = {"korean": frozenset({"LATIN", "GREEK", "FULLWIDTH", "HALFWIDTH"})}


def encode_checked(tokenizer: Tokenizer, text: str) -> list[int]:
    """Return the ids of a text whose script the symbol table has.

    Raises:
        InputError: nothing in the text can be pronounced, or the table has no letter of the script
            of most of its letters (unless the cleaner transliterates on purpose, or eSpeak NG reads
            the text).
    """
    if (foreign := foreign_script(tokenizer, text)) is not None:
        name = "korean" if foreign == "HANGUL" else "ipa tokenizer.language=CODE"
        raise InputError(
            f"{shortened(text, 40)!r} is written in {foreign.lower()} letters, for which the "
            f"symbol table has none; choose another tokenizer, such as tokenizer={name}, or "
            f"tokenizer.cleaner={TRANSLITERATING}"
        )
    return tokenizer.encode(text)


def foreign_script(tokenizer: Tokenizer, text: str) -> str | None:
    """Return the script of most letters of a text if the tokenizer cannot read it, else None."""
    if text.isascii() or tokenizer.cleaner == TRANSLITERATING or tokenizer.language is not None:
        return None
    also_read = _ALSO_READ.get(tokenizer.cleaner, frozenset())
    scripts = [script for char in unicodedata.normalize("NFKC", text) if (script := _script(char))]
    table_scripts = _scripts_of(tokenizer.symbols) | also_read
    foreign = [script for script in scripts if script not in table_scripts]
    if not table_scripts or 2 * len(foreign) <= len(scripts):
        return None
    return max(set(foreign), key=foreign.count)


@functools.cache
def _scripts_of(symbols: tuple[str, ...]) -> frozenset[str]:
    letters = (letter for symbol in symbols if not is_phone(symbol) for letter in symbol)
    return frozenset(map(_script, letters)) - {""}


@functools.cache
def _script(char: str) -> str:
    """Return the first word of a letter's Unicode name, such as "LATIN" or "CYRILLIC"."""
    return unicodedata.name(char, "").partition(" ")[0] if char.isalpha() else ""
