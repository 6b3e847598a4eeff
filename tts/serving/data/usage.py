"""Counts what each key uses on each day (UTC)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tts.serving.data.accounts import UsageRow
from tts.serving.data.database import database_time
from tts.serving.data.inserting import find_or_add


def count_usage(
    session: Session,
    api_key_id: str,
    *,
    requests: int = 0,
    characters: int = 0,
    seconds: float = 0.0,
    compute_seconds: float = 0.0,
) -> None:
    """Add to what a key has used today.

    Args:
        session: in a transaction that may write.
        api_key_id: the key.
        requests: number of requests.
        characters: characters that were asked for.
        seconds: length of the sound that was made.
        compute_seconds: time that it took.
    """
    day = database_time(session).date()
    find_or_add(
        session,
        lambda: session.get(UsageRow, (api_key_id, day)),
        lambda: UsageRow(
            api_key_id=api_key_id,
            day=day,
            requests=0,
            characters=0,
            seconds=0.0,
            compute_seconds=0.0,
        ),
    )
    # the database adds, so that two processes at once lose nothing
    session.execute(
        update(UsageRow)
        .where(UsageRow.api_key_id == api_key_id, UsageRow.day == day)
        .values(
            requests=UsageRow.requests + requests,
            characters=UsageRow.characters + characters,
            seconds=UsageRow.seconds + seconds,
            compute_seconds=UsageRow.compute_seconds + compute_seconds,
        )
    )


def usage_since(session: Session, api_key_id: str, day: date) -> Sequence[UsageRow]:
    """Return what a key has used, day by day, from one day on."""
    return session.scalars(
        select(UsageRow)
        .where(UsageRow.api_key_id == api_key_id, UsageRow.day >= day)
        .order_by(UsageRow.day)
    ).all()
