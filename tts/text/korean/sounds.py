"""Changes the first and last consonants of Hangul syllables, and lists syllables for patterns."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, product
from types import MappingProxyType

from tts.text.jamo import FINALS, INITIALS, VOWELS, join_jamo, to_jamo

#: Consonants and their tense counterparts, as initial jamo.
_TENSE = MappingProxyType(dict(zip("ᄀᄃᄇᄉᄌ", "ᄁᄄᄈᄊᄍ", strict=True)))
#: Final consonants and the sounds that they have at the end of a word (paragraphs 9 to 11).
_END_SOUNDS = MappingProxyType(
    {
        **dict.fromkeys("ᆩᆪᆰᆿ", "ᆨ"),
        **dict.fromkeys("ᆺᆻᆽᆾᇀᇂ", "ᆮ"),
        **dict.fromkeys("ᆹᆵᇁ", "ᆸ"),
        **dict.fromkeys("ᆬᆭ", "ᆫ"),
        **dict.fromkeys("ᆲᆳᆴᆶ", "ᆯ"),
        "ᆱ": "ᆷ",
    }
)
#: Vowels before which a ㄴ may be added (paragraph 29).
HIGH_VOWELS = "ᅵᅣᅤᅧᅨᅭᅲ"


def tense(syllable: str) -> str:
    """Return a syllable with a tense initial consonant: 가 becomes 까.

    Raises:
        KeyError: its initial consonant has no tense counterpart.
    """
    jamo = to_jamo(syllable)
    return join_jamo(_TENSE[jamo[0]] + jamo[1:])


def with_nieun(syllable: str) -> str:
    """Return a syllable that begins with ㄴ: 일 becomes 닐, and 량 becomes 냥."""
    return join_jamo("ᄂ" + to_jamo(syllable)[1:])


def at_end(syllable: str) -> str:
    """Return a syllable with the sound that its final consonant has at the end of a word."""
    jamo = to_jamo(syllable)
    return join_jamo(jamo[:-1] + _END_SOUNDS.get(jamo[-1], jamo[-1]))


def syllables(
    initials: Iterable[str] = INITIALS,
    vowels: Iterable[str] = VOWELS,
    finals: Iterable[str] = ("", *FINALS),
) -> str:
    """Return the syllables that have one of some jamo in each place, as a class of a pattern.

    Args:
        initials: their initial consonants.
        vowels: their vowels.
        finals: their final consonants; "" for none.
    """
    found = sorted(join_jamo("".join(map("".join, product(initials, vowels, finals)))))
    # runs of neighbours as ranges, because long classes take long to compile
    runs = [list(run) for _, run in groupby(enumerate(found), lambda each: ord(each[1]) - each[0])]
    return f"[{''.join(f'{run[0][1]}-{run[-1][1]}' for run in runs)}]"


def ending_in(finals: Iterable[str] = FINALS) -> str:
    """Return the syllables with some final consonants, as a class of a pattern."""
    return syllables(finals=finals)
