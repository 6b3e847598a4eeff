"""Joins the lines of a text: words that are divided at a line end, headings and lists."""

from __future__ import annotations

import re

# A hyphen at the end of a line, with the letters on both sides of it.
_DIVIDED = re.compile(r"([^\W\d_]{1,40})[-\u2010\u00ad][^\S\n]*\n[^\S\n]*(?=([^\W\d_]{1,40}))")
_HEADING = re.compile(r"[^\S\n]{0,8}#{1,6}[^\S\n]+\S")
_ITEM = re.compile(r"[^\S\n]{0,8}(?:[-*+\u2022]|\d{1,3}[.)])[^\S\n]+\S")
_CLOSED = (".", "!", "?", ":", ";")


def join_words(text: str, language: str = "en") -> str:
    """Join the halves of words that a hyphen divides at a line end.

    In English the dictionary of the package decides whether the hyphen belongs to the word:
    "begin-" and "ning" become "beginning", "well-" and "known" become "well-known".
    """
    return _DIVIDED.sub(lambda match: _joined(match[1], match[2], language), text)


def join_lines(text: str, language: str = "en") -> str:
    """Join divided words, and make a paragraph of each heading and each item of a list."""
    text = join_words(text, language)
    if "\n" not in text:
        return text
    lines: list[str] = []
    before, is_own = "", True
    for line in text.split("\n"):
        is_heading = _HEADING.match(line) is not None
        # A line of prose may begin with a dash or a number, so the line before must have ended.
        is_item = _ITEM.match(line) is not None and (is_own or before.endswith(_CLOSED))
        if is_heading or is_item:
            lines.append("")
        lines.append(line)
        if is_heading:
            lines.append("")
        before = line.rstrip()
        is_own = is_heading or is_item or not before
    return "\n".join(lines)


def _joined(before: str, after: str, language: str) -> str:
    if not after[0].islower():
        return f"{before}-"
    if language == "en" and not _is_word(before + after) and _is_word(before) and _is_word(after):
        return f"{before}-"
    return before


def _is_word(letters: str) -> bool:
    from tts.text.dictionary import dictionary

    return letters.lower() in dictionary()
