"""Turns text into symbol ids and back, and reports everything that the symbol table lacks.

Text is cleaned and divided into symbols, mostly characters; ``{HH AH0 L OW1}`` is read as ARPAbet
phones, as in NVIDIA's Tacotron 2. That front end drops unknown characters, and everything after a
line break that follows braces, without a message; this one reports every loss. It can also look up
the phones of words: of all words, or in training of a share of them that changes with every epoch.
The symbol table has both letters and phones for this purpose (``p_arpabet``).
"""

from __future__ import annotations

import copy
import functools
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, SupportsInt, get_args

from tts.core.errors import InputError
from tts.text.cleaners import CLEANERS, TAKES_READINGS, WRITES_WORDS
from tts.text.reading import Reading, Word
from tts.text.symbols import ARPABET, PHONE_PREFIX, SYMBOL_SETS, check_symbols
from tts.text.unknown import UnknownCharacter, find_unknown
from tts.text.words import WordReader, join_symbols

if TYPE_CHECKING:
    from pathlib import Path

    from tts.text.lexicon import Lexicon

OnUnknown = Literal["warn", "raise", "ignore"]
#: What a speaker does with characters that have no symbol.
SpeakUnknown = Literal["raise", "skip", "spell"]

#: Texts that are remembered, so that each is logged once.
_MAX_WARNED = 10_000

_log = logging.getLogger(__name__)


class Tokenizer:
    """Turns texts into the ids of a symbol table, and ids into text.

    Args:
        symbols: name of a table in ``SYMBOL_SETS``, or the symbols in the order of their ids.
            Symbol 0 is the padding, which no text produces. The others are one or more characters
            of a cleaned text, the longest that fits first, or phones that begin with ``@``.
        cleaner: name of a function in ``CLEANERS``.
        on_unknown: what ``encode`` does with characters that the table lacks. "warn" leaves them
            out and logs one line for each distinct text, "raise" raises, "ignore" leaves them out
            without a message. An unknown phone in braces is always a mistake of the writer, so
            "warn" raises for it, too.
        p_arpabet: share of the words that are read as ARPAbet. 0: letters only. 1: phones for every
            word whose pronunciation is known. Between them ``encode`` draws for each word.
        lexicon: file with pronunciations that come before the dictionary's, or its entries; see
            ``tts.text.lexicon``. Korean words are written in Hangul as they sound.
        language: code of eSpeak NG ("de"): texts of that language are read as IPA, for a table
            such as "ipa". None: the symbols are in the text.

    Raises:
        InputError: the table, the cleaner or the policy is unknown; a symbol of the table is
            repeated, or no text can produce it; phones are wanted and the table has none; the
            lexicon cannot be read.
    """

    def __init__(
        self,
        symbols: str | Sequence[str] = "english_148",
        cleaner: str = "english_cleaners",
        on_unknown: OnUnknown = "warn",
        *,
        p_arpabet: float = 0.0,
        lexicon: str | Path | Mapping[str, str] | None = None,
        language: str | None = None,
    ) -> None:
        if isinstance(symbols, str):
            symbols = _pick("symbol table", symbols, SYMBOL_SETS)
        self.symbols: tuple[str, ...] = tuple(symbols)
        self.cleaner = cleaner
        self.on_unknown = on_unknown
        clean = _pick("cleaner", cleaner, CLEANERS)
        _pick("on_unknown", on_unknown, dict.fromkeys(get_args(OnUnknown)))
        check_symbols(self.symbols)
        self._ids = {symbol: i for i, symbol in enumerate(self.symbols) if i}
        self.p_arpabet = p_arpabet
        self.takes_readings = cleaner in TAKES_READINGS
        self.language = language
        self._check_pronunciation(has_lexicon=lexicon is not None)
        self.lexicon = self._read_lexicon(lexicon)
        if self.takes_readings and self.lexicon:
            clean = functools.partial(clean, readings=self.lexicon)
        looked_up = self.lexicon if p_arpabet else None
        self._reader = WordReader(self._ids, clean, language, looked_up, WRITES_WORDS.get(cleaner))
        self._speaking: SpeakUnknown | None = None
        self._warned_texts: set[str] = set()

    @property
    def spoken_language(self) -> str:
        """Return the code of the language of the texts; "en" if nothing says that it is another."""
        return (self.language or WRITES_WORDS.get(self.cleaner, "en")).split("-")[0]

    @property
    def n_symbols(self) -> int:
        """Return the size of the table, which is the number of rows of an embedding."""
        return len(self.symbols)

    def encode(self, text: str, *, draw: int | str | None = None) -> list[int]:
        """Return the ids of a text.

        Args:
            text: any text.
            draw: decides which words become phones where ``p_arpabet`` is between 0 and 1; the same
                draw gives the same ids in every process. For training, derive it from seed, epoch
                and utterance. None, for validation and synthesis, reads every word as phones whose
                pronunciation is known.

        Raises:
            InputError: the text is empty, holds nothing that can be pronounced (only punctuation
                and unknown characters), or holds a phone or character that the policy refuses.
        """
        reading = self.read(text)
        symbols = self._choose_symbols(reading.words, draw)
        is_silent = not any(map(str.isalnum, "".join(symbols)))
        if reading.unknown and self.on_unknown != "ignore":
            listed = ", ".join(f"{char!r} x{count}" for char, count in reading.unknown.items())
            self.report_unknown(text, reading.unknown, listed, log=not is_silent)
        if is_silent:
            reason = "nothing in it can be pronounced" if text.strip() else "it is empty"
            raise InputError(f"text {_quote(text)}: {reason}; write at least one word")
        return [self._ids[symbol] for symbol in symbols]

    def decode(self, ids: Iterable[SupportsInt]) -> str:
        """Return the cleaned text of ids; neighbouring phones share one pair of braces.

        Raises:
            InputError: an id is outside the table.
        """
        return join_symbols(map(self._symbol, map(int, ids)))

    def unknown(self, text: str) -> dict[str, int]:
        """Count what the table lacks: characters after cleaning, and phones, as ``{QQ}``.

        Characters that the cleaner could not transliterate, and so removed, count as well.
        """
        return dict(self.read(text).unknown)

    def unknown_characters(
        self, text: str, unknown: Collection[str] | None = None
    ) -> list[UnknownCharacter]:
        """Return every character and phone of a text that the table lacks, with its offset.

        The characters are those of the written text, in its order.

        Args:
            text: the text.
            unknown: what to look for; None: what the reading of the text lacks.
        """
        unknown = self.read(text).unknown if unknown is None else unknown
        return find_unknown(text, unknown, self.read, in_words=self._reader.reads_several)

    def read(self, text: str) -> Reading:
        """Divide a text into words and the characters between them, each with its symbols."""
        return self._reader.read(text)

    def report_unknown(
        self, text: str, unknown: Iterable[str], listed: str, *, log: bool = True
    ) -> None:
        """Refuse or log what a text has and the table lacks, as the policy says.

        Args:
            text: the text.
            unknown: the characters, and phones as ``{QQ}``.
            listed: the characters as the message shows them.
            log: whether to log what is left out, once for each text.

        Raises:
            InputError: the policy refuses the characters, or a phone is unknown.
        """
        if self.on_unknown == "ignore":
            return
        for shown in unknown:
            if len(shown) > 1:
                raise InputError(_phone_message(text, shown[1:-1], self._ids))
        if self.on_unknown == "raise":
            raise InputError(
                f"text {_quote(text)}: not in the symbol table: {listed}; spell these out or "
                "remove them"
            )
        if log and text not in self._warned_texts:
            if len(self._warned_texts) >= _MAX_WARNED:  # a service reads texts without end
                self._warned_texts.clear()
            self._warned_texts.add(text)
            _log.warning("text %s: left out, not in the symbol table: %s", _quote(text), listed)

    def clean(self, text: str) -> str:
        """Return the cleaned text, in IPA if there is a language."""
        return self._reader.clean(text)

    def quiet(self) -> Tokenizer:
        """Return the same tokenizer with ``on_unknown="ignore"``."""
        quiet = copy.copy(self)
        quiet.on_unknown = "ignore"
        return quiet

    def for_speaking(self, on_unknown: SpeakUnknown | None) -> Tokenizer:
        """Return the same tokenizer with another policy for characters that the table lacks.

        Args:
            on_unknown: "raise" refuses a text with such characters, "skip" leaves them out and logs
                them, "spell" says them by their names (:func:`tts.text.unknown.spell_unknown`) and
                logs those without a name. None changes nothing.
        """
        if on_unknown is None:
            return self
        tokenizer = copy.copy(self)
        tokenizer._speaking = on_unknown
        tokenizer.on_unknown = "raise" if on_unknown == "raise" else "warn"
        if on_unknown == "spell":
            tokenizer._reader = self._reader.spelling()
        return tokenizer

    def with_lexicon(self, source: str | Path | Mapping[str, str]) -> Tokenizer:
        """Return the same tokenizer with more pronunciations, which come before its own.

        Raises:
            InputError: the lexicon cannot be read, or this tokenizer does not look up words.
        """
        if not (self.p_arpabet or self.takes_readings):
            raise InputError(
                "lexicon: words are not read as ARPAbet by this tokenizer (p_arpabet=0), so it "
                "would have no effect; spell the word in the text as it sounds"
            )
        entries = {**self.lexicon, **self._read_lexicon(source)}
        spelled = {word: " ".join(phones) for word, phones in entries.items()}
        return Tokenizer.from_dict(self.to_dict() | {"lexicon": spelled or None})

    def to_dict(self) -> dict[str, Any]:
        """Return a description of the tokenizer, with its whole table, in plain containers."""
        return {
            "symbols": list(self.symbols),
            "cleaner": self.cleaner,
            "on_unknown": self.on_unknown,
            "p_arpabet": self.p_arpabet,
            "lexicon": {word: " ".join(phones) for word, phones in self.lexicon.items()} or None,
            "language": self.language,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Tokenizer:
        """Build the tokenizer that ``to_dict`` described.

        Raises:
            InputError: a key is unknown, or the table or the cleaner is missing.
        """
        known = ("symbols", "cleaner", "on_unknown", "p_arpabet", "lexicon", "language")
        if unknown := sorted(set(data) - set(known)):
            raise InputError(f"tokenizer: unknown key {unknown[0]!r}; known: {', '.join(known)}")
        if missing := [key for key in known[:2] if key not in data]:
            raise InputError(f"tokenizer: {missing[0]!r} is missing from its description")
        return cls(**data)

    def __eq__(self, other: object) -> bool:
        """Return whether both tokenizers give every text the same ids."""
        if not isinstance(other, Tokenizer):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process builds its own tokenizer; remembered readings would cost time to send.
        return _rebuilt, (self.to_dict(), self._speaking)

    def __repr__(self) -> str:
        more = f", p_arpabet={self.p_arpabet}" if self.p_arpabet else ""
        more += f", language={self.language!r}" if self.language else ""
        return f"Tokenizer({self.n_symbols} symbols, {self.cleaner!r}, {self.on_unknown!r}{more})"

    def _identity(self) -> tuple[Any, ...]:
        entries = frozenset(self.lexicon.items())
        return (self.symbols, self.cleaner, self.p_arpabet, entries, self.language)

    def _check_pronunciation(self, has_lexicon: bool) -> None:
        """Refuse impossible settings, and settings that would have no effect."""
        if not isinstance(self.p_arpabet, int | float) or not 0 <= self.p_arpabet <= 1:
            raise InputError(f"tokenizer.p_arpabet={self.p_arpabet}: it must be between 0 and 1")
        if has_lexicon and not (self.p_arpabet or self.takes_readings):
            raise InputError(
                "tokenizer.lexicon has no effect unless tokenizer.p_arpabet is above 0"
            )
        if not self.p_arpabet:
            return
        if self.language is not None:
            raise InputError("tokenizer.language (IPA) and p_arpabet (ARPAbet): use one of them")
        if missing := sorted(phone for phone in ARPABET if PHONE_PREFIX + phone not in self._ids):
            raise InputError(
                f"tokenizer.p_arpabet={self.p_arpabet}: the symbol table has no "
                f"{PHONE_PREFIX}{missing[0]}; use tokenizer.symbols=english_148"
            )

    def _read_lexicon(self, source: str | Path | Mapping[str, str] | None) -> Lexicon:
        if source is None:
            return {}
        from tts.text.lexicon import read_lexicon

        return read_lexicon(source, None if self.takes_readings else ARPABET)

    def _choose_symbols(self, words: Iterable[Word], draw: int | str | None) -> list[str]:
        """Choose letters or phones for each word."""
        uniform = None
        if draw is not None and 0 < self.p_arpabet < 1:
            import random

            # A string seeds through SHA-512: the same in every process, unlike hash().
            uniform = random.Random(draw).random
        symbols: list[str] = []
        for letters, phones in words:
            as_phones = phones is not None and (uniform is None or uniform() < self.p_arpabet)
            symbols += phones if as_phones and phones is not None else letters
        return symbols

    def _symbol(self, index: int) -> str:
        if not 0 <= index < len(self.symbols):
            raise InputError(f"id {index} is outside the table of {len(self.symbols)} symbols")
        return self.symbols[index]


def _rebuilt(description: Mapping[str, Any], on_unknown: SpeakUnknown | None) -> Tokenizer:
    return Tokenizer.from_dict(description).for_speaking(on_unknown)


def _pick(what: str, name: str, choices: Mapping[str, Any]) -> Any:
    if name not in choices:
        raise InputError(f"{what} {name!r} does not exist; choose from {', '.join(choices)}")
    return choices[name]


def _phone_message(text: str, phone: str, ids: Mapping[str, int]) -> str:
    message = f"text {_quote(text)}: unknown phone {phone!r} in braces"
    if PHONE_PREFIX + phone.upper() in ids:
        return f"{message}; write {phone.upper()!r}"
    return f"{message}; write ARPAbet as in {{HH AH0 L OW1}}, or remove the braces"


def _quote(text: str) -> str:
    """Quote the beginning of a text on one line, also if the text has line breaks."""
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:57] + "...")
