"""Divides a text into words, each with its letters and its phones.

``{HH AH0 L OW1}`` in a text is read as ARPAbet phones, as in NVIDIA's Tacotron 2. All other text is
cleaned, and each word of it may be looked up in a pronunciation dictionary.
"""

from __future__ import annotations

import copy
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from tts.text.cleaners import WITH_LETTERS
from tts.text.jamo import INITIALS, join_jamo, to_jamo
from tts.text.reading import PHONE_BRACES, Reading, Word
from tts.text.symbols import PHONE_PREFIX, check_clean, is_phone, longest_first
from tts.text.unknown import spell_unknown

if TYPE_CHECKING:
    from tts.text.lexicon import Lexicon, Phones

# Accents, joiners, spaces and punctuation have no sound, so their loss is not reported.
_SOUNDLESS_CATEGORIES = frozenset("MCZP")
_SOUNDLESS = frozenset("™®")
# The signs of ASCII whose loss is reported as well; the others of ASCII are punctuation.
_ASCII_SIGNS = frozenset("$+<=>^|~")
# So many texts are remembered that a training reads each text only once, not once per epoch.
_MAX_READINGS = 2**15


class WordReader:
    """Reads texts as words, and remembers the readings.

    Args:
        symbols: the symbols that a text may become: texts of one or more characters, and phones
            that begin with ``@``.
        cleaner: cleans the text outside braces.
        language: code of eSpeak NG; the cleaned text is then written in IPA. None: it stays.
        lexicon: pronunciations that come before the dictionary's. None: words are not looked up.
        writes: code of the language in which the cleaner writes numbers and signs; None: it does
            not write them in words.

    Raises:
        InputError: no text produces a symbol of several characters.
    """

    def __init__(
        self,
        symbols: Collection[str],
        cleaner: Callable[[str], str],
        language: str | None,
        lexicon: Lexicon | None,
        writes: str | None = None,
    ) -> None:
        self._symbols = symbols
        self._cleaner = cleaner
        self._language = language
        self._lexicon = lexicon
        self._writes = writes
        self._has_jamo = any(symbol[0] in INITIALS for symbol in symbols)
        self._longest = longest_first(symbols)
        if self._longest is not None:
            # eSpeak NG's phones are not the user's letters, but their accents are separate as well
            check_clean(symbols, self._written if language is None else _separate_accents)
        self._plain: WordReader | None = None
        self._readings: dict[str, Reading] = {}
        self._vanishing: dict[str, bool] = {}

    @property
    def reads_several(self) -> bool:
        """Return whether several characters together may be a symbol."""
        return self._longest is not None

    def spelling(self) -> WordReader:
        """Return the same reader, which says characters without a symbol by their names."""
        spelling = copy.copy(self)
        spelling._plain, spelling._readings = self, {}
        return spelling

    def read(self, text: str) -> Reading:
        """Return the words of a text."""
        reading = self._readings.get(text)
        if reading is None:
            if len(self._readings) >= _MAX_READINGS:
                self._readings.clear()
            reading = self._readings[text] = self._read(text)
        return reading

    def clean(self, text: str) -> str:
        """Return the cleaned text, in IPA if there is a language, or in jamo if the table is."""
        cleaned = self._written(text)
        if self._language is None or not cleaned.strip():
            return cleaned
        from tts.text.espeak import to_ipa

        return to_ipa(cleaned, self._language)

    def _written(self, text: str) -> str:
        """Return the cleaned text in the letters of the table: Hangul in jamo if it has them."""
        cleaned = self._cleaner(text)
        return to_jamo(cleaned) if self._has_jamo else cleaned

    def _read(self, text: str) -> Reading:
        if self._plain is None:
            return self._read_symbols(text)
        reading, read = self._plain.read(text), self._plain.read
        if not reading.unknown:
            return reading
        is_english = (self._language or self._writes or "en").split("-")[0] == "en"
        return read(spell_unknown(text, reading, read, is_english, in_words=self.reads_several))

    def _read_symbols(self, text: str) -> Reading:
        words: list[Word] = []
        unknown: Counter[str] = Counter()
        for is_phones, piece in _split_at_braces(text):
            if is_phones:
                words.append(Word(self._phones(piece, unknown)))
            else:
                words += self._words(piece, unknown)
                if not piece.isascii() or not _ASCII_SIGNS.isdisjoint(piece):
                    unknown.update(filter(self._vanishes, piece))
        return Reading(tuple(words), dict(unknown))

    def _words(self, piece: str, unknown: Counter[str]) -> Iterator[Word]:
        """Divide a text into words, with phones for those that are looked up."""
        cleaned, pronunciations = self._pronunciations(piece)
        end = 0
        for begin, after, phones in pronunciations:
            yield Word(self._letters(cleaned[end:begin], unknown))
            symbols = tuple(PHONE_PREFIX + phone for phone in phones)
            yield Word(self._letters(cleaned[begin:after], unknown), symbols)
            end = after
        yield Word(self._letters(cleaned[end:], unknown))

    def _pronunciations(self, piece: str) -> tuple[str, list[tuple[int, int, Phones]]]:
        """Return the cleaned text, and the phones of its words that are looked up."""
        if self._lexicon is None:
            return self.clean(piece), []
        from tts.text.arpabet import pronounce
        from tts.text.normalize.wording import LETTER_A

        # Cleaned English has the letter A and the article "a"; only one of them is looked up.
        marked = WITH_LETTERS.get(self._cleaner)
        if marked is None:
            cleaned = self._cleaner(piece)
            return cleaned, pronounce(cleaned, self._lexicon)
        cleaned = marked(piece)
        phones = pronounce(cleaned, self._lexicon, letters_marked=True)
        return cleaned.replace(LETTER_A, "a"), phones

    def _letters(self, piece: str, unknown: Counter[str]) -> tuple[str, ...]:
        parts = piece if self._longest is None else self._longest.findall(piece)
        known = tuple([part for part in parts if part in self._symbols])
        if len(known) < len(parts):
            unknown.update(part for part in parts if part not in self._symbols)
        return known

    def _phones(self, piece: str, unknown: Counter[str]) -> tuple[str, ...]:
        symbols = [PHONE_PREFIX + phone for phone in piece.split()]
        unknown.update(f"{{{symbol[1:]}}}" for symbol in symbols if symbol not in self._symbols)
        return tuple([symbol for symbol in symbols if symbol in self._symbols])

    def _vanishes(self, char: str) -> bool:
        """Return whether the cleaner removes a character that may have a sound."""
        if char not in self._vanishing:
            category = unicodedata.category(char)
            soundless = char in _SOUNDLESS or category[0] in _SOUNDLESS_CATEGORIES
            cleaned = "" if soundless else self._cleaner(char)
            # The normaliser writes signs as words, so a sign of which a dash is left is not said.
            is_sign = category[0] == "S" and category != "Sk" and self._writes is not None
            said = any(map(str.isalnum, cleaned)) if is_sign else bool(cleaned)
            # What the cleaner leaves as it is has been counted already.
            said = said or char in cleaned
            self._vanishing[char] = not soundless and not said
        return self._vanishing[char]


def join_symbols(symbols: Iterable[str]) -> str:
    """Write symbols as a text; neighbouring phones share one pair of braces."""
    shown = (f"{{{symbol[1:]}}}" if is_phone(symbol) else symbol for symbol in symbols)
    return join_jamo("".join(shown).replace("}{", " "))


def _separate_accents(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def _split_at_braces(text: str) -> Iterator[tuple[bool, str]]:
    """Split a text at its braces; ``True`` marks the pieces that stand inside them."""
    # A pattern with one group splits a text into text, group, text, group, ..., text.
    for i, piece in enumerate(PHONE_BRACES.split(text)):
        if piece:
            yield i % 2 == 1, piece
