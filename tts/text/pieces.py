"""Any text, in pieces that can be spoken one after the other: paragraphs, sentences, clauses.

Tacotron 2 learns from utterances of at most some ten seconds and loses its way in longer ones.
Sentences are found by ``sentencex``, which knows abbreviations; a sentence that is too long is cut
where a reader would breathe, or between words, or, where there are none, anywhere. Nothing is
lost but spaces: the pieces hold every character of the text. Phones in ``{braces}`` stay together,
unless they are a passage of their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple


class Break(Enum):
    """What follows a piece, weakest first."""

    CUT = "cut"
    WORD = "word"
    CLAUSE = "clause"
    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"


class Piece(NamedTuple):
    """What is spoken in one breath, and what follows it."""

    text: str
    after: Break


#: Where a long sentence may be cut, best first: behind these, before the next word.
_PLACES = (
    (Break.CLAUSE, re.compile(r"(?<=[;:\u2013\u2014\u2026])\s+|(?<=--)\s+")),
    (Break.CLAUSE, re.compile(r"(?<=[,)\]\"\u201d])\s+")),
    (Break.WORD, re.compile(r"\s+(?=(?:and|or|but|nor|so|yet|because|which|who|that|when)\s)")),
    (Break.WORD, re.compile(r"\s+")),
)
_PARAGRAPHS = re.compile(r"\n\s*\n")
_BRACES = re.compile(r"\{[^{}]*\}")
_BRACES_OR_NOT = re.compile(r"\{[^{}]*\}|[^{]+|\{")
#: Stands for a space between phones meanwhile; of the private use area.
_HELD = "\ue000"
#: What cannot be encoded: bytes of a command line that were no UTF-8.
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def split_text(text: str, max_chars: int = 200, language: str = "en") -> list[Piece]:
    """Cut a text into pieces.

    Args:
        text: any; blank lines separate paragraphs, single line ends are spaces.
        max_chars: of a piece; phones in braces may have twice as many.
        language: ISO 639 code, for the abbreviations; unknown ones are read as English.

    Returns:
        Pieces in order, none of them empty; none at all for a text without characters.

    Raises:
        ValueError: ``max_chars`` below 1.
    """
    if max_chars < 1:
        raise ValueError(f"max_chars={max_chars}: must be 1 or more")
    known = _LONE_SURROGATES.sub("\ufffd", text).replace(_HELD, " ")
    held = _BRACES.sub(lambda found: _HELD.join(found[0].split()), known)
    pieces: list[Piece] = []
    for paragraph in _PARAGRAPHS.split(held):
        found = [piece for s in _sentences(paragraph, language) for piece in _cut(s, max_chars)]
        if found:
            pieces += [*found[:-1], Piece(found[-1].text, Break.PARAGRAPH)]
    return [Piece(piece.text.replace(_HELD, " "), piece.after) for piece in pieces]


def _sentences(paragraph: str, language: str) -> Iterator[str]:
    import sentencex

    for sentence in sentencex.segment(language, " ".join(paragraph.split())):
        if stripped := sentence.strip():
            yield stripped


def _cut(sentence: str, max_chars: int) -> Iterator[Piece]:
    """The pieces of one sentence."""
    *inner, last = _fill([sentence], 0, max_chars)
    yield from inner
    yield Piece(last.text, Break.SENTENCE)


def _fill(parts: list[str], level: int, max_chars: int) -> Iterator[Piece]:
    """Parts of at most ``max_chars``; those that are longer are cut at the next best places."""
    for part in parts:
        if len(part) <= max_chars or _is_held(part, max_chars):
            yield Piece(part, Break.SENTENCE)
        elif level == len(_PLACES):
            yield from (Piece(chunk, Break.CUT) for chunk in _torn(part, max_chars))
        else:
            kind, place = _PLACES[level]
            packed = _packed(place.split(part), max_chars)
            for text in packed:
                *inner, last = _fill([text], level + 1, max_chars)
                yield from inner
                yield Piece(last.text, kind)


def _packed(parts: list[str], max_chars: int) -> list[str]:
    """Neighbours joined into as few lines as fit, and these as even as they can be."""
    fewest = _joined(parts, max_chars)
    low, high = 1, max_chars
    while low < high:
        middle = (low + high) // 2
        if len(_joined(parts, middle)) <= len(fewest):
            high = middle
        else:
            low = middle + 1
    return _joined(parts, high)


def _joined(parts: list[str], width: int) -> list[str]:
    """Lines of at most ``width``, unless a part alone is longer."""
    lines = [[parts[0]]]
    length = len(parts[0])
    for part in parts[1:]:
        length += 1 + len(part)
        if length <= width:
            lines[-1].append(part)
        else:
            lines.append([part])
            length = len(part)
    return [" ".join(line) for line in lines]


def _is_held(part: str, max_chars: int) -> bool:
    """Whether a part without spaces has phones that stay together."""
    return _HELD in part and not part.split()[1:] and len(part) <= 2 * max_chars


def _torn(word: str, max_chars: int) -> Iterator[str]:
    """Cut what has no spaces: phones behind a phone, letters anywhere."""
    for found in _BRACES_OR_NOT.finditer(word):
        if found[0].startswith("{") and _HELD in found[0]:
            phones = found[0][1:-1].split(_HELD)
            lines = _joined(phones, max(max_chars - 2, 1))
            yield from (f"{{{line.replace(' ', _HELD)}}}" for line in lines)
        else:
            yield from _anywhere(found[0], max_chars)


def _anywhere(word: str, max_chars: int) -> Iterator[str]:
    """Cut between letters; a letter keeps its accents."""
    start = 0
    while start < len(word):
        end = min(start + max_chars, len(word))
        while start + 1 < end < len(word) and unicodedata.combining(word[end]):
            end -= 1
        yield word[start:end]
        start = end
