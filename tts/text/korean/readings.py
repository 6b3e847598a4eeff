"""Puts the readings of the user's lexicon in place of the words that have them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from tts.text.korean.characters import fold_korean

_PARTICLES = (
    "은|는|이|가|을|를|의|에|에서|에게|한테|께|께서|으로|로|으로서|로서|으로써|로써|와|과|랑|이랑|하고|도|만|뿐|까지|부터|마다|"
    "조차|마저|밖에|보다|처럼|만큼|대로|이나|나|이라|라|이라고|라고|이란|란|이며|며|이고|고|이다|다|입니다|이에요|예요|이었다|였다|"
    "에는|에도|에서는|에서도|으로는|로는|까지도|들|들이|들은|들을|들의|님|씨|인|이면|면|야|아"
)


def apply_readings(text: str, readings: Mapping[str, tuple[str, ...]]) -> str:
    """Replace each word that has a reading, alone or before a particle.

    Args:
        text: a folded text.
        readings: words in small letters, and the words of their readings.
    """
    if not readings:
        return text
    pattern = _pattern(tuple(readings))
    # "ı" matches i, but is no small letter of it
    return pattern.sub(lambda m: " ".join(readings.get(m[0].lower(), (m[0],))), text)


def words_with_readings(text: str, readings: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the words of a text, in small letters, that ``apply_readings`` would replace."""
    if not readings:
        return set()
    found = _pattern(tuple(readings)).finditer(fold_korean(text))
    return {match[0].lower() for match in found} & readings.keys()


@functools.lru_cache(maxsize=16)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.compile(rf"(?<![^\W_])(?:{either})(?=(?:{_PARTICLES})?(?![^\W_]))", re.IGNORECASE)
