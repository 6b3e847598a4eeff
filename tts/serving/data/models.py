"""Defines the tables of the speech service: voices, what they said, and how it is kept.

Who asks and what waits is in ``accounts.py``; both together are ``Row.metadata``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tts.serving.data.columns import DIGEST, Row, one_of

#: What is kept of an utterance: sound in a format, or the picture of its alignment.
FORMATS = ("flac", "mp3", "opus", "pcm", "wav", "png")
#: An utterance waits for its first sound, was spoken, could not be spoken, or nobody wants it any
#: more: its job was cancelled before it was spoken.
UTTERANCE_STATES = ("waiting", "spoken", "failed", "cancelled")


class VoiceRow(Row):
    """Holds a voice: a name that a client may say.

    Attributes:
        id: the name in requests, such as "lj".
        speaker: index of the speaker in a model of several, else 0.
        removed_at: when the voice was taken out of the configuration; its utterances stay.
    """

    __tablename__ = "voice"
    __table_args__ = (
        CheckConstraint("length(id) BETWEEN 1 AND 64", name="id"),
        CheckConstraint("sample_rate > 0", name="sample_rate"),
        CheckConstraint("speaker >= 0", name="speaker"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]
    language: Mapped[str]
    speaker: Mapped[int]
    licence: Mapped[str]
    sample_rate: Mapped[int]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    versions: Mapped[list[ModelVersionRow]] = relationship(
        back_populates="voice", order_by="ModelVersionRow.created_at"
    )


class ModelVersionRow(Row):
    """Holds what a voice speaks with: both networks and their settings, which never change.

    Attributes:
        id: SHA-256 of voice and digests (:func:`tts.serving.data.voices.version_id`).
        source: where the operator has it; never used to open a file.
        measures: what is known of its quality, such as the word error rate.
        is_current: whether requests get this version; one of a voice at most.
        retired_at: since when it does not speak any more.
    """

    __tablename__ = "model_version"
    __table_args__ = (
        CheckConstraint(f"length(id) = {DIGEST}", name="id"),
        CheckConstraint("NOT (is_current AND retired_at IS NOT NULL)", name="current"),
        Index(
            "uq_model_version_current",
            "voice_id",
            unique=True,
            sqlite_where=text("is_current"),
            postgresql_where=text("is_current"),
        ),
        Index(None, "voice_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(DIGEST), primary_key=True)
    voice_id: Mapped[str] = mapped_column(ForeignKey("voice.id"))
    acoustic_digest: Mapped[str] = mapped_column(String(DIGEST))
    vocoder_digest: Mapped[str] = mapped_column(String(DIGEST))
    options_digest: Mapped[str] = mapped_column(String(DIGEST))
    source: Mapped[str]
    steps: Mapped[int | None]
    measures: Mapped[dict[str, Any]]
    is_current: Mapped[bool]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    voice: Mapped[VoiceRow] = relationship(back_populates="versions")


class UtteranceRow(Row):
    """Holds one text spoken by one model version, under the hash of all that decides its sound.

    Attributes:
        id: SHA-256 of the recipe (:class:`tts.serving.data.recipe.Recipe`).
        text: as it was asked for, in Unicode's composed form (NFC).
        n_chars: length of the text, characters.
        options: the options of synthesis that decide the sound, without the seed.
        sound_revision: hash of the software that made it.
        seconds: length of the sound, once it was spoken.
        error_code: why it could not be spoken, a stable name.
        error: the same as a sentence.
    """

    __tablename__ = "utterance"
    __table_args__ = (
        CheckConstraint(f"length(id) = {DIGEST}", name="id"),
        CheckConstraint(one_of("state", UTTERANCE_STATES), name="state"),
        CheckConstraint("(state = 'spoken') = (seconds IS NOT NULL)", name="seconds"),
        CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="error"),
        CheckConstraint("seed >= 0", name="seed"),
        CheckConstraint("lexicon_revision >= 0", name="lexicon_revision"),
        Index(None, "created_at", "id"),
        Index(None, "model_version_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(DIGEST), primary_key=True)
    model_version_id: Mapped[str] = mapped_column(ForeignKey("model_version.id"))
    text: Mapped[str] = mapped_column(Text)
    n_chars: Mapped[int]
    options: Mapped[dict[str, Any]]
    seed: Mapped[int] = mapped_column(BigInteger)
    lexicon_revision: Mapped[int]
    sound_revision: Mapped[str]
    state: Mapped[str] = mapped_column(String(16))
    seconds: Mapped[float | None]
    error_code: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]

    model_version: Mapped[ModelVersionRow] = relationship()
    parts: Mapped[list[PartRow]] = relationship(
        order_by="PartRow.number", cascade="all, delete-orphan", passive_deletes=True
    )
    renditions: Mapped[list[RenditionRow]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class PartRow(Row):
    """Holds a sentence of an utterance, or a piece of one.

    Attributes:
        number: its place, from 0.
        reading: the text as it is read, numbers in words.
        start: when it begins in the utterance, seconds.
        end: when it ends, without the pause after it, seconds.
        attempts: how often it was decoded.
        failed: whether it was cut off or does not follow its text.
        health: the measures of its alignment.
        words: marks ``{"word", "start", "end"}`` in seconds of the utterance.
        symbols: marks ``{"symbol", "start", "end"}`` of phones or letters.
    """

    __tablename__ = "part"
    __table_args__ = (
        CheckConstraint("number >= 0", name="number"),
        CheckConstraint('start >= 0 AND "end" >= start', name="times"),
        CheckConstraint("attempts >= 1", name="attempts"),
    )

    utterance_id: Mapped[str] = mapped_column(
        ForeignKey("utterance.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    reading: Mapped[str] = mapped_column(Text)
    start: Mapped[float]
    end: Mapped[float]
    attempts: Mapped[int]
    failed: Mapped[bool]
    stop_reason: Mapped[str]
    health: Mapped[dict[str, Any]]
    words: Mapped[list[dict[str, Any]]]
    symbols: Mapped[list[dict[str, Any]]]


class RenditionRow(Row):
    """Holds an utterance in one format and rate; the file is in the store.

    Attributes:
        sample_rate: Hz; 0 for a picture.
        n_bytes: size of the file.
        sha256: of the file; its ETag.
        last_used_at: the store gives room by removing what was not used for longest.
    """

    __tablename__ = "rendition"
    __table_args__ = (
        CheckConstraint(one_of("format", FORMATS), name="format"),
        CheckConstraint("(format = 'png') = (sample_rate = 0)", name="sample_rate"),
        CheckConstraint("n_bytes > 0", name="n_bytes"),
        CheckConstraint(f"length(sha256) = {DIGEST}", name="sha256"),
        Index(None, "last_used_at"),
    )

    utterance_id: Mapped[str] = mapped_column(
        ForeignKey("utterance.id", ondelete="CASCADE"), primary_key=True
    )
    format: Mapped[str] = mapped_column(String(8), primary_key=True)
    sample_rate: Mapped[int] = mapped_column(primary_key=True)
    n_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(DIGEST))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]


class LexiconRevisionRow(Row):
    """Holds one change of the lexicon; revision 0 is the empty lexicon and has no row."""

    __tablename__ = "lexicon_revision"
    __table_args__ = (CheckConstraint("number >= 1", name="number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[datetime]


class LexiconEntryRow(Row):
    """Holds how a word was to be read from one revision of the lexicon to another.

    An entry is never changed: the lexicon of every revision can be read, so that an utterance whose
    sound was removed can be made again.

    Attributes:
        since: the first revision with this entry.
        until: the first revision without it, or None if it holds today.
    """

    __tablename__ = "lexicon_entry"
    __table_args__ = (
        CheckConstraint("until > since", name="revisions"),
        CheckConstraint("length(word) BETWEEN 1 AND 100", name="word"),
        Index(
            "uq_lexicon_entry_today",
            "word",
            "language",
            unique=True,
            sqlite_where=text("until IS NULL"),
            postgresql_where=text("until IS NULL"),
        ),
    )

    word: Mapped[str] = mapped_column(String(100), primary_key=True)
    language: Mapped[str] = mapped_column(String(16), primary_key=True)
    since: Mapped[int] = mapped_column(ForeignKey("lexicon_revision.number"), primary_key=True)
    until: Mapped[int | None] = mapped_column(ForeignKey("lexicon_revision.number"))
    reading: Mapped[str]
