"""Defines what the engine is asked for (``SpeakingRequest``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tts.core.ranges import OptionalTimeout, check_fields

#: The lanes, first come first: what somebody waits for, and books and other long texts.
Lane = Literal["interactive", "batch"]


@dataclass(frozen=True)
class SpeakingRequest:
    """Holds a text and how it is to be spoken.

    Attributes:
        text: the text, of any length.
        voice: id of the voice.
        lane: ``"interactive"`` comes before ``"batch"`` whenever the engine chooses what to do.
        options: fields of :class:`tts.inference.Options` that replace those of the voice, such as
            ``seed``, ``speed`` and ``guard``. With ``guard=False`` each unit is decoded once, and a
            vocoder that can stream gives sound before the unit is decoded.
        lexicon: words and their phones, with precedence over those of the voice.
        strict: end with an error instead of giving sound of a part that does not follow its text.
        keep_sound: keep all chunks until the ticket is forgotten, so that several listeners can
            read them from the beginning. Without it a chunk is forgotten when it was read, there is
            one listener, and the engine waits for a listener that is far behind.
        keep_speech: give mel and alignment with the final record.
        sentence_seconds: computing time after which a unit is given up; None is the engine's limit.

    Raises:
        InputError: a value is not legal.
    """

    text: str
    voice: str
    lane: Lane = "interactive"
    options: Mapping[str, Any] = field(default_factory=dict)
    lexicon: Mapping[str, str] | None = None
    strict: bool = False
    keep_sound: bool = True
    keep_speech: bool = False
    sentence_seconds: OptionalTimeout = None

    def __post_init__(self) -> None:
        check_fields(self)
