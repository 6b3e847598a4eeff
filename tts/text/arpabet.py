"""Finds the ARPAbet phones of English words.

The phones come from CMUdict, which is part of this package (``tts.text.dictionary``). The package
``hibari-tts`` (extra ``phonemes``) adds a part-of-speech tagger and a lexicon, which choose the
pronunciation of heteronyms, and a small trained network for words that are in no dictionary. It
works offline. The alternatives do not fit: g2p_en downloads data when it is imported, gruut
requires numpy below 2, and misaki needs spaCy models that no package index has. Without hibari-tts
a heteronym gets its commonest pronunciation. A word that is in no dictionary then stays in letters,
and one warning names it.
"""

from __future__ import annotations

import difflib
import functools
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tts.core.errors import InputError
from tts.text.dictionary import dictionary
from tts.text.lexicon import Lexicon, Phones
from tts.text.normalize.wording import LETTER_A
from tts.text.supplement import SUPPLEMENT, UNIT_PREFIXES

_log = logging.getLogger(__name__)
_INSTALL = "pip install 'tacoglow[phonemes]'"
# The phone letters of hibari, which are those of misaki: IPA, with capitals for diphthongs.
_VOWELS = {
    "A": "EY", "I": "AY", "O": "OW", "Q": "OW", "W": "AW", "Y": "OY", "a": "AA", "i": "IY",
    "u": "UW", "æ": "AE", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "ə": "AH", "ɐ": "AH", "ᵊ": "AH",
    "ɛ": "EH", "ɜ": "ER", "ɪ": "IH", "ᵻ": "IH", "ʊ": "UH", "ʌ": "AH",
}  # fmt: skip
_CONSONANTS = {
    "b": "B", "d": "D", "f": "F", "h": "HH", "j": "Y", "k": "K", "l": "L", "m": "M", "n": "N",
    "p": "P", "s": "S", "t": "T", "v": "V", "w": "W", "z": "Z", "ð": "DH", "ŋ": "NG", "ɡ": "G",
    "ɹ": "R", "ɾ": "T", "T": "T", "ʔ": "T", "ʃ": "SH", "ʒ": "ZH", "ʤ": "JH", "ʧ": "CH", "θ": "TH",
}  # fmt: skip
_STRESS = {"ˈ": "1", "ˌ": "2"}
_PARENT_TAGS = {"VB": "VERB", "NN": "NOUN", "JJ": "ADJ", "RB": "ADV"}
# The unstressed forms of "a" and "the", which fluent speech uses.
_WEAK = {"a": ("AH0",), "the": ("DH", "AH0")}
_BEFORE_VOWEL = {"the": ("DH", "IY0")}
_LETTER_A = ("EY1",)
#: Most characters between two tokens of the tagger.
_MAX_GAP = 50
# A word has few apostrophes ("shouldn't've"); the network takes hours for one with a thousand.
_WORD = re.compile(rf"[a-z]+(?:'[a-z]+){{0,3}}|{LETTER_A}(?:'s)?")
_LETTERS = {LETTER_A: _LETTER_A, f"{LETTER_A}'s": (*_LETTER_A, "Z")}


def pronounce(
    text: str, lexicon: Lexicon, *, letters_marked: bool = False
) -> list[tuple[int, int, Phones]]:
    """Look up the phones of every word in a cleaned text.

    Args:
        text: English without digits, in any case.
        lexicon: pronunciations that come before the dictionary's.
        letters_marked: whether the letter A is written as ``LETTER_A``, so that "a" is always the
            article. Otherwise an "a" beside another single letter counts as a letter.

    Returns:
        Begin, end and phones (without ``@``) of each word whose phones are known, in text order.
    """
    text = text.lower()
    spans = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    words = [text[begin:end] for begin, end in spans]
    tags = _tags(text) if any(word in _heteronyms() for word in words) else {}
    phones = [
        lexicon.get(word) or _in_context(words, i, tags.get(spans[i][0]), letters_marked)
        for i, word in enumerate(words)
    ]
    for i in range(len(phones) - 1):
        if (
            words[i] in _BEFORE_VOWEL
            and words[i] not in lexicon
            and _begins_with_vowel(phones[i + 1])
        ):
            phones[i] = _BEFORE_VOWEL[words[i]]
    return [(*span, known) for span, known in zip(spans, phones, strict=True) if known]


def to_arpabet(hibari_phones: str) -> Phones:
    """Translate hibari's phones into ARPAbet: ``"ɹˈɛd"`` becomes ``("R", "EH1", "D")``."""
    phones: list[str] = []
    stress = "0"
    for char in hibari_phones:
        if char in _STRESS:
            stress = _STRESS[char]
        elif char in _VOWELS:
            phones.append(_VOWELS[char] + stress)
            stress = "0"
        elif char == "ɹ" and phones and phones[-1] in {"AH0", "ER0", "ER1", "ER2"}:
            phones[-1] = f"ER{phones[-1][-1]}"
        elif char in _CONSONANTS:
            phones.append(_CONSONANTS[char])
    return tuple(phones)


def _in_context(
    words: Sequence[str], i: int, tag: str | None, letters_marked: bool
) -> Phones | None:
    word = words[i]
    if word == "a" and not letters_marked and any(_is_letter(words, j) for j in (i - 1, i + 1)):
        return _LETTER_A
    if word in _heteronyms() and tag:
        pronunciation = _by_tag(_heteronyms()[word], tag)
        return _nearest(dictionary().get(word) or (to_arpabet(pronunciation),), pronunciation)
    return _without_context(word)


@functools.lru_cache(maxsize=200_000)
def _without_context(word: str) -> Phones | None:
    if word in _WEAK:
        return _WEAK[word]
    if pronunciations := dictionary().get(word):
        return pronunciations[0]
    if known := SUPPLEMENT.get(word) or _LETTERS.get(word) or _with_prefix(word):
        return known
    if (hibari := _hibari()) is not None:
        return to_arpabet(hibari(word, normalize_text=False)) or None
    _log.warning(
        "%r is in no dictionary and is read by its letters; install a network for such words (%s), "
        "or write its phones into a lexicon (lexicon=FILE)",
        word,
        _INSTALL,
    )
    return None


def _with_prefix(word: str) -> Phones | None:
    """Return the phones of a unit with a prefix, such as "kilohms", or None."""
    for prefix, phones in UNIT_PREFIXES.items():
        unit = word.removeprefix(prefix)
        known = dictionary().get(unit) if len(unit) > 2 and unit != word else None
        # "kilohm" has one o for "kilo" and "ohm".
        if known and (prefix != "kil" or unit.startswith("ohm")):
            return (*phones, *known[0])
        if unit != word and unit in SUPPLEMENT:
            return (*phones, *SUPPLEMENT[unit])
    return None


def commonest_pronunciation(word: str, pronunciations: Sequence[Phones]) -> Phones:
    """Return the pronunciation that hibari's lexicon gives a word without context.

    Raises:
        InputError: hibari-tts is not installed.
    """
    if (hibari := _hibari()) is None:
        raise InputError(f"hibari-tts knows the commonest pronunciations; run: {_INSTALL}")
    commonest = hibari.lexicon.golds.get(word) if len(pronunciations) > 1 else None
    if not isinstance(commonest, str):
        return pronunciations[0]
    return _nearest(pronunciations, commonest)


def _nearest(pronunciations: Sequence[Phones], hibari_phones: str) -> Phones:
    """Choose the pronunciation that is most similar to the one of hibari."""
    wanted = to_arpabet(hibari_phones)
    return max(pronunciations, key=lambda each: difflib.SequenceMatcher(None, each, wanted).ratio())


def _is_letter(words: Sequence[str], i: int) -> bool:
    return 0 <= i < len(words) and len(words[i]) == 1 and words[i] not in "ai"


def _begins_with_vowel(phones: Phones | None) -> bool:
    return bool(phones) and phones is not None and phones[0][0] in "AEIOU"


def _by_tag(by_tag: Mapping[str, str], tag: str) -> str:
    return by_tag.get(tag) or by_tag.get(_PARENT_TAGS.get(tag[:2], "")) or by_tag["DEFAULT"]


def _tags(text: str) -> dict[int, str]:
    """Return the part of speech of each word, by the position where the word begins."""
    # The tagger was trained on sentences with correct capitals.
    cased = re.sub(r"\bi\b", "I", text).replace(LETTER_A, "A")
    tags, position = {}, 0
    for token in _hibari().tokenize(cased[:1].upper() + cased[1:]):
        # Only spaces stand between two tokens, so a token is found near the end of the last one.
        near = text.find(token.text.lower(), position, position + len(token.text) + _MAX_GAP)
        position = max(position, near)
        tags[position] = token.tag
        position += len(token.text)
    return tags


@functools.cache
def _heteronyms() -> dict[str, dict[str, str]]:
    """Return, by tag, the pronunciations of words that depend on their part of speech."""
    heteronyms: dict[str, dict[str, str]] = {}
    if (hibari := _hibari()) is None:
        return heteronyms
    for word, by_tag in hibari.lexicon.golds.d.items():
        if isinstance(by_tag, dict) and word.islower() and "None" not in by_tag:
            # A pronunciation without stress is a weak form of the same word.
            stressed = {tag: phones for tag, phones in by_tag.items() if phones and "ˈ" in phones}
            if "DEFAULT" in stressed and len(set(map(to_arpabet, stressed.values()))) > 1:
                heteronyms[word] = stressed
    return heteronyms


@functools.cache
def _hibari() -> Any:
    """Return hibari's grapheme-to-phoneme model, or None if hibari-tts is not installed."""
    try:
        from hibari.g2p import G2P
    except ImportError:
        return None
    return G2P()
