"""Writes Hangul as it is pronounced by the standard (표준발음법): 국물이 becomes 궁무리.

``ko-speech-tools`` (Apache-2.0, after g2pK) makes the regular changes, with the parts of speech of
MeCab. Before that, ``tts.text.korean.respelling`` writes the irregular words as they sound.
``python -m bench.korean_pronunciation`` measures the result with and without our part.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from tts.core.errors import InputError
from tts.text.jamo import join_jamo, to_jamo
from tts.text.korean.respelling import respelled
from tts.text.korean.sounds import syllables

#: Words that one analysis gets; sounds are not joined across punctuation.
_STRETCH = re.compile(r"[가-힣]+(?: [가-힣]+)*")
#: 져, 쪄 and 쳐 are said as 저, 쩌 and 처 (paragraph 5).
_GLIDES = re.compile(syllables(initials="ᄌᄍᄎ", vowels="ᅧ"))
# MeCab's tagger keeps state
_lock = threading.Lock()


def pronounced(text: str) -> str:
    """Return a text with its Hangul as it is pronounced; all else stays.

    Raises:
        InputError: ko-speech-tools is not installed.
    """
    convert = _converter()
    with _lock:
        return _STRETCH.sub(lambda match: convert(match[0]), text)


def package_converter() -> Callable[[str], str]:
    """Return the conversion of ko-speech-tools as it is, for comparison.

    Raises:
        InputError: it is not installed.
    """
    convert: Callable[[str], str] = _package().G2p()
    return convert


@functools.cache
def _converter() -> Callable[[str], str]:
    convert = _package().G2p()
    # its list of words replaces parts of words as well: 아들일 would be said as 아들릴
    convert.idioms = lambda text, verbose=False: text

    # the package needs some 2 ms for a stretch of any length, and short ones come again and again
    @functools.lru_cache(maxsize=1024)
    def converted(stretch: str) -> str:
        return _GLIDES.sub(_without_glide, convert(respelled(stretch)))

    return converted


def _package() -> ModuleType:
    try:
        import_module("mecab_ko")
        return import_module("ko_speech_tools.g2p.g2p")
    except ImportError:
        raise InputError(
            "the standard pronunciation of Korean needs ko-speech-tools; run: pip install "
            "'tacoglow[korean]'"
        ) from None


def _without_glide(match: re.Match[str]) -> str:
    jamo = to_jamo(match[0])
    return join_jamo(jamo[0] + "ᅥ" + jamo[2:])
