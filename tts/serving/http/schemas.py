"""Defines the bodies of requests, from which the specification (OpenAPI) is made."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from tts.serving.sounds import SOUND_FORMATS
from tts.serving.wishes import Wishes

#: Rates of sound in Hz that a client may ask for.
LOWEST_RATE, HIGHEST_RATE = 8000, 48_000
MAX_SEED = 2**63 - 1


def _without_default(schema: dict[str, Any]) -> None:
    """Take the default out of a specification: it is what the options of the voice say."""
    schema.pop("default", None)


def _by_voice(text: str) -> Any:
    """Return what describes a field that the voice decides where a request does not."""
    return Field(description=text, json_schema_extra=_without_default)


_SEED = Field(strict=True, ge=0, le=MAX_SEED)
Seed = Annotated[
    Annotated[int, _SEED] | None,
    _by_voice(
        "Equal requests with equal seeds sound equal; null: another sound each time. Without it: "
        "that of the voice, which is 0 unless its options say otherwise."
    ),
]
Unknown = Annotated[
    Literal["raise", "skip", "spell"],
    _by_voice(
        "Characters that the voice cannot read: refuse, leave out, or say by name. Without it: as "
        "the options of the voice say, else refuse."
    ),
]
Guard = Annotated[
    Literal["sentence", "off"],
    _by_voice(
        "off: sound is sent before it is known whether it went well. Without it: as the options of "
        "the voice say, else sentence."
    ),
]
Speed = Annotated[
    float,
    Field(strict=True, ge=0.25, le=4.0, allow_inf_nan=False, description="1 is the voice's own."),
]
# An unknown format is 400 with the list of formats, which a Literal of pydantic would not give
SoundFormat = Annotated[
    str, Field(strict=True), WithJsonSchema({"type": "string", "enum": list(SOUND_FORMATS)})
]
SampleRate = Annotated[
    Annotated[int, Field(strict=True, ge=LOWEST_RATE, le=HIGHEST_RATE)] | None,
    Field(description="Rate of the sound in Hz; null: that of the voice, or what the format has."),
]


class VoiceReference(BaseModel):
    """Names a voice in OpenAI's newer form."""

    id: Annotated[str, Field(strict=True, min_length=1, max_length=64)]


class Wishing(BaseModel):
    """Tells apart what a request says and what it leaves to the voice."""

    def wishes(self) -> Wishes:
        """Return what the request says of how the voice is to speak."""
        names = ("speed", "seed", "guard", "unknown")
        given = {name: getattr(self, name) for name in names if name in self.model_fields_set}
        if "seed" in given and given["seed"] is None:
            given["seed"] = "new"
        return Wishes(**given)


class SpeechRequest(Wishing):
    """Asks for speech, with OpenAI's parameters; unknown fields are ignored, as clients send some.

    ``words``, ``seed``, ``sample_rate``, ``guard`` and ``unknown`` are extensions.
    """

    model_config = ConfigDict(extra="ignore")

    input: Annotated[str, Field(strict=True, description="The text.")]
    model: Annotated[str, Field(strict=True, description="One of GET /v1/models.")] = "tacoglow"
    voice: Annotated[
        Annotated[str, Field(strict=True, max_length=64)] | VoiceReference,
        Field(description="One of GET /v1/audio/voices."),
    ]
    instructions: Annotated[
        Annotated[str, Field(strict=True)] | None,
        Field(description="Ignored; the header X-Ignored of the answer says so."),
    ] = None
    response_format: SoundFormat = "mp3"
    speed: Speed = 1.0
    stream_format: Literal["audio", "sse"] = "audio"
    words: Annotated[
        bool,
        Field(
            strict=True,
            description="With sse: events speech.audio.words say when the words are heard whose "
            "sound comes next, {word, start, end} in seconds.",
        ),
    ] = False
    seed: Seed = 0
    sample_rate: SampleRate = None
    guard: Guard = "sentence"
    unknown: Unknown = "raise"

    @property
    def voice_id(self) -> str:
        """Return the name of the voice, whichever form it was given in."""
        return self.voice if isinstance(self.voice, str) else self.voice.id


class Strict(BaseModel):
    """Refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid")


class ReadingRequest(Strict, Wishing):
    """Asks how a text will be read, without sound."""

    text: Annotated[str, Field(strict=True)]
    voice: Annotated[str, Field(strict=True, max_length=64)]
    unknown: Unknown = "raise"


class UtteranceRequest(Strict, Wishing):
    """Asks for an utterance that is kept."""

    text: Annotated[str, Field(strict=True)]
    voice: Annotated[str, Field(strict=True, max_length=64)]
    speed: Speed = 1.0
    seed: Seed = 0
    guard: Guard = "sentence"
    unknown: Unknown = "raise"


class KeyRequest(Strict):
    """Asks for a new key."""

    name: Annotated[str, Field(strict=True, min_length=1, max_length=100)]
    scopes: Annotated[list[Literal["speak", "read", "admin"]], Field(min_length=1)] = [
        "speak",
        "read",
    ]
    chars_per_minute: Annotated[
        Annotated[int, Field(strict=True, ge=1, le=10**9)] | None,
        Field(description="The key's own limit; null: that of the service."),
    ] = None
    requests_per_minute: Annotated[
        Annotated[int, Field(strict=True, ge=1, le=10**9)] | None,
        Field(description="Limit of requests for speech and readings; null: none."),
    ] = None


class LexiconRequest(Strict):
    """Says how a word is to be read."""

    reading: Annotated[
        str,
        Field(
            strict=True,
            min_length=1,
            max_length=200,
            description="Phones: T AH0 M EY1 T OW0; of Korean, Hangul",
        ),
    ]
    language: Annotated[str, Field(strict=True, min_length=2, max_length=16)] = "en"


class Fault(BaseModel):
    """Says what is wrong with one value."""

    pointer: str
    detail: str
    offset: int | None = None


class Problem(BaseModel):
    """Is the answer to a request that failed (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[Fault]
    request_id: str


class OpenAIFault(BaseModel):
    """Says what is wrong, in OpenAI's form."""

    message: str
    type: str
    param: str | None
    code: str | None
    errors: list[Fault] = []


class OpenAIError(BaseModel):
    """Is the answer to a request that failed, in OpenAI's form."""

    error: OpenAIFault


def problem_answers(*statuses: int, openai: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return the part of the specification that describes the errors of a route."""
    model = OpenAIError if openai else Problem
    media = "application/json" if openai else "application/problem+json"
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {media: {"schema": schema}}}
        for status in statuses
    }
