"""Remembers answers under the keys of clients, so that a request sent twice is done once.

The header is ``Idempotency-Key``. A key belongs to the API key that used it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import delete
from sqlalchemy.orm import Session

from tts.serving.data.accounts import IdempotencyRow
from tts.serving.data.database import database_time
from tts.serving.data.inserting import find_or_add

#: How long an answer is remembered.
KEPT_SECONDS = 24 * 3600
#: A request that is being answered for so long belongs to a process that has died.
ANSWERED_WITHIN = 600


class IdempotencyKeyError(Exception):
    """Says why a key cannot be used for a request.

    Attributes:
        reason: "other_body" if it belongs to another request, "in_progress" if the first request
            under this key has no answer yet.
    """

    def __init__(self, reason: Literal["other_body", "in_progress"]) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Remembered:
    """Holds what is known of a request under a key.

    Attributes:
        token: of a request that is to be answered now, for :func:`remember_answer`.
        status: HTTP status of the answer that was given, or None: it is to be made now.
        answer: the answer that was given.
    """

    token: str
    status: int | None = None
    answer: dict[str, Any] | None = None


def begin_request(session: Session, api_key_id: str, key: str, body_digest: str) -> Remembered:
    """Return the answer to a request under a key; if there is none, the caller is to make it.

    Args:
        session: in a transaction that may write, of which this is the whole content.
        api_key_id: who asks.
        key: what the client has sent, 1 to 255 characters.
        body_digest: SHA-256 of method, path and body.

    Raises:
        IdempotencyKeyError: the key belongs to another request, or to one that is being answered.
    """
    now, token = database_time(session), secrets.token_hex(16)
    session.execute(
        delete(IdempotencyRow).where(
            IdempotencyRow.api_key_id == api_key_id,
            IdempotencyRow.key == key,
            IdempotencyRow.expires_at <= now,
        )
    )
    row, is_new = find_or_add(
        session,
        lambda: session.get(IdempotencyRow, (api_key_id, key)),
        lambda: IdempotencyRow(
            api_key_id=api_key_id,
            key=key,
            body_digest=body_digest,
            token=token,
            created_at=now,
            expires_at=now + timedelta(seconds=ANSWERED_WITHIN),
        ),
    )
    if row.body_digest != body_digest:
        raise IdempotencyKeyError("other_body")
    if is_new:
        return Remembered(token)
    if row.status is None:
        raise IdempotencyKeyError("in_progress")
    return Remembered(row.token, row.status, row.answer)


def remember_answer(
    session: Session, api_key_id: str, key: str, token: str, status: int, answer: dict[str, Any]
) -> None:
    """Remember the answer to a request that :func:`begin_request` has let in."""
    row = session.get(IdempotencyRow, (api_key_id, key))
    if row is not None and row.token == token:
        row.status, row.answer = status, answer
        row.expires_at = database_time(session) + timedelta(seconds=KEPT_SECONDS)


def forget_request(session: Session, api_key_id: str, key: str, token: str) -> None:
    """Free a key whose request could not be answered, so that the client may try again."""
    row = session.get(IdempotencyRow, (api_key_id, key))
    if row is not None and row.token == token and row.status is None:
        session.delete(row)


def forget_expired(session: Session) -> None:
    """Remove answers that are older than a day."""
    now = database_time(session)
    session.execute(delete(IdempotencyRow).where(IdempotencyRow.expires_at <= now))
