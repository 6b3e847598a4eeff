"""Finds the characters of a text that have no symbol, and says them by their names.

A reading counts what the symbol table lacks after the text was cleaned. Where that stood in the
written text is found by reading each character alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from tts.text.cleaners import transliterate
from tts.text.numbers import cardinal
from tts.text.reading import PHONE_BRACES, Reading

#: Reads a text with the symbols of a table.
Read = Callable[[str], Reading]
#: Punctuation that is said by its name, because it stands for a word; other punctuation is silent.
_SAID_PUNCTUATION = frozenset("%&@#§")
#: Letters of names that any text may contain; a longer text may contain as many as it has itself.
_FREE_LETTERS = 100
#: Most places of a character that a message lists.
_MAX_PLACES = 3
#: Longest word in which each character is looked at, because this takes quadratic time.
_LONGEST_LOOKED_AT = 200
_WORDS = re.compile(r"\S+")


class UnknownCharacter(NamedTuple):
    """Holds what has no symbol, and its place.

    Attributes:
        text: a character of the text, or a phone as ``{QQ}``. In the rare case that a word is read
            with a character that it does not contain (by eSpeak NG), that character.
        offset: number of characters before it in the text.
    """

    text: str
    offset: int


def find_unknown(
    text: str, unknown: Collection[str], read: Read, *, in_words: bool = False
) -> list[UnknownCharacter]:
    """Return where the unknown characters of a text stand, in order.

    Args:
        text: the text as it was written.
        unknown: what the reading of the text lacks, from :attr:`tts.text.reading.Reading.unknown`.
        read: reads single characters and words.
        in_words: whether several characters together may be a symbol: then a character without a
            symbol of its own is looked at in its word.
    """
    wanted = frozenset(unknown)
    if not wanted:
        return []
    found: list[UnknownCharacter] = []
    seen: set[str] = set()
    lacks: dict[str, frozenset[str]] = {}
    for is_phones, start, piece in _pieces(text):
        if is_phones:
            found += [
                UnknownCharacter(f"{{{phone[0]}}}", start + phone.start())
                for phone in _WORDS.finditer(piece)
                if f"{{{phone[0]}}}" in wanted
            ]
            continue
        for offset, char in enumerate(piece, start):
            if char not in lacks:
                lacks[char] = wanted.intersection(read(char).unknown)
            if lacks[char]:
                found.append(UnknownCharacter(char, offset))
                seen |= lacks[char]
    seen.update(text for text, _ in found)
    if in_words:
        found = list(_lost(found, text, read))
    found += _in_words(text, wanted - seen, read)
    return sorted(found, key=lambda each: each.offset)


def _pieces(text: str) -> Iterator[tuple[bool, int, str]]:
    """Yield the pieces of a text with their places; ``True`` marks phones in braces."""
    end = 0
    for match in PHONE_BRACES.finditer(text):
        yield False, end, text[end : match.start()]
        yield True, match.start(1), match[1]
        end = match.end()
    yield False, end, text[end:]


def _lost(places: Iterable[UnknownCharacter], text: str, read: Read) -> Iterator[UnknownCharacter]:
    """Yield the characters that are lost in their words, not a part of a symbol with others."""
    words = _WORDS.finditer(text)
    word: re.Match[str] | None = None
    for place in places:
        while word is None or word.end() <= place.offset:
            word = next(words)
        at = place.offset - word.start()
        without = word[0][:at] + word[0][at + 1 :]
        is_taken = len(place.text) > 1 or len(word[0]) > _LONGEST_LOOKED_AT
        if is_taken or _n_unknown(word[0], read) > _n_unknown(without, read):
            yield place


def _n_unknown(text: str, read: Read) -> int:
    return sum(read(text).unknown.values())


def _in_words(text: str, unknown: Collection[str], read: Read) -> Iterator[UnknownCharacter]:
    """Yield the words in which characters come from that no character of the text has alone."""
    if unknown:
        for word in _WORDS.finditer(text):
            for char in read(word[0]).unknown:
                if char in unknown:
                    yield UnknownCharacter(char, word.start())


def list_unknown(places: Sequence[UnknownCharacter]) -> str:
    """Return characters and their places for a message: ``'☃' x2 (characters 3 and 9)``.

    The first character of a text has number 1 here, as in editors.
    """
    by_text: dict[str, list[int]] = {}
    for text, offset in places:
        by_text.setdefault(text, []).append(offset + 1)
    return ", ".join(f"{text!r} x{len(at)} ({_numbers(at)})" for text, at in by_text.items())


def _numbers(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"character {numbers[0]}"
    shown = ", ".join(map(str, numbers[:_MAX_PLACES]))
    return f"characters {shown}{', ...' if len(numbers) > _MAX_PLACES else ''}"


def spell_unknown(
    text: str, reading: Reading, read: Read, is_english: bool, *, in_words: bool = False
) -> str:
    """Return a text with names in place of its unknown characters, where they have one.

    A letter becomes the letters of its transliteration, a digit its number, and any other sign its
    name in Unicode, in English. A run of one sign is named once, with its count. Names may have as
    many letters as the text, or a hundred; the signs after them stay as they are. So a text of
    signs is not much longer to say than a text of words.

    Args:
        text: the text as it was written.
        reading: how it is read.
        read: reads single characters and names.
        is_english: whether the names are understood; otherwise only letters are written out.
        in_words: as in :func:`find_unknown`.
    """
    runs = _runs(text, find_unknown(text, reading.unknown, read, in_words=in_words))
    budget = max(_FREE_LETTERS, len(text))
    pieces, end = [], 0
    for char, first, last, count in runs:
        said = _transliterated(char)
        if said:
            said *= count
        elif is_english and (name := _name(char)):
            said = f" {name} " if count == 1 else f" {name} {cardinal(count)} times "
            budget -= len(said)
        heard = read(said) if said else None
        if heard is not None and heard.has_sound and not heard.unknown and budget >= 0:
            pieces += [text[end:first], said]
            end = last
    return "".join([*pieces, text[end:]])


def _runs(text: str, places: Sequence[UnknownCharacter]) -> Iterator[tuple[str, int, int, int]]:
    """Yield runs of one character: the character, its begin and end in the text, and its count.

    Spaces between signs do not end a run.
    """
    run: tuple[str, int, int, int] | None = None
    for char, offset in places:
        if text[offset : offset + 1] != char:
            continue  # a phone, or a character that the text does not contain
        if run is not None:
            before, first, last, count = run
            gap = text[last:offset]
            if char == before and not gap.strip() and not char.isalnum():
                run = (char, first, offset + 1, count + 1)
                continue
            yield run
        run = (char, offset, offset + 1, 1)
    if run is not None:
        yield run


def _transliterated(char: str) -> str:
    """Return a letter of another alphabet in Latin letters, and "" for other characters."""
    latin = transliterate(char) if unicodedata.category(char)[0] == "L" else ""
    return latin if any(map(str.isalpha, latin)) else ""


def _name(char: str) -> str:
    """Return the name of a character in lower-case words; "" if it has none or is silent."""
    if unicodedata.category(char)[0] not in "LNS" and char not in _SAID_PUNCTUATION:
        return ""
    if (digit := unicodedata.digit(char, None)) is not None:
        return cardinal(digit)
    return unicodedata.name(char, "").lower().replace("-", " ")
