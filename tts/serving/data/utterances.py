"""Keeps what was spoken: utterances by the hash of their recipe, their parts and renditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session, selectinload

from tts.serving.data.accounts import AskerRow
from tts.serving.data.database import database_time
from tts.serving.data.inserting import find_or_add, put_row
from tts.serving.data.models import ModelVersionRow, PartRow, RenditionRow, UtteranceRow
from tts.serving.data.recipe import Recipe


@dataclass(frozen=True)
class UtterancePage:
    """Holds some utterances of a list, the newest first.

    Attributes:
        rows: the utterances.
        after: what the next page begins after (:func:`utterance_page`), or None at the end.
    """

    rows: Sequence[UtteranceRow]
    after: str | None


def add_utterance(session: Session, recipe: Recipe) -> tuple[UtteranceRow, bool]:
    """Return the utterance of a recipe, and whether it is new; it counts as used now."""
    now = database_time(session)
    row, is_new = find_or_add(
        session,
        lambda: session.get(UtteranceRow, recipe.utterance_id),
        lambda: UtteranceRow(
            id=recipe.utterance_id,
            model_version_id=recipe.model_version_id,
            text=recipe.text,
            n_chars=len(recipe.text),
            options=dict(recipe.options),
            seed=recipe.seed,
            lexicon_revision=recipe.lexicon_revision,
            sound_revision=recipe.sound_revision,
            state="waiting",
            created_at=now,
            last_used_at=now,
        ),
    )
    row.last_used_at = now
    return row, is_new


def find_utterance(session: Session, utterance_id: str) -> UtteranceRow | None:
    """Return an utterance with its parts, renditions and model version, or None."""
    return session.scalars(
        select(UtteranceRow)
        .where(UtteranceRow.id == utterance_id)
        .options(
            selectinload(UtteranceRow.parts),
            selectinload(UtteranceRow.renditions),
            selectinload(UtteranceRow.model_version),
        )
    ).first()


def utterance_page(
    session: Session,
    *,
    voice: str | None = None,
    api_key_id: str | None = None,
    query: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> UtterancePage:
    """Return utterances, the newest first; pages stay right while utterances are added.

    Args:
        session: any session.
        voice: of this voice only.
        api_key_id: only what this key has asked for.
        query: with this text in their text; capital and small letters (of ASCII) are the same.
        limit: at most so many.
        after: the ``after`` of the page before.

    Raises:
        ValueError: ``after`` comes from no page.
    """
    newest_first = (UtteranceRow.created_at.desc(), UtteranceRow.id.desc())
    chosen = select(UtteranceRow).order_by(*newest_first).limit(limit + 1)
    chosen = chosen.options(
        selectinload(UtteranceRow.renditions), selectinload(UtteranceRow.model_version)
    )
    if voice is not None:
        versions = select(ModelVersionRow.id).where(ModelVersionRow.voice_id == voice)
        chosen = chosen.where(UtteranceRow.model_version_id.in_(versions))
    if api_key_id is not None:
        asked = select(AskerRow.utterance_id).where(AskerRow.api_key_id == api_key_id)
        chosen = chosen.where(UtteranceRow.id.in_(asked))
    if query:
        chosen = chosen.where(UtteranceRow.text.icontains(query, autoescape=True))
    if after is not None:
        place = tuple_(UtteranceRow.created_at, UtteranceRow.id)
        chosen = chosen.where(place < tuple_(*_place(after)))
    rows = session.scalars(chosen).all()
    if len(rows) <= limit:
        return UtterancePage(rows, None)
    last = rows[limit - 1]
    return UtterancePage(rows[:limit], f"{last.created_at.isoformat()}_{last.id}")


def delete_utterance(session: Session, utterance_id: str) -> bool:
    """Remove an utterance with all that belongs to it; return whether it was there.

    The caller removes its files afterwards (:meth:`tts.serving.store.SoundStore.forget`). A worker
    that is speaking it loses its lease.
    """
    return bool(
        session.execute(delete(UtteranceRow).where(UtteranceRow.id == utterance_id)).rowcount  # type: ignore[attr-defined]
    )


def save_part(session: Session, part: PartRow) -> None:
    """Add a part, or replace that of a former attempt."""
    put_row(session, part)


def mark_spoken(session: Session, utterance_id: str, seconds: float) -> None:
    """Note that an utterance was spoken, and how long its sound is."""
    _set_state(session, utterance_id, state="spoken", seconds=seconds, error_code=None, error=None)


def mark_failed(session: Session, utterance_id: str, code: str, message: str) -> None:
    """Note why an utterance could not be spoken, unless its sound was made before."""
    session.execute(
        update(UtteranceRow)
        .where(UtteranceRow.id == utterance_id, UtteranceRow.state != "spoken")
        .values(state="failed", error_code=code, error=message)
    )


def mark_cancelled(session: Session, utterance_id: str) -> None:
    """Note that nobody wants an utterance any more, unless its sound or its failure is known."""
    session.execute(
        update(UtteranceRow)
        .where(UtteranceRow.id == utterance_id, UtteranceRow.state == "waiting")
        .values(state="cancelled")
    )


def await_again(session: Session, utterance_id: str) -> None:
    """Note that an utterance that failed or was cancelled is to be spoken after all."""
    session.execute(
        update(UtteranceRow)
        .where(UtteranceRow.id == utterance_id, UtteranceRow.state.in_(("failed", "cancelled")))
        .values(state="waiting", error_code=None, error=None)
    )


def save_rendition(
    session: Session, utterance_id: str, format: str, sample_rate: int, n_bytes: int, sha256: str
) -> RenditionRow:
    """Note that the store has a file of an utterance; a former one was replaced by it."""
    now = database_time(session)
    return put_row(
        session,
        RenditionRow(
            utterance_id=utterance_id,
            format=format,
            sample_rate=sample_rate,
            n_bytes=n_bytes,
            sha256=sha256,
            created_at=now,
            last_used_at=now,
        ),
    )


def find_rendition(
    session: Session, utterance_id: str, format: str, sample_rate: int
) -> RenditionRow | None:
    """Return what is kept of an utterance in a format and rate, or None."""
    return session.get(RenditionRow, (utterance_id, format, sample_rate))


def is_kept(session: Session, utterance_id: str, format: str, sample_rate: int) -> bool:
    """Return whether an utterance was spoken and its sound is in the store.

    In a transaction that may write, the answer holds until its end: others that keep the same
    utterance wait. Those that only add parts of it do not (``FOR NO KEY UPDATE``): one might hold
    the part that this transaction replaces.
    """
    state = session.scalar(
        select(UtteranceRow.state)
        .where(UtteranceRow.id == utterance_id)
        .with_for_update(key_share=True)
    )
    rendition = find_rendition(session, utterance_id, format, sample_rate)
    return state == "spoken" and rendition is not None


def touch_rendition(session: Session, rendition: RenditionRow) -> None:
    """Note that a file was used, so that it is not the next to make room."""
    now = database_time(session)
    key = (rendition.utterance_id, rendition.format, rendition.sample_rate)
    names = (RenditionRow.utterance_id, RenditionRow.format, RenditionRow.sample_rate)
    session.execute(update(RenditionRow).where(tuple_(*names) == key).values(last_used_at=now))
    session.execute(
        update(UtteranceRow)
        .where(UtteranceRow.id == rendition.utterance_id)
        .values(last_used_at=now)
    )


def _set_state(session: Session, utterance_id: str, **values: Any) -> None:
    session.execute(update(UtteranceRow).where(UtteranceRow.id == utterance_id).values(**values))


def _place(after: str) -> tuple[datetime, str]:
    moment, _, utterance_id = after.partition("_")
    place = datetime.fromisoformat(moment)
    if place.tzinfo is None:
        raise ValueError("a place in a list has a time zone")
    return place, utterance_id
