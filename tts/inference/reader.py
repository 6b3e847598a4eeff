"""Splits a text into decoding units: pieces that can be decoded one by one, with their symbols.

``max_chars`` counts written characters. The words that are read aloud can be much longer
("1,234,567"). Such a piece is cut again where it has a place to cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tts.text import Tokenizer
from tts.text.pieces import Break, Piece, split_text
from tts.text.unknown import UnknownCharacter, find_unknown, list_unknown

#: A piece is cut again if it has more symbols for each character of ``max_chars`` than this.
SYMBOLS_PER_CHAR = 1.5
#: Characters of the shortest text that the decode guard cuts.
MIN_CUT = 16


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
        if len(pieces) < 2:
            pieces = [whole]
        said = [piece for piece in pieces if self.has_sound(piece.text)]
        self._report_unknown(text, pieces, log=bool(said))
        # if no piece is left, the tokenizer refuses the whole text and says why
        return self._units(said or [whole], speaker)

    def unknown_characters(self, text: str) -> list[UnknownCharacter]:
        """Return the characters of a text that have no symbol, with their offsets.

        What ``on_unknown="spell"`` says by its name has a symbol.
        """
        return self.tokenizer.unknown_characters(text)

    def cut(self, unit: DecodingUnit) -> list[DecodingUnit]:
        """Cut a unit into smaller ones; return the unit alone if it cannot be cut."""
        text = unit.text
        pieces = self._split(text, 3 * len(text) // 4) if len(text) >= MIN_CUT else []
        pieces = [piece for piece in pieces if self.has_sound(piece.text)]
        # a word that is cut in half is worse than a word that failed
        if len(pieces) < 2 or any(piece.after is Break.CUT for piece in pieces[:-1]):
            return [unit]
        first, *inner, last = self._units(pieces, unit.speaker)
        return [replace(first, begins=unit.begins), *inner, replace(last, after=unit.after)]

    def _units(self, pieces: list[Piece], speaker: int) -> list[DecodingUnit]:
        last = len(pieces) - 1
        encode = self.tokenizer.quiet().encode
        return [
            DecodingUnit(
                piece.text,
                tuple(encode(piece.text)),
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
        return self.tokenizer.read(text).has_sound

    def _report_unknown(self, text: str, pieces: Sequence[Piece], log: bool) -> None:
        """Refuse or log the characters of all pieces that have no symbol, in one line."""
        unknown = {char for piece in pieces for char in self.tokenizer.read(piece.text).unknown}
        if unknown and self.tokenizer.on_unknown != "ignore":
            places = find_unknown(text, unknown, self.tokenizer.read)
            listed = list_unknown(places) or ", ".join(map(repr, sorted(unknown)))
            shown = [place.text for place in places]
            self.tokenizer.report_unknown(text, [*shown, *sorted(unknown)], listed, log=log)
