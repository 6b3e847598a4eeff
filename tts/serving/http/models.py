"""Lists models and voices in the shapes that OpenAI's clients and Kokoro's read."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from tts.serving.data.voices import voice_list
from tts.serving.errors import ServiceError
from tts.serving.http.negotiation import ACCEPTS_JSON
from tts.serving.http.schemas import problem_answers
from tts.serving.http.security import MayUse, TheService

router = APIRouter(
    tags=["OpenAI"],
    responses=problem_answers(401, 403, 406, openai=True),
    dependencies=[ACCEPTS_JSON],
)

#: Names that clients send in `model`. All mean the same here, because the voice decides the model.
MODELS = ("tacoglow", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
#: When these names came to be, as OpenAI's shape wants it: the begin of 2026.
_CREATED = 1767225600


class ModelAnswer(BaseModel):
    """Describes a model in OpenAI's form."""

    id: str
    object: Literal["model"] = "model"
    created: int = _CREATED
    owned_by: str = "tacoglow"


class ModelListAnswer(BaseModel):
    """Lists models in OpenAI's form."""

    object: Literal["list"] = "list"
    data: list[ModelAnswer]


class VoiceName(BaseModel):
    """Names a voice."""

    id: str
    name: str


class VoiceNamesAnswer(BaseModel):
    """Lists voices in the form of Kokoro-FastAPI; with ``?legacy=true`` only their ids."""

    voices: list[VoiceName] | list[str]


@router.get("/v1/models")
def list_models(caller: MayUse) -> ModelListAnswer:
    """List the names that `model` may have."""
    return ModelListAnswer(data=[ModelAnswer(id=name) for name in MODELS])


@router.get("/v1/models/{model}", responses=problem_answers(404, openai=True))
def get_model(model: str, caller: MayUse) -> ModelAnswer:
    """Return one of the names that `model` may have."""
    if model not in MODELS:
        known = ", ".join(MODELS)
        raise ServiceError("model_not_found", 404, f"there is no such model, only {known}", "model")
    return ModelAnswer(id=model)


@router.get("/v1/audio/voices")
def list_voice_names(caller: MayUse, service: TheService, legacy: bool = False) -> VoiceNamesAnswer:
    """List the voices that `voice` may name."""
    with service.database.read() as session:
        rows = voice_list(session)
    if legacy:
        return VoiceNamesAnswer(voices=[row.id for row in rows])
    return VoiceNamesAnswer(voices=[VoiceName(id=row.id, name=row.name) for row in rows])
