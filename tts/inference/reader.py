"""A text as utterances: pieces of it that can be decoded one by one, with their symbols.

``max_chars`` counts what is written. What is read aloud may be much longer ("1,234,567"): such a
piece is cut again, if there is a place for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tts.core.errors import shortened
from tts.text import Tokenizer
from tts.text.pieces import Break, Piece, split_text

#: How many symbols a character may become before its piece is cut again.
SYMBOLS_PER_CHAR = 1.5
#: Characters of the shortest text that the guard cuts.
MIN_CUT = 16

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DecodingUnit:
    """What is decoded in one go.

    Attributes:
        text: as it was written.
        ids: symbols.
        begins: nothing comes before it.
        after: what ends it; None where nothing follows.
        speaker: number of who speaks.
    """

    text: str
    ids: tuple[int, ...]
    begins: bool = True
    after: Break | None = None
    speaker: int = 0


@dataclass(frozen=True)
class TextReader:
    """Turns texts into utterances.

    Attributes:
        tokenizer: gives the symbols.
        max_chars: of an utterance.
    """

    tokenizer: Tokenizer
    max_chars: int = 200

    def read(self, text: str, speaker: int = 0) -> list[DecodingUnit]:
        """The utterances of a text; a text of one piece is read as it stands.

        Pieces without a sound (a row of asterisks) are left out.

        Raises:
            InputError: nothing in the text can be pronounced, or something must not be in it.
        """
        whole = Piece(text, Break.PARAGRAPH)
        pieces = self._split(text, self.max_chars)
        pieces = [p for piece in pieces for p in self._shortened(piece)]
        if len(pieces) > 1:
            pieces = [piece for piece in pieces if self._is_read(piece.text)]
        else:
            pieces = [whole]
        # where nothing is left, the tokenizer says what is wrong
        return self._utterances(pieces or [whole], speaker)

    def cut(self, utterance: DecodingUnit) -> list[DecodingUnit]:
        """Smaller utterances that say the same; the utterance alone if it cannot be cut."""
        text = utterance.text
        pieces = self._split(text, 3 * len(text) // 4) if len(text) >= MIN_CUT else []
        pieces = [piece for piece in pieces if self._is_read(piece.text)]
        # half a word is worse than a word that went wrong
        if len(pieces) < 2 or any(piece.after is Break.CUT for piece in pieces[:-1]):
            return [utterance]
        first, *inner, last = self._utterances(pieces, utterance.speaker)
        begin, end = replace(first, begins=utterance.begins), replace(last, after=utterance.after)
        return [begin, *inner, end]

    def _utterances(self, pieces: list[Piece], speaker: int) -> list[DecodingUnit]:
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
        """The piece, or smaller ones if it takes long to say."""
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
        """Whether something in a text can be pronounced."""
        parts = self.tokenizer.read(text).words
        symbols = [symbol for part in parts for symbol in part.phones or part.letters]
        return any(map(str.isalnum, "".join(symbols)))

    def _is_read(self, text: str) -> bool:
        """Whether a piece is worth to be read; mistakes are, so that the tokenizer names them."""
        unknown, policy = self.tokenizer.read(text).unknown, self.tokenizer.on_unknown
        is_phone = any(len(shown) > 1 for shown in unknown)
        if self.has_sound(text) or (unknown and (policy == "raise" or is_phone)):
            return True
        if unknown and policy == "warn":
            _log.warning("text %r: left out, nothing in it can be pronounced", shortened(text, 60))
        return False
