"""Keeps which keys have asked for which utterance: a key sees what it has asked for itself."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from tts.serving.data.accounts import AskerRow
from tts.serving.data.database import database_time
from tts.serving.data.inserting import find_or_add
from tts.serving.data.models import UtteranceRow


def note_asker(session: Session, utterance_id: str, api_key_id: str) -> None:
    """Note that a key has asked for an utterance, if the utterance is there."""
    if session.get(UtteranceRow, utterance_id) is None:
        return
    find_or_add(
        session,
        lambda: session.get(AskerRow, (utterance_id, api_key_id)),
        lambda: AskerRow(
            utterance_id=utterance_id, api_key_id=api_key_id, asked_at=database_time(session)
        ),
    )


def has_asked(session: Session, utterance_id: str, api_key_id: str) -> bool:
    """Return whether a key has asked for an utterance."""
    return session.get(AskerRow, (utterance_id, api_key_id)) is not None


def withdraw_asker(session: Session, utterance_id: str, api_key_id: str) -> bool:
    """Forget that a key has asked for an utterance; return whether other keys have."""
    session.execute(
        delete(AskerRow).where(
            AskerRow.utterance_id == utterance_id, AskerRow.api_key_id == api_key_id
        )
    )
    others = select(func.count()).where(AskerRow.utterance_id == utterance_id)
    return bool(session.scalar(others))
