"""Checks texts of clients before anything reads them."""

from __future__ import annotations

import re
import unicodedata

from tts.serving.errors import FieldFault, ServiceError

# Control characters, except those that separate lines and words
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MOST_FAULTS = 20


def checked_text(text: str, most_chars: int, param: str, hint: str = "") -> str:
    """Return a text in Unicode's composed form (NFC), if it is one that can be read at all.

    Args:
        text: as the client wrote it.
        most_chars: characters that are allowed.
        param: name of its field, for messages.
        hint: what to do with a longer text.

    Raises:
        ServiceError: the text is blank, too long, or has control characters or lone surrogates.
    """
    if len(text) > most_chars:
        message = f"{param}: the text has {len(text)} characters, at most {most_chars} are spoken"
        raise ServiceError("text_too_long", 400, f"{message}{hint}", param)
    faults = [
        FieldFault(f"/{param}", f"the character U+{ord(found[0]):04X} is no text", found.start())
        for found in _CONTROLS.finditer(text)
    ]
    if faults:
        message = f"{param}: {faults[0].detail} (offset {faults[0].offset}); remove it"
        raise ServiceError("invalid_text", 400, message, param, faults[:_MOST_FAULTS])
    if not text.strip():
        raise ServiceError("nothing_to_say", 400, f"{param}: the text is blank", param)
    return unicodedata.normalize("NFC", text)
