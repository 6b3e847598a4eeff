"""Keeps which voices there are and which versions of them; a version never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tts.serving.data.database import database_time
from tts.serving.data.inserting import find_or_add
from tts.serving.data.models import ModelVersionRow, VoiceRow


@dataclass(frozen=True)
class VoiceRecord:
    """Describes a voice that was loaded, as the database keeps it.

    Attributes:
        id: the name in requests, such as "lj".
        name: for people.
        language: such as "en".
        licence: under which the voice may be used.
        sample_rate: Hz.
        acoustic_digest: SHA-256 of the weights of Tacotron 2.
        vocoder_digest: SHA-256 of the vocoder's weights, or of the name of one without weights.
        options_digest: SHA-256 of the settings of the operator that change the sound.
        source: where the operator has it, for people.
        speaker: index of the speaker in a model of several.
        steps: of training, if they are known.
        measures: what is known of its quality.
    """

    id: str
    name: str
    language: str
    licence: str
    sample_rate: int
    acoustic_digest: str
    vocoder_digest: str
    options_digest: str
    source: str
    speaker: int = 0
    steps: int | None = None
    measures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def version_id(self) -> str:
        """Return the id of its model version: a hash of all that decides how it speaks."""
        digests = (self.acoustic_digest, self.vocoder_digest, self.options_digest)
        content = "\n".join((self.id, str(self.speaker), *digests))
        return hashlib.sha256(content.encode()).hexdigest()


def register_voices(session: Session, records: Sequence[VoiceRecord]) -> None:
    """Make these voices, in these versions, what requests get; other voices count as removed.

    Only a process that knows the whole configuration calls this, at its start.
    """
    now = database_time(session)
    names = [record.id for record in records]
    session.execute(
        update(VoiceRow)
        .where(VoiceRow.id.not_in(names), VoiceRow.removed_at.is_(None))
        .values(removed_at=now)
    )
    for record in records:
        voice, _ = find_or_add(
            session,
            lambda record=record: session.get(VoiceRow, record.id),  # type: ignore[misc]
            lambda record=record: VoiceRow(id=record.id, created_at=now, **_described(record)),  # type: ignore[misc]
        )
        for name, value in {**_described(record), "removed_at": None}.items():
            setattr(voice, name, value)
        _make_current(session, record)


def voice_list(session: Session) -> Sequence[VoiceRow]:
    """Return the voices that speak at present, by name."""
    return session.scalars(
        select(VoiceRow).where(VoiceRow.removed_at.is_(None)).order_by(VoiceRow.id)
    ).all()


def find_voice(session: Session, voice_id: str) -> VoiceRow | None:
    """Return a voice that speaks at present, or None."""
    voice = session.get(VoiceRow, voice_id)
    return voice if voice is not None and voice.removed_at is None else None


def current_version(session: Session, voice_id: str) -> ModelVersionRow | None:
    """Return the version that a request for a voice gets, or None."""
    return session.scalars(
        select(ModelVersionRow)
        .join(VoiceRow)
        .where(VoiceRow.id == voice_id, VoiceRow.removed_at.is_(None), ModelVersionRow.is_current)
    ).first()


def voice_versions(session: Session, voice_id: str) -> Sequence[ModelVersionRow]:
    """Return all versions of a voice, the newest first; also those that do not speak any more."""
    return session.scalars(
        select(ModelVersionRow)
        .where(ModelVersionRow.voice_id == voice_id)
        .order_by(ModelVersionRow.created_at.desc(), ModelVersionRow.id)
    ).all()


def _described(record: VoiceRecord) -> dict[str, Any]:
    names = ("name", "language", "speaker", "licence", "sample_rate")
    return {name: getattr(record, name) for name in names}


def _make_current(session: Session, record: VoiceRecord) -> None:
    """Add the version of a voice if it is new, and retire the others."""
    now = database_time(session)
    session.execute(
        update(ModelVersionRow)
        .where(
            ModelVersionRow.voice_id == record.id,
            ModelVersionRow.id != record.version_id,
            ModelVersionRow.is_current,
        )
        .values(is_current=False, retired_at=now)
    )
    version, _ = find_or_add(
        session,
        lambda: session.get(ModelVersionRow, record.version_id),
        lambda: ModelVersionRow(
            id=record.version_id,
            voice_id=record.id,
            acoustic_digest=record.acoustic_digest,
            vocoder_digest=record.vocoder_digest,
            options_digest=record.options_digest,
            source=record.source,
            steps=record.steps,
            measures=dict(record.measures),
            is_current=True,
            created_at=now,
        ),
    )
    version.is_current, version.retired_at = True, None
    version.measures = dict(record.measures)
    session.flush()
