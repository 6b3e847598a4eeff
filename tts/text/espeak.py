"""Text of a hundred languages to IPA, through phonemizer and the eSpeak NG of espeakng-loader.

Both are GPL-3 and come with ``pip install 'tacoglow[ipa]'``; no espeak-ng of the system is needed,
and none is used, for its versions differ in what they write.
"""

from __future__ import annotations

import functools
import logging
import unicodedata
from typing import Any

from tts.core.errors import InputError

# phonemizer warns where espeak-ng joins or splits words, which is as it should be
_log = logging.getLogger(__name__)
_log.setLevel(logging.ERROR)


def to_ipa(text: str, language: str) -> str:
    """Write a text in IPA with marks of stress; punctuation stays.

    Args:
        text: in the language's own spelling, numbers and all.
        language: a code of eSpeak NG, such as "en-us", "de" or "ru".

    Raises:
        InputError: the packages are not installed, or the language is unknown to them.
    """
    # what C cannot take: halves of a character, and the end of a string
    text = text.encode("utf-8", "ignore").decode().replace("\0", "")
    # letters and their accents are symbols of their own: every language's marks fit one table
    lines = _backend(language).phonemize([text], strip=True)
    return unicodedata.normalize("NFD", " ".join(lines))


@functools.cache
def _backend(language: str) -> Any:
    try:
        import espeakng_loader
        from phonemizer.backend import EspeakBackend
        from phonemizer.backend.espeak.wrapper import EspeakWrapper
    except ImportError:
        raise InputError(
            "tokenizer.language needs phonemizer and espeak-ng; run: pip install 'tacoglow[ipa]'"
        ) from None
    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
    known = EspeakBackend.supported_languages()
    if language not in known:
        raise InputError(
            f"tokenizer.language={language} is unknown to espeak-ng; it has {', '.join(known)}"
        )
    return EspeakBackend(
        language,
        preserve_punctuation=True,
        with_stress=True,
        language_switch="remove-flags",
        logger=_log,
    )
