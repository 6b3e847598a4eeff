"""Keeps the keys of clients: 256 random bits each, of which only the SHA-256 is stored.

A fast hash is right here: a random key of 256 bits cannot be guessed, unlike a password, and a slow
hash for each request would let anybody keep the processor busy.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from tts.serving.data.accounts import LOCAL_KEY, ApiKeyRow
from tts.serving.data.database import database_time
from tts.serving.data.inserting import find_or_add
from tts.serving.settings import SCOPES

_BEGIN = "tg_"
_BITS = 256
_SHOWN = len(_BEGIN) + 6


def issue_key(
    session: Session,
    name: str,
    scopes: Collection[str],
    *,
    characters_per_minute: int | None = None,
    requests_per_minute: int | None = None,
) -> tuple[ApiKeyRow, str]:
    """Make a key; return its row and the key itself, which can never be shown again.

    Raises:
        ValueError: there is no such scope, or none at all.
    """
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ValueError(f"scopes must be some of {', '.join(SCOPES)}")
    secret = _BEGIN + secrets.token_urlsafe(_BITS // 8)
    row = ApiKeyRow(
        id=secrets.token_hex(8),
        name=name,
        prefix=secret[:_SHOWN],
        digest=_digest(secret),
        scopes=[scope for scope in SCOPES if scope in scopes],
        characters_per_minute=characters_per_minute,
        requests_per_minute=requests_per_minute,
        created_at=database_time(session),
    )
    session.add(row)
    session.flush()
    return row, secret


def key_of(session: Session, secret: str) -> ApiKeyRow | None:
    """Return the row of a key that a client presents, or None; a revoked key is returned as well.

    It is looked up by its hash, so that the time of the search tells nothing about the key.
    """
    digest = _digest(secret)
    row = session.scalars(select(ApiKeyRow).where(ApiKeyRow.digest == digest)).first()
    is_same = row is not None and hmac.compare_digest(row.digest or "", digest)
    return row if is_same else None


def local_key(session: Session) -> ApiKeyRow:
    """Return the key of everybody, for a service that asks for none; it has all scopes."""
    row, _ = find_or_add(
        session,
        lambda: session.get(ApiKeyRow, LOCAL_KEY),
        lambda: ApiKeyRow(
            id=LOCAL_KEY,
            name="everybody who reaches this service",
            prefix="",
            scopes=list(SCOPES),
            created_at=database_time(session),
        ),
    )
    return row


def key_list(session: Session) -> Sequence[ApiKeyRow]:
    """Return all keys, the newest first; also those that were revoked, not the local one."""
    return session.scalars(
        select(ApiKeyRow)
        .where(ApiKeyRow.id != LOCAL_KEY)
        .order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.id)
    ).all()


def revoke_key(session: Session, key_id: str) -> ApiKeyRow | None:
    """Refuse a key from now on; return it, or None if there is none. Twice does no harm."""
    row = session.get(ApiKeyRow, key_id) if key_id != LOCAL_KEY else None
    if row is not None and row.revoked_at is None:
        row.revoked_at = database_time(session)
    return row


def touch_key(session: Session, key_id: str) -> None:
    """Note that a key was used now."""
    row = session.get(ApiKeyRow, key_id)
    if row is not None:
        row.last_used_at = database_time(session)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
