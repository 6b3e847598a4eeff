"""Splits a text of any length into pieces that can be synthesized one after the other.

Tacotron 2 is trained on utterances of at most about ten seconds, and its attention fails in longer
ones. ``sentencex`` finds the sentences. Its cuts are dropped before a small letter and after the
abbreviations of ``tts.text.short_forms``. A sentence that is too long is cut where a reader would
breathe, or between words, or, in a word that is too long, anywhere. The pieces hold every character
of the text except white space and the hyphens of words that are divided at a line end. Phones in
``{braces}`` stay together, unless they are longer than two pieces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from tts.text.line_ends import join_lines
from tts.text.short_forms import ends_in_short_form, sentence_goes_on


class Break(Enum):
    """Names the boundary after a piece, the weakest first."""

    CUT = "cut"
    WORD = "word"
    CLAUSE = "clause"
    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"


class Piece(NamedTuple):
    """Holds a piece of text, and the boundary after it."""

    text: str
    after: Break


#: Where a long sentence may be cut, the best places first: after these marks, before a word.
_CUT_PLACES = (
    (Break.CLAUSE, re.compile(r"(?<=[;:\u2013\u2014\u2026])\s+|(?<=--)\s+")),
    (Break.CLAUSE, re.compile(r"(?<=[,)\]\"\u201d])\s+")),
    (Break.WORD, re.compile(r"\s+(?=(?:and|or|but|nor|so|yet|because|which|who|that|when)\s)")),
    (Break.WORD, re.compile(r"\s+")),
)
#: Where a sentence seems to end before a small letter; too long ones are cut there first.
_SMALL_SENTENCES = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')\]\u201d]))\s+(?=[\"'(\[\u201c]?[a-z])")
#: Most characters that sentencex gets at once.
_MAX_STRETCH = 10_000
_END_MARK = re.compile(r"[^\w\s,;:-]\s*$")
_OPENING = re.compile(r"[\s\"'(\[{*_\u2018\u201c\u00ab\u2013\u2014\u2026.-]*")
_PARAGRAPHS = re.compile(r"\n\s*\n")
_BRACES = re.compile(r"\{[^{}]*\}")
_BRACES_OR_NOT = re.compile(r"\{[^{}]*\}|[^{]+|\{")
#: Stands for a space between phones while a text is split; from Unicode's private use area.
_PHONE_SPACE = "\ue000"
#: Bytes of a command line that were not UTF-8; they cannot be encoded.
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def split_text(text: str, max_chars: int = 200, language: str = "en") -> list[Piece]:
    """Split a text into pieces.

    Args:
        text: any text; blank lines separate paragraphs, and so do the lines of headings and lists
            that begin with ``#``, ``-`` or ``*``. Other single line ends count as spaces.
        max_chars: most characters of a piece; phones in braces may have twice as many.
        language: ISO 639 code, for its abbreviations; an unknown language counts as English.

    Returns:
        The pieces in order, none of them empty; no pieces for a text without characters.

    Raises:
        ValueError: ``max_chars`` is below 1.
    """
    if max_chars < 1:
        raise ValueError(f"max_chars={max_chars}: must be 1 or more")
    encodable = _LONE_SURROGATES.sub("\ufffd", text).replace(_PHONE_SPACE, " ")
    text = _BRACES.sub(lambda match: _PHONE_SPACE.join(match[0].split()), encodable)
    text = join_lines(text, language)
    pieces: list[Piece] = []
    for paragraph in _PARAGRAPHS.split(text):
        inner = [
            piece
            for s in _sentences(paragraph, language)
            for piece in _split_sentence(s, max_chars)
        ]
        if inner:
            pieces += [*inner[:-1], Piece(inner[-1].text, Break.PARAGRAPH)]
    return [Piece(piece.text.replace(_PHONE_SPACE, " "), piece.after) for piece in pieces]


def _sentences(paragraph: str, language: str) -> Iterator[str]:
    """Yield the sentences of a paragraph, without white space around them."""
    import sentencex

    sentence: list[str] = []
    for stretch in _stretches(" ".join(paragraph.split())):
        for number, part in enumerate(sentencex.segment(language, stretch)):
            before = sentence[-1] if sentence else ""
            is_end = number > 0 or _END_MARK.search(before[-5:]) is not None
            if before and not (is_end and _ends_sentence(before, part, language)):
                sentence.append(part)
            else:
                yield from _stripped(sentence)
                sentence = [part]
    yield from _stripped(sentence)


def _stretches(text: str) -> Iterator[str]:
    """Yield a long text in parts, at spaces if it has some: sentencex takes quadratic time."""
    start = 0
    while start < len(text):
        end = start + _MAX_STRETCH
        if end < len(text):
            end = text.rfind(" ", start, end) + 1 or end
        yield text[start:end]
        start = end


def _stripped(parts: list[str]) -> Iterator[str]:
    if sentence := "".join(parts).strip():
        yield sentence


def _ends_sentence(before: str, after: str, language: str) -> bool:
    """Return whether a sentence ends between two parts of a text that sentencex separated."""
    if _OPENING.sub("", after[:20], count=1)[:1].islower():
        return False
    # Without a space, only a full stop after a word ends a sentence, not the first one in "7A.M.".
    if before[-1:] == "." and not after[:1].isspace():
        return before[-3:-1].isalpha()
    return language != "en" or not sentence_goes_on(before, after.lstrip())


def _split_sentence(sentence: str, max_chars: int) -> Iterator[Piece]:
    """Yield the pieces of one sentence."""
    *inner, last = _split_to_fit([sentence], -1, max_chars)
    yield from inner
    yield Piece(last.text, Break.SENTENCE)


def _split_to_fit(parts: list[str], level: int, max_chars: int) -> Iterator[Piece]:
    """Yield parts of at most ``max_chars``; longer parts are cut at the next best places."""
    for part in parts:
        if len(part) <= max_chars or _is_short_phones(part, max_chars):
            yield Piece(part, Break.SENTENCE)
        elif level == len(_CUT_PLACES):
            yield from (Piece(chunk, Break.CUT) for chunk in _cut_word(part, max_chars))
        else:
            kind, place = _CUT_PLACES[level] if level >= 0 else (Break.CLAUSE, _SMALL_SENTENCES)
            packed = _pack_evenly(_divide(part, place), max_chars)
            for text in packed:
                *inner, last = _split_to_fit([text], level + 1, max_chars)
                yield from inner
                yield Piece(last.text, kind)


def _divide(part: str, place: re.Pattern[str]) -> list[str]:
    """Divide a part at places; what only seems to be a sentence end is left out."""
    if place is not _SMALL_SENTENCES:
        return place.split(part)
    divided, start = [], 0
    for match in place.finditer(part):
        if not ends_in_short_form(part[start : match.start()][-40:]):
            divided.append(part[start : match.start()])
            start = match.end()
    return [*divided, part[start:]]


def _pack_evenly(parts: list[str], max_chars: int) -> list[str]:
    """Join neighbours into as few lines as possible, and make their lengths similar."""
    fewest = _join_to_width(parts, max_chars)
    low, high = 1, max_chars
    while low < high:
        middle = (low + high) // 2
        if len(_join_to_width(parts, middle)) <= len(fewest):
            high = middle
        else:
            low = middle + 1
    return _join_to_width(parts, high)


def _join_to_width(parts: list[str], width: int) -> list[str]:
    """Join parts into lines of at most ``width``, unless one part is longer."""
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


def _is_short_phones(part: str, max_chars: int) -> bool:
    """Return whether a part is phones in braces that are short enough to stay together."""
    return _PHONE_SPACE in part and not part.split()[1:] and len(part) <= 2 * max_chars


def _cut_word(word: str, max_chars: int) -> Iterator[str]:
    """Cut a part without spaces: after a phone in braces, elsewhere between any letters."""
    for match in _BRACES_OR_NOT.finditer(word):
        if match[0].startswith("{") and _PHONE_SPACE in match[0]:
            phones = match[0][1:-1].split(_PHONE_SPACE)
            lines = _join_to_width(phones, max(max_chars - 2, 1))
            yield from (f"{{{line.replace(' ', _PHONE_SPACE)}}}" for line in lines)
        else:
            yield from _cut_letters(match[0], max_chars)


def _cut_letters(word: str, max_chars: int) -> Iterator[str]:
    """Cut between letters; a letter keeps its combining accents."""
    start = 0
    while start < len(word):
        end = min(start + max_chars, len(word))
        while start + 1 < end < len(word) and unicodedata.combining(word[end]):
            end -= 1
        yield word[start:end]
        start = end
