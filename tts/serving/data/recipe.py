"""Defines the recipe of an utterance: everything that decides its sound, and the hash of it."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import tts
from tts.core.code_key import code_key

#: Rooms whose code decides how a text sounds.
_SPEAKING_ROOMS = ("text", "models", "audio", "metrics", "inference")


@dataclass(frozen=True)
class Recipe:
    """Holds everything that decides the sound of an utterance; equal recipes sound equal.

    Attributes:
        model_version_id: from :func:`tts.serving.data.voices.version_id`; it stands for the voice,
            both networks and the settings that the operator gave them.
        text: any text; it is brought into Unicode's composed form (NFC).
        options: options of synthesis that a request chose, such as speed and guard; values that
            JSON can hold.
        seed: seed of dropout and noise.
        lexicon_revision: see :func:`tts.serving.data.lexicon.current_revision`; by it the lexicon
            is found again. It decides nothing: most changes of a lexicon concern other texts.
        sound_revision: see :func:`software_of_sound`.
        lexicon: the entries of the lexicon that the text needs: word -> reading.
        kept_as: id of an utterance that exists, of which this is the recipe, so that its entries
            need not be found again.
    """

    model_version_id: str
    text: str
    options: Mapping[str, Any]
    seed: int
    lexicon_revision: int
    sound_revision: str
    lexicon: Mapping[str, str] = field(default_factory=dict)
    kept_as: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", unicodedata.normalize("NFC", self.text))

    @property
    def utterance_id(self) -> str:
        """Return the SHA-256 of the recipe in hexadecimal digits."""
        if self.kept_as is not None:
            return self.kept_as
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @property
    def canonical(self) -> str:
        """Return the recipe as JSON in which only the order of lists is left to chance.

        Names are sorted, and a whole number is written as such: a client may send 1 or 1.0.

        Raises:
            ValueError: an option is not a finite number.
        """
        content = {
            # the number of the empty lexicon, with which all ids began
            "lexicon": dict(self.lexicon) or 0,
            "model": self.model_version_id,
            "options": _whole(self.options),
            "seed": self.seed,
            "software": self.sound_revision,
            "text": self.text,
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


@cache
def software_of_sound() -> str:
    """Return a hash of the code that makes sound; it takes a second, once in a process.

    Comments and layout do not count (:func:`tts.core.code_key.code_key`), so that an update that
    changes no sound keeps what is in the store.
    """
    root = Path(tts.__path__[0])
    keys = "".join(code_key(root / room) for room in _SPEAKING_ROOMS)
    return hashlib.sha256(keys.encode()).hexdigest()[:16]


def _whole(value: Any) -> Any:
    """Return a value in which floats without a fraction are whole numbers."""
    if isinstance(value, Mapping):
        return {name: _whole(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
