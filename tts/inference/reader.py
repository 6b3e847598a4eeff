"""Splits a text into decoding units: pieces that can be decoded one by one, with their symbols.

``max_chars`` counts written characters. The words that are read aloud can be much longer
("1,234,567"). Such a piece is cut again where it has a place to cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tts.core.errors import InputError, shortened
from tts.inference.speakers import speaker_number
from tts.text import Tokenizer
from tts.text.bracket_marks import Stretch, split_at_marks, without_marks
from tts.text.pieces import Break, Piece, split_text
from tts.text.unknown import UnknownCharacter, list_unknown

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
        pause: seconds of silence that a pause mark asks for after the unit, in place of the pause
            that its break would have; None if no mark stands there.
        silence_before: seconds of silence before the first unit of a text.
    """

    text: str
    ids: tuple[int, ...]
    begins: bool = True
    after: Break | None = None
    speaker: int = 0
    pause: float | None = None
    silence_before: float = 0.0

    @property
    def fades_in(self) -> bool:
        """Return whether silence or another unit precedes the sound."""
        return not self.begins or self.silence_before > 0

    @property
    def fades_out(self) -> bool:
        """Return whether silence or another unit follows the sound."""
        return self.after is not None or self.pause is not None


@dataclass(frozen=True)
class TextReader:
    """Splits texts into decoding units.

    Attributes:
        tokenizer: tokenizer that gives the symbols.
        max_chars: largest number of characters of a unit.
        speakers: names of the speakers by their numbers; none if there is one voice.
    """

    tokenizer: Tokenizer
    max_chars: int = 200
    speakers: tuple[str, ...] = ()

    def read(self, text: str, speaker: int | None = None) -> list[DecodingUnit]:
        """Return the units of a text; a text of one piece stays unchanged.

        Pieces that have no sound (a row of asterisks) are left out. Pause marks are silence between
        units, before the first or after the last one; several without words between them add up.

        Args:
            text: the text, with marks (:mod:`tts.text.bracket_marks`) or without.
            speaker: number of the speaker until a mark names another one; None if there is one
                voice, or if the text begins with such a mark.

        Raises:
            InputError: nothing in the text can be pronounced, the tokenizer refuses a character, a
                mark is not legal, or a speaker is unknown or missing.
        """
        stretches = split_at_marks(text)
        read = [self._pieces(stretch.text, len(stretches) == 1) for stretch in stretches]
        said = [[piece for piece in pieces if self.has_sound(piece.text)] for pieces in read]
        self._report_unknown(text, [piece for pieces in read for piece in pieces], log=any(said))
        if not any(said):
            raise _silent(text, self.tokenizer)
        return self._join_stretches(stretches, said, speaker)

    def _join_stretches(
        self, stretches: Sequence[Stretch], said: Sequence[list[Piece]], speaker: int | None
    ) -> list[DecodingUnit]:
        """Return the units of all stretches, with what the marks between them say."""
        units: list[DecodingUnit] = []
        pause: float | None = None
        is_paragraph = False
        for stretch, pieces in zip(stretches, said, strict=True):
            if stretch.speaker is not None:
                speaker = speaker_number(stretch.speaker, self.speakers)
            if stretch.pause is not None:
                pause = (pause or 0.0) + stretch.pause
            is_paragraph |= stretch.is_paragraph
            if not pieces:
                continue
            if speaker is None:
                speaker = speaker_number(None, self.speakers)
            new = self._units(pieces, speaker)
            if units:
                end = Break.PARAGRAPH if is_paragraph else Break.SENTENCE
                units[-1] = replace(units[-1], after=end, pause=pause)
                new[0] = replace(new[0], begins=False)
            elif pause:
                new[0] = replace(new[0], silence_before=pause)
            units += new
            pause, is_paragraph = None, False
        units[-1] = replace(units[-1], pause=pause)
        return units

    def _pieces(self, text: str, is_whole: bool) -> list[Piece]:
        """Return the pieces of a stretch; a whole text of one piece stays as it is written."""
        pieces = self._split(text, self.max_chars)
        pieces = [p for piece in pieces for p in self._shortened(piece)]
        return [Piece(text, Break.PARAGRAPH)] if is_whole and len(pieces) < 2 else pieces

    def unknown_characters(self, text: str) -> list[UnknownCharacter]:
        """Return the characters of a text that have no symbol, with their offsets.

        What ``on_unknown="spell"`` says by its name has a symbol.
        """
        return self.tokenizer.unknown_characters(without_marks(text))

    def cut(self, unit: DecodingUnit) -> list[DecodingUnit]:
        """Cut a unit into smaller ones; return the unit alone if it cannot be cut."""
        text = unit.text
        pieces = self._split(text, 3 * len(text) // 4) if len(text) >= MIN_CUT else []
        pieces = [piece for piece in pieces if self.has_sound(piece.text)]
        # a word that is cut in half is worse than a word that failed
        if len(pieces) < 2 or any(piece.after is Break.CUT for piece in pieces[:-1]):
            return [unit]
        first, *inner, last = self._units(pieces, unit.speaker)
        first = replace(first, begins=unit.begins, silence_before=unit.silence_before)
        return [first, *inner, replace(last, after=unit.after, pause=unit.pause)]

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
        return split_text(text, max_chars, self.tokenizer.spoken_language)

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
        """Return whether anything in a text can be pronounced; marks are silent."""
        return self.tokenizer.read(without_marks(text)).has_sound

    def _report_unknown(self, text: str, pieces: Sequence[Piece], log: bool) -> None:
        """Refuse or log the characters of all pieces that have no symbol, in one line."""
        unknown = {char for piece in pieces for char in self.tokenizer.read(piece.text).unknown}
        if unknown and self.tokenizer.on_unknown != "ignore":
            places = self.tokenizer.unknown_characters(without_marks(text), unknown)
            listed = list_unknown(places) or ", ".join(map(repr, sorted(unknown)))
            shown = [place.text for place in places]
            self.tokenizer.report_unknown(text, [*shown, *sorted(unknown)], listed, log=log)


def _silent(text: str, tokenizer: Tokenizer) -> InputError:
    """Return the error for a text in which nothing can be pronounced."""
    words = without_marks(text)
    if text.strip() and not words.strip():
        shown = repr(shortened(" ".join(text.split()), 60))
        return InputError(f"text {shown}: it holds marks only; write at least one word")
    try:
        tokenizer.quiet().encode(words)
    except InputError as error:
        return error
    raise AssertionError(f"{text!r} has sound")
