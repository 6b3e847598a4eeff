"""Finds for each written word the symbols that say it: "£5" is written, "five pounds" is said.

Only the whole text is read reliably, and its reading does not say what came from where. So each
written word is read alone as well, and both readings are aligned word by word, like the words of a
recogniser with those of a transcript (Wagner and Fischer, 1974). A spoken word that has no
counterpart belongs to the written word before it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from tts.text.symbols import is_phone
from tts.text.tokenizer import Tokenizer

_WORDS = re.compile(r"(?:\{[^{}]*\}|[^\s{—])+|[{—]")
#: What stands around a word and is not a part of it.
_AROUND = "\"'“”‘’«»<>()[].,;:!?…*_—–-"


class WrittenWord(NamedTuple):
    """Holds a word of a text and its place among the symbols.

    Attributes:
        word: the word as it was written, without the punctuation around it.
        begin: number of its first character in the text.
        first: number of its first symbol.
        last: number of its last symbol.
    """

    word: str
    begin: int
    first: int
    last: int


def _bare(word: str) -> str:
    """Return a word without the punctuation around it; a word of punctuation alone stays."""
    return word.strip(_AROUND) or word


class _SpokenWord(NamedTuple):
    text: str
    first: int
    last: int


def written_words(text: str, tokenizer: Tokenizer) -> list[WrittenWord]:
    """Return the written words of a text that are said, in order.

    Args:
        text: a text that the tokenizer can encode.
        tokenizer: gives the symbols, all words whose pronunciation is known as phones.
    """
    spoken = _spoken_words(text, tokenizer)
    written = [(_bare(match[0]), match.start()) for match in _WORDS.finditer(text)]
    owners = _owners([word for word, _ in written], [word.text for word in spoken], tokenizer)
    words: list[WrittenWord] = []
    for said, owner in zip(spoken, owners, strict=True):
        word, begin = written[owner]
        if words and words[-1].begin == begin:
            words[-1] = words[-1]._replace(last=said.last)
        else:
            words.append(WrittenWord(word, begin, said.first, said.last))
    return words


def _spoken_words(text: str, tokenizer: Tokenizer) -> list[_SpokenWord]:
    """Return the words of the reading, each with its first and last symbol."""
    words: list[_SpokenWord] = []
    place = 0
    begins_word = True
    for letters, phones in tokenizer.read(text).words:
        in_braces = phones is None and bool(letters) and is_phone(letters[0])
        if phones is not None or in_braces:
            pieces = [("".join(letters), len(letters if phones is None else phones))]
        else:
            pieces = [(letter, 1) for letter in letters]
        for piece, n_symbols in pieces:
            if not (in_braces or any(map(_belongs_to_word, piece))):
                begins_word = True
            elif begins_word or not words:
                words.append(_SpokenWord(piece, place, place + n_symbols - 1))
                begins_word = False
            else:
                before = words[-1]
                words[-1] = before._replace(text=before.text + piece, last=place + n_symbols - 1)
            place += n_symbols
    return words


def _belongs_to_word(char: str) -> bool:
    # accents and tone letters are symbols of their own in IPA
    return char.isalnum() or char in "'ˈˌː˥˦˧˨˩" or unicodedata.combining(char) > 0


def _owners(written: Sequence[str], spoken: Sequence[str], tokenizer: Tokenizer) -> list[int]:
    """Return for each spoken word the number of the written word that it belongs to."""
    if [word.lower() for word in written] == list(spoken):
        return list(range(len(spoken)))
    alone = [
        (word.text, number)
        for number, text in enumerate(written)
        for word in _spoken_words(text, tokenizer)
    ]
    owners: list[int] = []
    for counterpart in _align([text for text, _ in alone], spoken):
        if counterpart is not None:
            owners.append(alone[counterpart][1])
        else:
            owners.append(owners[-1] if owners else 0)
    return owners


def _align(ours: Sequence[str], theirs: Sequence[str]) -> list[int | None]:
    """Return for each of ``theirs`` its counterpart in ``ours`` by the fewest edits, or None."""
    cost = [[*range(len(theirs) + 1)]]
    for i, our in enumerate(ours, start=1):
        row = [i]
        for j, their in enumerate(theirs, start=1):
            row.append(min(cost[-1][j - 1] + (our != their), cost[-1][j] + 1, row[-1] + 1))
        cost.append(row)
    found: list[int | None] = [None] * len(theirs)
    i, j = len(ours), len(theirs)
    while i and j:
        if cost[i][j] == cost[i - 1][j - 1] + (ours[i - 1] != theirs[j - 1]):
            i, j = i - 1, j - 1
            found[j] = i
        elif cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return found
