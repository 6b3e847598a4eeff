"""English words to ARPAbet: CMUdict, heteronyms by their part of speech, a network for the rest.

CMUdict comes with this package (``tts.text.dictionary``). ``hibari-tts``, the extra ``phonemes``,
brings a tagger, a lexicon with parts of speech and a small trained network, all offline; g2p_en
downloads when it is imported, gruut holds numpy below 2, misaki needs spaCy models that no package
index has. Without it a heteronym has its commonest sound, and a word that is in no dictionary stays
in letters, which is said once.
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

_log = logging.getLogger(__name__)
_INSTALL = "pip install 'tacoglow[phonemes]'"
# hibari's letters for phones (those of misaki): IPA, with capitals for diphthongs
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
# Weak forms: which of CMUdict's readings running speech has
_WEAK = {"a": ("AH0",), "the": ("DH", "AH0")}
_BEFORE_VOWEL = {"the": ("DH", "IY0")}
_LETTER_A = ("EY1",)
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")


def pronounce(text: str, lexicon: Lexicon) -> list[tuple[int, int, Phones]]:
    """Look up every word of a cleaned text.

    Args:
        text: English without digits; case does not matter.
        lexicon: comes before the dictionary.

    Returns:
        Begin, end and phones (without ``@``) of each word that has any, in their order.
    """
    text = text.lower()
    found = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    words = [text[begin:end] for begin, end in found]
    tags = _tags(text) if any(word in _heteronyms() for word in words) else {}
    said = [
        lexicon.get(word) or _in_context(words, i, tags.get(found[i][0]))
        for i, word in enumerate(words)
    ]
    for i in range(len(said) - 1):
        if (
            words[i] in _BEFORE_VOWEL
            and words[i] not in lexicon
            and _begins_with_vowel(said[i + 1])
        ):
            said[i] = _BEFORE_VOWEL[words[i]]
    return [(*found[i], phones) for i, phones in enumerate(said) if phones]


def to_arpabet(spoken: str) -> Phones:
    """Translate hibari's phones: ``"ɹˈɛd"`` is ``("R", "EH1", "D")``."""
    phones: list[str] = []
    stress = "0"
    for char in spoken:
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


def _in_context(words: Sequence[str], i: int, tag: str | None) -> Phones | None:
    word = words[i]
    if word == "a" and any(_is_letter(words, j) for j in (i - 1, i + 1)):
        return _LETTER_A
    if word in _heteronyms() and tag:
        spoken = _by_tag(_heteronyms()[word], tag)
        return _nearest(dictionary().get(word) or (to_arpabet(spoken),), spoken)
    return _without_context(word)


@functools.lru_cache(maxsize=200_000)
def _without_context(word: str) -> Phones | None:
    if word in _WEAK:
        return _WEAK[word]
    if readings := dictionary().get(word):
        return readings[0]
    if (reads := _hibari()) is not None:
        return to_arpabet(reads(word, normalize_text=False)) or None
    _log.warning(
        "%r is in no dictionary and is read by its letters; %s has a network for such words, and "
        "lexicon=FILE takes yours",
        word,
        _INSTALL,
    )
    return None


def commonest_pronunciation(word: str, readings: Sequence[Phones]) -> Phones:
    """Which of a word's readings is said without any context, by hibari's lexicon.

    Raises:
        InputError: hibari-tts is not installed.
    """
    if (reads := _hibari()) is None:
        raise InputError(f"the commonest readings are those of hibari-tts; run: {_INSTALL}")
    spoken = reads.lexicon.golds.get(word) if len(readings) > 1 else None
    return _nearest(readings, spoken) if isinstance(spoken, str) else readings[0]


def _nearest(readings: Sequence[Phones], spoken: str) -> Phones:
    """Choose the reading that is the most like another dictionary's."""
    phones = to_arpabet(spoken)
    return max(readings, key=lambda each: difflib.SequenceMatcher(None, each, phones).ratio())


def _is_letter(words: Sequence[str], i: int) -> bool:
    return 0 <= i < len(words) and len(words[i]) == 1 and words[i] not in "ai"


def _begins_with_vowel(phones: Phones | None) -> bool:
    return bool(phones) and phones is not None and phones[0][0] in "AEIOU"


def _by_tag(readings: Mapping[str, str], tag: str) -> str:
    return readings.get(tag) or readings.get(_PARENT_TAGS.get(tag[:2], "")) or readings["DEFAULT"]


def _tags(text: str) -> dict[int, str]:
    """Part of speech by the position where a word begins."""
    # the tagger has seen sentences, with capitals where they belong
    cased = re.sub(r"\bi\b", "I", text)
    tags, at = {}, 0
    for token in _hibari().tokenize(cased[:1].upper() + cased[1:]):
        at = max(at, cased.lower().find(token.text.lower(), at))
        tags[at] = token.tag
        at += len(token.text)
    return tags


@functools.cache
def _heteronyms() -> dict[str, dict[str, str]]:
    """Words whose sound depends on their part of speech."""
    found: dict[str, dict[str, str]] = {}
    if (reads := _hibari()) is None:
        return found
    for word, readings in reads.lexicon.golds.d.items():
        if isinstance(readings, dict) and word.islower() and "None" not in readings:
            # an unstressed reading is a weak form, not another word
            spoken = {tag: sound for tag, sound in readings.items() if sound and "ˈ" in sound}
            if "DEFAULT" in spoken and len(set(map(to_arpabet, spoken.values()))) > 1:
                found[word] = spoken
    return found


@functools.cache
def _hibari() -> Any:
    """What reads words and tags sentences; None where it is not installed."""
    try:
        from hibari.g2p import G2P
    except ImportError:
        return None
    return G2P()
