"""Writes text of a hundred languages in IPA, with phonemizer and the eSpeak NG of espeakng-loader.

Both are GPL-3 and come with ``pip install 'tacoglow[ipa]'``. An espeak-ng that the system has is
not used, because its versions write different IPA.
"""

from __future__ import annotations

import functools
import logging
import unicodedata
from typing import Any

from tts.core.errors import InputError

# phonemizer warns where espeak-ng joins or splits words, but this is correct IPA.
_log = logging.getLogger(__name__)
_log.setLevel(logging.ERROR)


def to_ipa(text: str, language: str) -> str:
    """Write a text in IPA with stress marks; punctuation stays.

    Args:
        text: in the language's own spelling; numbers may be digits.
        language: a code of eSpeak NG, such as "en-us", "de" or "ru".

    Raises:
        InputError: the packages are not installed, or eSpeak NG does not have the language.
    """
    # C strings cannot hold halves of a surrogate pair, and end at a zero byte.
    text = text.encode("utf-8", "ignore").decode().replace("\0", "")
    # NFD separates letters and accents, so one table has the symbols of every language.
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
    supported = EspeakBackend.supported_languages()
    if language not in supported:
        raise InputError(
            f"tokenizer.language={language} is unknown to espeak-ng; it has {', '.join(supported)}"
        )
    return EspeakBackend(
        language,
        preserve_punctuation=True,
        with_stress=True,
        language_switch="remove-flags",
        logger=_log,
    )
