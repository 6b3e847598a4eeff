"""Makes, lists and revokes keys; a key itself is shown once, when it is made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from tts.serving.data.accounts import ApiKeyRow
from tts.serving.data.keys import issue_key, key_list, revoke_key
from tts.serving.errors import ServiceError
from tts.serving.http.negotiation import ACCEPTS_JSON, JSON_BODY
from tts.serving.http.schemas import KeyRequest, problem_answers
from tts.serving.http.security import MayAdminister, TheService

router = APIRouter(
    prefix="/v1/keys",
    tags=["keys"],
    responses=problem_answers(401, 403, 406),
    dependencies=[ACCEPTS_JSON],
)


class KeyAnswer(BaseModel):
    """Describes a key without showing it."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    chars_per_minute: int | None
    requests_per_minute: int | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewKeyAnswer(KeyAnswer):
    """Shows a key, this one time."""

    key: str


class KeyListAnswer(BaseModel):
    """Lists keys, the newest first; revoked ones, too."""

    keys: list[KeyAnswer]


@router.post(
    "", status_code=201, responses=problem_answers(400, 413, 415), dependencies=[JSON_BODY]
)
def create_key(body: KeyRequest, caller: MayAdminister, service: TheService) -> NewKeyAnswer:
    """Make a key."""
    with service.database.write() as session:
        row, secret = issue_key(
            session,
            body.name,
            body.scopes,
            characters_per_minute=body.chars_per_minute,
            requests_per_minute=body.requests_per_minute,
        )
    return NewKeyAnswer(**_described(row), key=secret)


@router.get("")
def list_keys(caller: MayAdminister, service: TheService) -> KeyListAnswer:
    """List all keys."""
    with service.database.read() as session:
        return KeyListAnswer(keys=[KeyAnswer(**_described(row)) for row in key_list(session)])


@router.delete("/{key_id}", status_code=204, responses=problem_answers(404))
def delete_key(key_id: str, caller: MayAdminister, service: TheService) -> Response:
    """Revoke a key; it is refused from now on, and stays in the list."""
    with service.database.write() as session:
        if revoke_key(session, key_id) is None:
            raise ServiceError("unknown_key", 404, "there is no key with this id")
    return Response(status_code=204)


def _described(row: ApiKeyRow) -> dict[str, Any]:
    names = ("id", "name", "prefix", "scopes", "created_at", "last_used_at", "revoked_at")
    return {name: getattr(row, name) for name in (*names, "requests_per_minute")} | {
        "chars_per_minute": row.characters_per_minute
    }
