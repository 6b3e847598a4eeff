"""Defines ``Reading``, a text as words with their symbols, and how phones are marked in a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

#: Braces that are closed and not empty. Other braces are ordinary characters, which no table has.
PHONE_BRACES = re.compile(r"\{(\s*[^{}\s][^{}]*)\}")


class Word(NamedTuple):
    """Holds a word, or the characters between two words, as symbols of the table.

    Attributes:
        letters: the symbols of its letters.
        phones: the symbols of its phones; None if its pronunciation is not known.
    """

    letters: tuple[str, ...]
    phones: tuple[str, ...] | None = None


class Reading(NamedTuple):
    """Holds a text as words, and the count of everything that the symbol table lacks."""

    words: tuple[Word, ...]
    unknown: Mapping[str, int]

    @property
    def has_sound(self) -> bool:
        """Return whether anything in the text can be pronounced."""
        symbols = (symbol for word in self.words for symbol in word.phones or word.letters)
        return any(map(str.isalnum, "".join(symbols)))
