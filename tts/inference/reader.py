"""Splits a text into decoding units: pieces that can be decoded one by one, with their symbols.

``max_chars`` counts written characters. The words that are read aloud can be much longer
("1,234,567"). Such a piece is cut again where it has a place to cut.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tts.core.errors import shortened
from tts.text import Tokenizer
from tts.text.pieces import Break, Piece, split_text

#: A piece is cut again if it has more symbols for each character of ``max_chars`` than this.
SYMBOLS_PER_CHAR = 1.5
#: Characters of the shortest text that the decode guard cuts.
MIN_CUT = 16

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DecodingUnit:
    """Holds one piece of text that the acoustic model decodes at once.

    Attributes:
        text: the text as it was written.
        ids: numbers of its symbols.
        begins: whether it is the beginning of the text.
        after: kind of break that ends it; None at the end of the text.
        speaker: number of the speaker.
    """

    text: str
    ids: tuple[int, ...]
    begins: bool = True
    after: Break | None = None
    speaker: int = 0


@dataclass(frozen=True)
class TextReader:
    """Splits texts into decoding units.

    Attributes:
        tokenizer: tokenizer that gives the symbols.
        max_chars: largest number of characters of a unit.
    """

    tokenizer: Tokenizer
    max_chars: int = 200

    def read(self, text: str, speaker: int = 0) -> list[DecodingUnit]:
        """Return the units of a text; a text of one piece stays unchanged.

        Pieces that have no sound (a row of asterisks) are left out.

        Raises:
            InputError: nothing in the text can be pronounced, or the tokenizer refuses a character.
        """
        whole = Piece(text, Break.PARAGRAPH)
        pieces = self._split(text, self.max_chars)
        pieces = [p for piece in pieces for p in self._shortened(piece)]
        if len(pieces) > 1:
            pieces = [piece for piece in pieces if self._is_read(piece.text)]
        else:
            pieces = [whole]
        # if no piece is left, the tokenizer refuses the whole text and says why
        return self._units(pieces or [whole], speaker)

    def cut(self, unit: DecodingUnit) -> list[DecodingUnit]:
        """Cut a unit into smaller ones; return the unit alone if it cannot be cut."""
        text = unit.text
        pieces = self._split(text, 3 * len(text) // 4) if len(text) >= MIN_CUT else []
        pieces = [piece for piece in pieces if self._is_read(piece.text)]
        # a word that is cut in half is worse than a word that failed
        if len(pieces) < 2 or any(piece.after is Break.CUT for piece in pieces[:-1]):
            return [unit]
        first, *inner, last = self._units(pieces, unit.speaker)
        return [replace(first, begins=unit.begins), *inner, replace(last, after=unit.after)]

    def _units(self, pieces: list[Piece], speaker: int) -> list[DecodingUnit]:
        last = len(pieces) - 1
        return [
            DecodingUnit(
                piece.text,
                tuple(self.tokenizer.encode(piece.text)),
                begins=number == 0,
                after=piece.after if number < last else None,
                speaker=speaker,
            )
            for number, piece in enumerate(pieces)
        ]

    def _split(self, text: str, max_chars: int) -> list[Piece]:
        language = (self.tokenizer.language or "en").split("-")[0]
        return split_text(text, max_chars, language)

    def _shortened(self, piece: Piece) -> Iterator[Piece]:
        """Yield the piece, or smaller ones if reading it aloud takes long."""
        n_symbols = self._n_symbols(piece.text)
        if n_symbols <= SYMBOLS_PER_CHAR * self.max_chars:
            yield piece
            return
        wanted = len(piece.text) * self.max_chars // n_symbols
        *inner, last = self._split(piece.text, max(wanted, 1))
        if not inner:
            yield piece
            return
        for smaller in (*inner, last._replace(after=piece.after)):
            yield from self._shortened(smaller)

    def _n_symbols(self, text: str) -> int:
        parts = self.tokenizer.read(text).words
        return sum(len(part.phones or part.letters) for part in parts)

    def has_sound(self, text: str) -> bool:
        """Return whether anything in a text can be pronounced."""
        parts = self.tokenizer.read(text).words
        symbols = [symbol for part in parts for symbol in part.phones or part.letters]
        return any(map(str.isalnum, "".join(symbols)))

    def _is_read(self, text: str) -> bool:
        """Return whether to keep a piece; mistakes are kept, so that the tokenizer names them."""
        unknown, policy = self.tokenizer.read(text).unknown, self.tokenizer.on_unknown
        is_phone = any(len(shown) > 1 for shown in unknown)
        if self.has_sound(text) or (unknown and (policy == "raise" or is_phone)):
            return True
        if unknown and policy == "warn":
            _log.warning("text %r: left out, nothing in it can be pronounced", shortened(text, 60))
        return False
