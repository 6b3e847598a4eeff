"""Describes voices and their versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from tts.serving.data.models import ModelVersionRow, VoiceRow
from tts.serving.data.voices import current_version, voice_list, voice_versions
from tts.serving.http.negotiation import ACCEPTS_JSON
from tts.serving.http.schemas import problem_answers
from tts.serving.http.security import MayUse, TheService
from tts.serving.ordering import require_voice

router = APIRouter(
    prefix="/v1/voices",
    tags=["voices"],
    responses=problem_answers(401, 403, 406),
    dependencies=[ACCEPTS_JSON],
)


class VoiceAnswer(BaseModel):
    """Describes a voice that can be asked for."""

    id: str
    name: str
    language: str
    licence: str
    sample_rate: int
    version: str | None
    created_at: datetime


class VoiceListAnswer(BaseModel):
    """Lists voices."""

    voices: list[VoiceAnswer]


class VersionAnswer(BaseModel):
    """Describes what a voice speaks or spoke with, which never changes."""

    id: str
    acoustic_digest: str
    vocoder_digest: str
    options_digest: str
    steps: int | None
    measures: dict[str, Any]
    is_current: bool
    created_at: datetime
    retired_at: datetime | None


class VersionListAnswer(BaseModel):
    """Lists the versions of a voice, the newest first."""

    versions: list[VersionAnswer]


@router.get("")
def list_voices(caller: MayUse, service: TheService) -> VoiceListAnswer:
    """List all voices."""
    with service.database.read() as session:
        answers = [_described(row, current_version(session, row.id)) for row in voice_list(session)]
    return VoiceListAnswer(voices=answers)


@router.get("/{voice_id}", responses=problem_answers(404))
def get_voice(voice_id: str, caller: MayUse, service: TheService) -> VoiceAnswer:
    """Return one voice."""
    with service.database.read() as session:
        row = require_voice(session, voice_id)
        return _described(row, current_version(session, voice_id))


@router.get("/{voice_id}/versions", responses=problem_answers(404))
def list_versions(voice_id: str, caller: MayUse, service: TheService) -> VersionListAnswer:
    """List the versions of a voice, also those that do not speak any more."""
    with service.database.read() as session:
        require_voice(session, voice_id)
        versions = [_version(row) for row in voice_versions(session, voice_id)]
    return VersionListAnswer(versions=versions)


def _described(row: VoiceRow, version: ModelVersionRow | None) -> VoiceAnswer:
    names = ("id", "name", "language", "licence", "sample_rate", "created_at")
    known = {name: getattr(row, name) for name in names}
    return VoiceAnswer(**known, version=None if version is None else version.id)


def _version(row: ModelVersionRow) -> VersionAnswer:
    return VersionAnswer(**{name: getattr(row, name) for name in VersionAnswer.model_fields})
