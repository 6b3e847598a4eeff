"""Shows how a tokenizer reads a text: its words, its symbols, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass

from tts.text.symbols import without_prefix
from tts.text.tokenizer import Tokenizer
from tts.text.words import join_symbols


@dataclass(frozen=True)
class Preview:
    """Shows how a tokenizer reads a text.

    Attributes:
        text: the text as it was written.
        cleaned: the text in words, and in phones where it has braces.
        words: the words that were looked up, and their phones.
        symbols: the symbols of the table, one for each id.
        unknown: what the table lacks, and how often it occurs.
    """

    text: str
    cleaned: str
    words: tuple[tuple[str, str], ...]
    symbols: tuple[str, ...]
    unknown: dict[str, int]

    def __str__(self) -> str:
        """Return a few lines for a terminal."""
        lines = [f"text     {_printable(self.text)}", f"read as  {self.cleaned}"]
        lines += [f"         {word}  {phones}" for word, phones in self.words if phones]
        lines.append(f"symbols  {len(self.symbols)}: {' '.join(self.symbols)}")
        if self.unknown:
            listed = ", ".join(f"{char!r} x{count}" for char, count in self.unknown.items())
            lines.append(f"left out {listed}")
        return "\n".join(lines)


def preview(text: str, tokenizer: Tokenizer) -> Preview:
    """Return how a tokenizer reads a text, without errors or warnings."""
    reading = tokenizer.read(text)
    symbols = tuple(s for letters, phones in reading.words for s in phones or letters)
    words = tuple(
        ("".join(letters), " ".join(map(without_prefix, phones)))
        for letters, phones in reading.words
        if phones
    )
    letters = [letter for part in reading.words for letter in part.letters]
    return Preview(text, join_symbols(letters), words, symbols, dict(reading.unknown))


def _printable(text: str) -> str:
    """Write a text on one line, with escapes for control characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
