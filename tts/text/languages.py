"""Says how well each language is read, and by which measurement.

``LANGUAGES`` is the table of docs/text.md, which a test compares with it. A command that trains
checks its tokenizer here: it refuses what is known to be wrong, and says what nobody has measured.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

from tts.core.errors import InputError

_log = logging.getLogger(__name__)


class LanguageRow(NamedTuple):
    """Says how well a tokenizer reads a language.

    Attributes:
        language: its name in English.
        code: its code of ISO 639; "" for every language without a row of its own.
        tokenizer: the choices of ``tokenizer=``.
        quality: how well it is read; "not measured" where nobody has measured it.
        measured: the command that prints the figures, and on what they are measured.
    """

    language: str
    code: str
    tokenizer: str
    quality: str
    measured: str


NOT_MEASURED = "not measured"
#: The default language of ``tokenizer=ipa``, for which nothing is said.
_WITHOUT_NOTE = frozenset({"en"})

LANGUAGES: tuple[LanguageRow, ...] = (
    LanguageRow(
        "English",
        "en",
        "english, english_phonemes",
        "98.9 % of the sentences that are not said as they are written",
        "`python -m bench.text_agreement`, the transcripts of LJ Speech",
    ),
    LanguageRow(
        "Korean",
        "ko",
        "korean",
        "96.4 % of 56 sentences with numbers and signs that it had not seen",
        "`python -m bench.korean_reading`, our own tables",
    ),
    LanguageRow(
        "Korean",
        "ko",
        "korean_pronounced",
        "99.4 % of the examples of the standard pronunciation, 97.0 % of 99 other words",
        "`python -m bench.korean_pronunciation`, our own tables",
    ),
    LanguageRow("all others of eSpeak NG", "", "ipa", NOT_MEASURED, ""),
)


def check_language(tokenizer: Mapping[str, Any]) -> None:
    """Check the language of a new training, and say so once if nobody has measured it.

    Args:
        tokenizer: the settings of the tokenizer.

    Raises:
        InputError: eSpeak NG would read Korean, or the extra ``korean`` is needed and missing.
    """
    language = tokenizer.get("language")
    if language is not None:
        _check_espeak(str(language))
    if tokenizer.get("cleaner") == "korean_pronounced" and find_spec("mecab_ko") is None:
        raise InputError(
            "tokenizer=korean_pronounced needs ko-speech-tools; run: pip install 'tacoglow[korean]'"
        )


@functools.cache
def _check_espeak(language: str) -> None:
    code = language.partition("-")[0]
    if code == "ko":
        raise InputError(
            f"tokenizer.language={language}: eSpeak NG reads Korean wrongly (국물 as ɡuqmuɫ); use "
            "tokenizer=korean"
        )
    measured = {
        row.code
        for row in LANGUAGES
        if "ipa" in row.tokenizer.split(", ") and row.quality != NOT_MEASURED
    }
    if code not in measured | _WITHOUT_NOTE:
        _log.warning(
            "tokenizer.language=%s: nobody has measured how well eSpeak NG reads this language; "
            "look at some sentences with python -m tts.text before a long training",
            language,
        )
