"""``Tokenizer``: text to ids and back, and a report of whatever cannot be said.

Text is cleaned and read character by character; ``{HH AH0 L OW1}`` is read as ARPAbet phones, as
in NVIDIA's Tacotron 2. The difference to that front end: it drops what it does not know in
silence, and everything after a line break that follows braces; here nothing is lost unsaid.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, SupportsInt, get_args

from tts.errors import InputError
from tts.text.cleaners import CLEANERS
from tts.text.symbols import PHONE_PREFIX, SYMBOL_SETS

OnUnknown = Literal["warn", "raise", "ignore"]

_log = logging.getLogger(__name__)
# Braces that hold something; an unclosed brace and empty braces are ordinary (unknown) characters
_BRACES = re.compile(r"\{(\s*[^{}\s][^{}]*)\}")
# Accents and joiners have no sound of their own: losing them is not worth a word
_SOUNDLESS_CATEGORIES = {"Mn", "Mc", "Me", "Cf"}


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

    Raises:
        InputError: unknown table, cleaner or policy, or a table with a symbol that is repeated
            or that no text can produce.
    """

    def __init__(
        self,
        symbols: str | Sequence[str] = "english_148",
        cleaner: str = "english_cleaners",
        on_unknown: OnUnknown = "warn",
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
        self._warned: set[str] = set()

    @property
    def n_symbols(self) -> int:
        """Size of the table, the number of rows of an embedding."""
        return len(self.symbols)

    def encode(self, text: str) -> list[int]:
        """Give the ids of a text.

        Raises:
            InputError: the text is empty, holds nothing that can be pronounced (only punctuation
                and unknown characters), or holds a phone or character that the policy refuses.
        """
        symbols, unknown = self._read(text)
        if unknown and self.on_unknown != "ignore":
            self._report(text, unknown)
        if not any(map(str.isalnum, "".join(symbols))):
            reason = "nothing in it can be pronounced" if text.strip() else "it is empty"
            raise InputError(f"text {_quote(text)}: {reason}; write at least one word")
        return [self._ids[symbol] for symbol in symbols]

    def decode(self, ids: Iterable[SupportsInt]) -> str:
        """Give the (cleaned) text of ids; neighbouring phones share one pair of braces.

        Raises:
            InputError: an id outside the table.
        """
        text = "".join(map(self._written, map(int, ids)))
        return text.replace("}{", " ")

    def unknown(self, text: str) -> dict[str, int]:
        """Count what the table does not have: characters after cleaning, and ``{QQ}`` for phones.

        Characters that the cleaner could not transliterate, and so removed, count as well.
        """
        return dict(self._read(text)[1])

    def to_dict(self) -> dict[str, Any]:
        """Describe the tokenizer in plain containers, with the whole table."""
        return {
            "symbols": list(self.symbols),
            "cleaner": self.cleaner,
            "on_unknown": self.on_unknown,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Tokenizer:
        """Rebuild a tokenizer from ``to_dict``.

        Raises:
            InputError: a key is unknown, or the table or the cleaner is missing.
        """
        known = ("symbols", "cleaner", "on_unknown")
        if strange := sorted(set(data) - set(known)):
            raise InputError(f"tokenizer: unknown key {strange[0]!r}; known: {', '.join(known)}")
        if missing := [key for key in known[:2] if key not in data]:
            raise InputError(f"tokenizer: {missing[0]!r} is missing from its description")
        return cls(**data)

    def __eq__(self, other: object) -> bool:
        """Equal when every text gets the same ids."""
        if not isinstance(other, Tokenizer):
            return NotImplemented
        return (self.symbols, self.cleaner) == (other.symbols, other.cleaner)

    def __hash__(self) -> int:
        return hash((self.symbols, self.cleaner))

    def __repr__(self) -> str:
        return f"Tokenizer({self.n_symbols} symbols, {self.cleaner!r}, {self.on_unknown!r})"

    def _read(self, text: str) -> tuple[list[str], Counter[str]]:
        """Split a text into symbols of the table and a count of everything else."""
        known: list[str] = []
        unknown: Counter[str] = Counter()
        for is_phones, piece in _pieces(text):
            if is_phones:
                candidates = [(PHONE_PREFIX + phone, f"{{{phone}}}") for phone in piece.split()]
            else:
                candidates = [(char, char) for char in self._clean(piece)]
                unknown.update(filter(self._vanishes, piece))
            known += [symbol for symbol, _ in candidates if symbol in self._ids]
            unknown.update(shown for symbol, shown in candidates if symbol not in self._ids)
        return known, unknown

    def _vanishes(self, char: str) -> bool:
        """Tell whether the cleaner removes a character that may have a sound."""
        if char.isascii() or unicodedata.category(char) in _SOUNDLESS_CATEGORIES:
            return False
        return not self._clean(char)

    def _report(self, text: str, unknown: Counter[str]) -> None:
        for shown in unknown:
            if len(shown) > 1:
                raise InputError(_phone_message(text, shown[1:-1], self._ids))
        listed = ", ".join(f"{char!r} x{count}" for char, count in unknown.items())
        if self.on_unknown == "raise":
            raise InputError(
                f"text {_quote(text)}: not in the symbol table: {listed}; spell these out or "
                "remove them"
            )
        if text not in self._warned:
            self._warned.add(text)
            _log.warning("text %s: left out, not in the symbol table: %s", _quote(text), listed)

    def _written(self, index: int) -> str:
        if not 0 <= index < len(self.symbols):
            raise InputError(f"id {index} is outside the table of {len(self.symbols)} symbols")
        symbol = self.symbols[index]
        is_phone = len(symbol) > 1 and symbol.startswith(PHONE_PREFIX)
        return f"{{{symbol[1:]}}}" if is_phone else symbol


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Cut a text at its braces; ``True`` marks what stood inside them."""
    # A pattern with one group splits into text, group, text, group, ..., text
    for i, piece in enumerate(_BRACES.split(text)):
        if piece:
            yield i % 2 == 1, piece


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
