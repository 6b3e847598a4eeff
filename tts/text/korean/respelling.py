"""Respells Korean words whose pronunciation does not follow from their letters.

The regular sound changes of Korean follow from the letters. What does not follow is which
compounds and which Chinese words have a tense consonant (문고리, said as 문꼬리) or an added ㄴ
(솜이불, said as 솜니불). ``pronunciations.txt`` lists such words, and
``tts.text.korean.respelling_rules`` has what is certain for a whole class of words. The result is
Hangul again, to which the regular changes still apply: 문법을 becomes 문뻡을, and then 문뻐블.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from importlib import resources

from tts.text.korean.respelling_rules import apply_rules
from tts.text.korean.sounds import at_end, tense, with_nieun


def respelled(text: str) -> str:
    """Return a text in which irregular words are written as they sound."""
    lexicon, words = _lexicon()
    text = words.sub(lambda match: lexicon[match[0]], text)
    return apply_rules(text)


@functools.cache
def _lexicon() -> tuple[dict[str, str], re.Pattern[str]]:
    """Return the words with their respellings, and a pattern that finds them, longest first."""
    entries: dict[str, str] = {}
    inside: set[str] = set()
    for entry in marked_words():
        word, said = without_entry_marks(entry.removeprefix("*"))
        entries[word] = said
        if len(word) > 2 or entry.startswith("*"):
            inside.add(word)
    anywhere = "|".join(sorted(inside, key=len, reverse=True))
    at_beginning = "|".join(sorted(entries.keys() - inside))
    # all words at the beginning have two syllables, so longer ones come first everywhere
    return entries, re.compile(f"{anywhere}|(?<![가-힣])(?:{at_beginning})")


def marked_words() -> Iterator[str]:
    """Yield the words of the list with their marks, which the list explains."""
    file = resources.files("tts.text.korean") / "pronunciations.txt"
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield from line.split()


def without_entry_marks(entry: str) -> tuple[str, str]:
    """Return a word without its marks, and its respelling."""
    word, said = "", ""
    change: Callable[[str], str] | None = None
    for char in entry:
        if char == "'":
            change = tense
        elif char == "=":
            change = with_nieun
        elif char == "|":
            said = said[:-1] + at_end(said[-1])
        else:
            word += char
            said += char if change is None else change(char)
            change = None
    return word, said
