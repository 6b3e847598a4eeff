"""How a text will be read, before anything is spoken: its words, its symbols, and what is lost."""

from __future__ import annotations

from dataclasses import dataclass

from tts.text.symbols import PHONE_PREFIX
from tts.text.tokenizer import Tokenizer, join_symbols


@dataclass(frozen=True)
class Preview:
    """What a tokenizer makes of a text.

    Attributes:
        text: as it was written.
        cleaned: as it will be said, in words (and phones, where the text has them in braces).
        words: the words that were looked up, and their phones.
        symbols: of the table, one for each id.
        unknown: what the table does not have, and how often.
    """

    text: str
    cleaned: str
    words: tuple[tuple[str, str], ...]
    symbols: tuple[str, ...]
    unknown: dict[str, int]

    def __str__(self) -> str:
        """Give a few lines for a terminal."""
        lines = [f"text     {_printable(self.text)}", f"read as  {self.cleaned}"]
        lines += [f"         {word}  {phones}" for word, phones in self.words if phones]
        lines.append(f"symbols  {len(self.symbols)}: {' '.join(self.symbols)}")
        if self.unknown:
            listed = ", ".join(f"{char!r} x{count}" for char, count in self.unknown.items())
            lines.append(f"left out {listed}")
        return "\n".join(lines)


def preview(text: str, tokenizer: Tokenizer) -> Preview:
    """Show how a text will be read; nothing is refused or logged."""
    reading = tokenizer.read(text)
    symbols = tuple(s for letters, phones in reading.words for s in phones or letters)
    words = tuple(
        ("".join(letters), " ".join(phone.removeprefix(PHONE_PREFIX) for phone in phones))
        for letters, phones in reading.words
        if phones
    )
    letters = [letter for part in reading.words for letter in part.letters]
    return Preview(text, join_symbols(letters), words, symbols, dict(reading.unknown))


def _printable(text: str) -> str:
    """A text on one line, with escapes for what a terminal would act upon."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
