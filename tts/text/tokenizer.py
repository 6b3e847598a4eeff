"""``Tokenizer``: text to ids and back, and a report of whatever cannot be said.

Text is cleaned and read character by character; ``{HH AH0 L OW1}`` is read as ARPAbet phones, as
in NVIDIA's Tacotron 2. The difference to that front end: it drops what it does not know in
silence, and everything after a line break that follows braces; here nothing is lost unsaid. And
words can be looked up: all of them, or in training a share that is drawn anew for every epoch,
which is what the table with both letters and phones was made for (``p_arpabet``).
"""

from __future__ import annotations

import copy
import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsInt, get_args

from tts.core.errors import InputError
from tts.text.cleaners import CLEANERS
from tts.text.symbols import ARPABET, PHONE_PREFIX, SYMBOL_SETS

if TYPE_CHECKING:
    from pathlib import Path

    from tts.text.lexicon import Lexicon

OnUnknown = Literal["warn", "raise", "ignore"]

_log = logging.getLogger(__name__)
# Braces that hold something; an unclosed brace and empty braces are ordinary (unknown) characters
_BRACES = re.compile(r"\{(\s*[^{}\s][^{}]*)\}")
# Accents, joiners, spaces and punctuation have no sound: losing them is not worth a word
_SOUNDLESS_CATEGORIES = frozenset("MCZP")
_SOUNDLESS = frozenset("™®")
# Texts whose reading is kept, so that an epoch costs no more than a draw
_MAX_READINGS = 2**15


class Word(NamedTuple):
    """A word, or what is between words: its letters and, if they are known, its phones."""

    letters: tuple[str, ...]
    phones: tuple[str, ...] | None = None


class Reading(NamedTuple):
    """A text cut into symbols of the table, and a count of everything that is not in it."""

    words: tuple[Word, ...]
    unknown: Mapping[str, int]


class Tokenizer:
    """Text to ids of a symbol table.

    Args:
        symbols: name of a table in ``SYMBOL_SETS``, or the symbols in id order. Symbol 0 is the
            padding, which no text produces; the others are single characters, or phones
            written with a leading ``@``.
        cleaner: name of a function in ``CLEANERS``.
        on_unknown: what ``encode`` does about characters outside the table. "warn" leaves them
            out and logs one line for each distinct text, "raise" raises, "ignore" is silent. An
            unknown phone in braces is always a mistake of the writer: "warn" raises, too.
        p_arpabet: share of the words that are read as ARPAbet: 0 is letters, 1 is phones wherever
            a word has a pronunciation, between them ``encode`` draws for each word.
        lexicon: file with pronunciations that come before the dictionary's, or the entries; see
            ``tts.text.lexicon``.
        language: code of eSpeak NG ("de"): texts of that language are read as IPA, for a table
            such as "ipa". None: the symbols are in the text.

    Raises:
        InputError: unknown table, cleaner or policy; a table with a symbol that is repeated or
            that no text can produce; phones that are asked for and not in the table; a lexicon
            that cannot be read.
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
        self._clean: Callable[[str], str] = _pick("cleaner", cleaner, CLEANERS)
        _pick("on_unknown", on_unknown, dict.fromkeys(get_args(OnUnknown)))
        _check_symbols(self.symbols)
        self._ids = {symbol: i for i, symbol in enumerate(self.symbols) if i}
        self.p_arpabet = p_arpabet
        self.language = language
        self._check_pronunciation(has_lexicon=lexicon is not None)
        self.lexicon = _lexicon(lexicon)
        self._warned: set[str] = set()
        self._readings: dict[str, Reading] = {}
        self._lost: dict[str, bool] = {}

    @property
    def n_symbols(self) -> int:
        """Size of the table, the number of rows of an embedding."""
        return len(self.symbols)

    def encode(self, text: str, *, draw: int | str | None = None) -> list[int]:
        """Give the ids of a text.

        Args:
            text: what is to be said.
            draw: decides which words are phones where ``p_arpabet`` is between 0 and 1; the same
                draw gives the same ids in every process. For training, make it of seed, epoch and
                utterance. None reads every word as phones that has any: for validation and speech.

        Raises:
            InputError: the text is empty, holds nothing that can be pronounced (only punctuation
                and unknown characters), or holds a phone or character that the policy refuses.
        """
        reading = self.read(text)
        symbols = self._drawn(reading.words, draw)
        is_silent = not any(map(str.isalnum, "".join(symbols)))
        if reading.unknown and self.on_unknown != "ignore":
            self._report(text, reading.unknown, log=not is_silent)
        if is_silent:
            reason = "nothing in it can be pronounced" if text.strip() else "it is empty"
            raise InputError(f"text {_quote(text)}: {reason}; write at least one word")
        return [self._ids[symbol] for symbol in symbols]

    def decode(self, ids: Iterable[SupportsInt]) -> str:
        """Give the (cleaned) text of ids; neighbouring phones share one pair of braces.

        Raises:
            InputError: an id outside the table.
        """
        return join_symbols(map(self._symbol, map(int, ids)))

    def unknown(self, text: str) -> dict[str, int]:
        """Count what the table does not have: characters after cleaning, and ``{QQ}`` for phones.

        Characters that the cleaner could not transliterate, and so removed, count as well.
        """
        return dict(self.read(text).unknown)

    def read(self, text: str) -> Reading:
        """Cut a text into words and what is between them, each with its symbols."""
        reading = self._readings.get(text)
        if reading is None:
            if len(self._readings) >= _MAX_READINGS:
                self._readings.clear()
            reading = self._readings[text] = self._read(text)
        return reading

    def clean(self, text: str) -> str:
        """Write a text as it is said: cleaned, and in IPA if there is a language."""
        cleaned = self._clean(text)
        if self.language is None or not cleaned.strip():
            return cleaned
        from tts.text.espeak import to_ipa

        return to_ipa(cleaned, self.language)

    def quiet(self) -> Tokenizer:
        """Give the same tokenizer, silent about what it does not know."""
        quiet = copy.copy(self)
        quiet.on_unknown = "ignore"
        return quiet

    def with_lexicon(self, source: str | Path | Mapping[str, str]) -> Tokenizer:
        """Give the same tokenizer with further pronunciations, which come before its own.

        Raises:
            InputError: the lexicon cannot be read, or words are not looked up.
        """
        if not self.p_arpabet:
            raise InputError(
                "lexicon: words are not read as ARPAbet by this tokenizer (p_arpabet=0), so it "
                "would have no effect; spell the word in the text as it sounds"
            )
        entries = {**self.lexicon, **_lexicon(source)}
        written_out = {word: " ".join(phones) for word, phones in entries.items()}
        return Tokenizer.from_dict(self.to_dict() | {"lexicon": written_out or None})

    def to_dict(self) -> dict[str, Any]:
        """Describe the tokenizer in plain containers, with the whole table."""
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
        """Rebuild a tokenizer from ``to_dict``.

        Raises:
            InputError: a key is unknown, or the table or the cleaner is missing.
        """
        known = ("symbols", "cleaner", "on_unknown", "p_arpabet", "lexicon", "language")
        if strange := sorted(set(data) - set(known)):
            raise InputError(f"tokenizer: unknown key {strange[0]!r}; known: {', '.join(known)}")
        if missing := [key for key in known[:2] if key not in data]:
            raise InputError(f"tokenizer: {missing[0]!r} is missing from its description")
        return cls(**data)

    def __eq__(self, other: object) -> bool:
        """Equal when every text gets the same ids."""
        if not isinstance(other, Tokenizer):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __reduce__(self) -> tuple[Any, ...]:
        # for worker processes: without what has been remembered of words
        return Tokenizer.from_dict, (self.to_dict(),)

    def __repr__(self) -> str:
        more = f", p_arpabet={self.p_arpabet}" if self.p_arpabet else ""
        more += f", language={self.language!r}" if self.language else ""
        return f"Tokenizer({self.n_symbols} symbols, {self.cleaner!r}, {self.on_unknown!r}{more})"

    def _identity(self) -> tuple[Any, ...]:
        entries = frozenset(self.lexicon.items())
        return (self.symbols, self.cleaner, self.p_arpabet, entries, self.language)

    def _check_pronunciation(self, has_lexicon: bool) -> None:
        """Refuse settings that would have no effect, or an impossible one."""
        if not isinstance(self.p_arpabet, int | float) or not 0 <= self.p_arpabet <= 1:
            raise InputError(f"tokenizer.p_arpabet={self.p_arpabet}: it must be between 0 and 1")
        if has_lexicon and not self.p_arpabet:
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

    def _read(self, text: str) -> Reading:
        parts: list[Word] = []
        unknown: Counter[str] = Counter()
        for is_phones, piece in _pieces(text):
            if is_phones:
                parts.append(Word(self._phones(piece, unknown)))
            else:
                parts += self._words(self.clean(piece), unknown)
                if not piece.isascii():
                    unknown.update(filter(self._vanishes, piece))
        return Reading(tuple(parts), dict(unknown))

    def _words(self, cleaned: str, unknown: Counter[str]) -> Iterator[Word]:
        """Look up the words of a cleaned text, if they are to be looked up."""
        end = 0
        for begin, after, phones in self._pronounced(cleaned):
            yield Word(self._letters(cleaned[end:begin], unknown))
            spoken = tuple(PHONE_PREFIX + phone for phone in phones)
            yield Word(self._letters(cleaned[begin:after], unknown), spoken)
            end = after
        yield Word(self._letters(cleaned[end:], unknown))

    def _pronounced(self, cleaned: str) -> list[tuple[int, int, tuple[str, ...]]]:
        if not self.p_arpabet:
            return []
        from tts.text.arpabet import pronounce

        return pronounce(cleaned, self.lexicon)

    def _letters(self, piece: str, unknown: Counter[str]) -> tuple[str, ...]:
        known = tuple([char for char in piece if char in self._ids])
        if len(known) < len(piece):
            unknown.update(char for char in piece if char not in self._ids)
        return known

    def _phones(self, piece: str, unknown: Counter[str]) -> tuple[str, ...]:
        symbols = [PHONE_PREFIX + phone for phone in piece.split()]
        unknown.update(f"{{{symbol[1:]}}}" for symbol in symbols if symbol not in self._ids)
        return tuple([symbol for symbol in symbols if symbol in self._ids])

    def _drawn(self, parts: Iterable[Word], draw: int | str | None) -> list[str]:
        """Choose between letters and phones, word by word."""
        chance = None
        if draw is not None and 0 < self.p_arpabet < 1:
            import random

            # a string seeds through SHA-512: the same in every process, unlike hash()
            chance = random.Random(draw).random
        symbols: list[str] = []
        for letters, phones in parts:
            spoken = phones is not None and (chance is None or chance() < self.p_arpabet)
            symbols += phones if spoken and phones is not None else letters
        return symbols

    def _vanishes(self, char: str) -> bool:
        """Tell whether the cleaner removes a character that may have a sound."""
        if char not in self._lost:
            soundless = char in _SOUNDLESS or unicodedata.category(char)[0] in _SOUNDLESS_CATEGORIES
            self._lost[char] = not soundless and not self._clean(char)
        return self._lost[char]

    def _report(self, text: str, unknown: Mapping[str, int], log: bool) -> None:
        """Refuse what the policy refuses; else say once what is left out, if ``log``."""
        for shown in unknown:
            if len(shown) > 1:
                raise InputError(_phone_message(text, shown[1:-1], self._ids))
        listed = ", ".join(f"{char!r} x{count}" for char, count in unknown.items())
        if self.on_unknown == "raise":
            raise InputError(
                f"text {_quote(text)}: not in the symbol table: {listed}; spell these out or "
                "remove them"
            )
        if log and text not in self._warned:
            self._warned.add(text)
            _log.warning("text %s: left out, not in the symbol table: %s", _quote(text), listed)

    def _symbol(self, index: int) -> str:
        if not 0 <= index < len(self.symbols):
            raise InputError(f"id {index} is outside the table of {len(self.symbols)} symbols")
        return self.symbols[index]


def join_symbols(symbols: Iterable[str]) -> str:
    """Symbols as a text; neighbouring phones share one pair of braces."""
    shown = (f"{{{s[1:]}}}" if len(s) > 1 and s.startswith(PHONE_PREFIX) else s for s in symbols)
    return "".join(shown).replace("}{", " ")


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Cut a text at its braces; ``True`` marks what stood inside them."""
    # A pattern with one group splits into text, group, text, group, ..., text
    for i, piece in enumerate(_BRACES.split(text)):
        if piece:
            yield i % 2 == 1, piece


def _lexicon(source: str | Path | Mapping[str, str] | None) -> Lexicon:
    if source is None:
        return {}
    from tts.text.lexicon import read_lexicon

    return read_lexicon(source, ARPABET)


def _pick(what: str, name: str, choices: Mapping[str, Any]) -> Any:
    if name not in choices:
        raise InputError(f"{what} {name!r} does not exist; choose from {', '.join(choices)}")
    return choices[name]


def _check_symbols(symbols: tuple[str, ...]) -> None:
    if len(symbols) < 2:
        raise InputError("symbol table: needs the padding and at least one more symbol")
    symbol, count = Counter(symbols).most_common(1)[0]
    if count > 1:
        raise InputError(
            f"symbol table: {symbol!r} occurs {count} times; each needs an id of its own"
        )
    for symbol in symbols[1:]:
        if len(symbol) != 1 and not re.fullmatch(rf"{PHONE_PREFIX}[^{{}}\s]+", symbol):
            raise InputError(
                f"symbol table: {symbol!r} is neither one character nor {PHONE_PREFIX} and a phone"
            )


def _phone_message(text: str, phone: str, ids: Mapping[str, int]) -> str:
    message = f"text {_quote(text)}: unknown phone {phone!r} in braces"
    if PHONE_PREFIX + phone.upper() in ids:
        return f"{message}; write {phone.upper()!r}"
    return f"{message}; write ARPAbet as in {{HH AH0 L OW1}}, or remove the braces"


def _quote(text: str) -> str:
    """Show the beginning of a text on one line, whatever it holds."""
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:57] + "...")
