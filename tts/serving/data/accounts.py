"""Defines the tables of who asks for speech, what waits to be spoken, and what was answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tts.serving.data.columns import DIGEST, Row, one_of
from tts.serving.data.models import UtteranceRow

#: The key of everybody, where the service asks for none.
LOCAL_KEY = "local"
#: In the order in which they are served: sentences that somebody waits for, and long texts.
LANES = ("interactive", "batch")
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")
#: States in which a job is still to be done.
OPEN_STATES = ("queued", "running")


class ApiKeyRow(Row):
    """Holds a key that lets a client in; the key itself is nowhere, only its digest.

    Attributes:
        id: names the key in lists; not secret.
        prefix: the first characters of the key, by which its owner knows it.
        digest: SHA-256 of the key; only the local key has none, so that nobody can present it.
        scopes: some of :data:`tts.serving.settings.SCOPES`.
        characters_per_minute: limit of characters to speak, or None.
        requests_per_minute: limit of requests for speech and readings, or None.
    """

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint(f"length(digest) = {DIGEST}", name="digest"),
        CheckConstraint(f"(id = '{LOCAL_KEY}') = (digest IS NULL)", name="local"),
        CheckConstraint("characters_per_minute > 0", name="characters_per_minute"),
        CheckConstraint("requests_per_minute > 0", name="requests_per_minute"),
        Index("uq_api_key_digest", "digest", unique=True),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str | None] = mapped_column(String(DIGEST))
    scopes: Mapped[list[str]]
    characters_per_minute: Mapped[int | None]
    requests_per_minute: Mapped[int | None]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class JobRow(Row):
    """Holds work: an utterance that is to be spoken.

    An utterance has one open job at most, so that equal requests share it.

    Attributes:
        id: 128 random bits in hexadecimal digits.
        lane: one of :data:`LANES`.
        state: one of :data:`JOB_STATES`.
        parts_total: number of parts, once it is known.
        attempts: how often a worker has taken it.
        worker: the last process that took it, for people.
        lease_token: proves that a worker still has the job; every taking makes a new one.
        lease_until: when the job goes back to the queue unless its worker is heard of.
        cancel_requested: its worker is to stop.
        error_code: why it failed, a stable name.
        error: the same as a sentence.
    """

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint(one_of("lane", LANES), name="lane"),
        CheckConstraint(one_of("state", JOB_STATES), name="state"),
        CheckConstraint("(state = 'running') = (lease_token IS NOT NULL)", name="lease"),
        CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="lease_until"),
        CheckConstraint("(finished_at IS NULL) = (state IN ('queued', 'running'))", name="end"),
        CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="error"),
        CheckConstraint("parts_done >= 0 AND parts_total >= parts_done", name="parts"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index(
            "uq_job_open",
            "utterance_id",
            unique=True,
            sqlite_where=text("state IN ('queued', 'running')"),
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index(
            "ix_job_queued",
            "lane",
            "created_at",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_job_leased",
            "lease_until",
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        Index(None, "utterance_id", "created_at"),
        Index(None, "api_key_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    utterance_id: Mapped[str] = mapped_column(ForeignKey("utterance.id", ondelete="CASCADE"))
    api_key_id: Mapped[str] = mapped_column(ForeignKey("api_key.id"))
    lane: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    parts_done: Mapped[int]
    parts_total: Mapped[int | None]
    attempts: Mapped[int]
    worker: Mapped[str | None]
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    cancel_requested: Mapped[bool]
    error_code: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    utterance: Mapped[UtteranceRow] = relationship()
    api_key: Mapped[ApiKeyRow] = relationship()


class AskerRow(Row):
    """Holds that a key has asked for an utterance, which it may see for that reason."""

    __tablename__ = "asker"
    __table_args__ = (Index(None, "api_key_id"),)

    utterance_id: Mapped[str] = mapped_column(
        ForeignKey("utterance.id", ondelete="CASCADE"), primary_key=True
    )
    api_key_id: Mapped[str] = mapped_column(ForeignKey("api_key.id"), primary_key=True)
    asked_at: Mapped[datetime]


class IdempotencyRow(Row):
    """Holds the answer to a request that a client may send again (``Idempotency-Key``).

    Attributes:
        key: what the client wrote into the header.
        body_digest: SHA-256 of the request; another body under the same key is a mistake.
        token: names the request that is being answered.
        status: HTTP status of the answer, or None while it is not there yet.
        answer: the answer, as far as it must be remembered.
        expires_at: when the key is free again.
    """

    __tablename__ = "idempotency"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 1 AND 255", name="key"),
        CheckConstraint(f"length(body_digest) = {DIGEST}", name="body_digest"),
        CheckConstraint("(status IS NULL) = (answer IS NULL)", name="answer"),
        Index(None, "expires_at"),
    )

    api_key_id: Mapped[str] = mapped_column(ForeignKey("api_key.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    body_digest: Mapped[str] = mapped_column(String(DIGEST))
    token: Mapped[str] = mapped_column(String(32))
    status: Mapped[int | None]
    answer: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class AllowanceRow(Row):
    """Holds what an account has asked for of late (:mod:`tts.serving.data.allowances`).

    Attributes:
        account: a key, or where no key is needed an address.
        seconds: length of a period.
        period: number of the present period since the begin of 1970.
        requests: of the present period; ``requests_before`` those of the one before.
        characters: of the present period; ``characters_before`` those of the one before.
    """

    __tablename__ = "allowance"
    __table_args__ = (
        CheckConstraint("seconds > 0", name="seconds"),
        CheckConstraint(
            "requests >= 0 AND characters >= 0 AND requests_before >= 0 AND characters_before >= 0",
            name="amounts",
        ),
    )

    account: Mapped[str] = mapped_column(primary_key=True)
    seconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    period: Mapped[int] = mapped_column(BigInteger)
    requests: Mapped[int] = mapped_column(BigInteger)
    characters: Mapped[int] = mapped_column(BigInteger)
    requests_before: Mapped[int] = mapped_column(BigInteger)
    characters_before: Mapped[int] = mapped_column(BigInteger)


class UsageRow(Row):
    """Holds what a key has used on one day (UTC)."""

    __tablename__ = "usage"
    __table_args__ = (
        CheckConstraint(
            "requests >= 0 AND characters >= 0 AND seconds >= 0 AND compute_seconds >= 0",
            name="amounts",
        ),
    )

    api_key_id: Mapped[str] = mapped_column(ForeignKey("api_key.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    characters: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float]
    compute_seconds: Mapped[float]
