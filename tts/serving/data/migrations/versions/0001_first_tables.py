"""Makes the first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: In the order in which they can be made.
_TABLES = (
    "api_key",
    "voice",
    "lexicon_revision",
    "lexicon_entry",
    "model_version",
    "utterance",
    "part",
    "rendition",
    "job",
    "idempotency",
    "usage",
)


def upgrade() -> None:
    """Make the tables."""
    _make_api_key()
    _make_voice()
    _make_lexicon()
    _make_utterance()
    _make_part()
    _make_rendition()
    _make_job()
    _make_idempotency()
    _make_usage()


def downgrade() -> None:
    """Remove the tables, and with them their indices."""
    for table in reversed(_TABLES):
        op.drop_table(table)


def _column(name: str, kind: Any, null: bool = False, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, **options)


def _moment(name: str, null: bool = False) -> sa.Column[Any]:
    return _column(name, sa.DateTime(timezone=True), null)


def _json(name: str, null: bool = False) -> sa.Column[Any]:
    return _column(name, sa.JSON(none_as_null=True), null)


def _check(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(name))


def _foreign(table: str, column: str, to: str, **options: Any) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"), **options)


def _primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(
        op.f(name),
        table,
        list(columns),
        unique=name.startswith("uq_"),
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _make_api_key() -> None:
    op.create_table(
        "api_key",
        _column("id", sa.String(32)),
        _column("name", sa.String()),
        _column("prefix", sa.String(16)),
        _column("digest", sa.String(64), null=True),
        _json("scopes"),
        _column("characters_per_minute", sa.Integer(), null=True),
        _column("requests_per_minute", sa.Integer(), null=True),
        _moment("created_at"),
        _moment("last_used_at", null=True),
        _moment("revoked_at", null=True),
        _primary("api_key", "id"),
        _check("ck_api_key_digest", "length(digest) = 64"),
        _check("ck_api_key_local", "(id = 'local') = (digest IS NULL)"),
        _check("ck_api_key_characters_per_minute", "characters_per_minute > 0"),
        _check("ck_api_key_requests_per_minute", "requests_per_minute > 0"),
    )
    _index("uq_api_key_digest", "api_key", "digest")


def _make_voice() -> None:
    op.create_table(
        "voice",
        _column("id", sa.String(64)),
        _column("name", sa.String()),
        _column("language", sa.String()),
        _column("speaker", sa.Integer()),
        _column("licence", sa.String()),
        _column("sample_rate", sa.Integer()),
        _moment("created_at"),
        _moment("removed_at", null=True),
        _primary("voice", "id"),
        _check("ck_voice_id", "length(id) BETWEEN 1 AND 64"),
        _check("ck_voice_sample_rate", "sample_rate > 0"),
        _check("ck_voice_speaker", "speaker >= 0"),
    )
    op.create_table(
        "model_version",
        _column("id", sa.String(64)),
        _column("voice_id", sa.String(64)),
        _column("acoustic_digest", sa.String(64)),
        _column("vocoder_digest", sa.String(64)),
        _column("options_digest", sa.String(64)),
        _column("source", sa.String()),
        _column("steps", sa.Integer(), null=True),
        _json("measures"),
        _column("is_current", sa.Boolean()),
        _moment("created_at"),
        _moment("retired_at", null=True),
        _primary("model_version", "id"),
        _check("ck_model_version_id", "length(id) = 64"),
        _check("ck_model_version_current", "NOT (is_current AND retired_at IS NOT NULL)"),
        _foreign("model_version", "voice_id", "voice.id"),
    )
    _index("uq_model_version_current", "model_version", "voice_id", where="is_current")
    _index("ix_model_version_voice_id_created_at", "model_version", "voice_id", "created_at")


def _make_lexicon() -> None:
    op.create_table(
        "lexicon_revision",
        _column("number", sa.Integer(), autoincrement=False),
        _moment("created_at"),
        _primary("lexicon_revision", "number"),
        _check("ck_lexicon_revision_number", "number >= 1"),
    )
    op.create_table(
        "lexicon_entry",
        _column("word", sa.String(100)),
        _column("language", sa.String(16)),
        _column("since", sa.Integer()),
        _column("until", sa.Integer(), null=True),
        _column("reading", sa.String()),
        _primary("lexicon_entry", "word", "language", "since"),
        _check("ck_lexicon_entry_revisions", "until > since"),
        _check("ck_lexicon_entry_word", "length(word) BETWEEN 1 AND 100"),
        _foreign("lexicon_entry", "since", "lexicon_revision.number"),
        _foreign("lexicon_entry", "until", "lexicon_revision.number"),
    )
    _index("uq_lexicon_entry_today", "lexicon_entry", "word", "language", where="until IS NULL")


def _make_utterance() -> None:
    op.create_table(
        "utterance",
        _column("id", sa.String(64)),
        _column("model_version_id", sa.String(64)),
        _column("text", sa.Text()),
        _column("n_chars", sa.Integer()),
        _json("options"),
        _column("seed", sa.BigInteger()),
        _column("lexicon_revision", sa.Integer()),
        _column("sound_revision", sa.String()),
        _column("state", sa.String(16)),
        _column("seconds", sa.Double(), null=True),
        _column("error_code", sa.String(), null=True),
        _column("error", sa.String(), null=True),
        _moment("created_at"),
        _moment("last_used_at"),
        _primary("utterance", "id"),
        _check("ck_utterance_id", "length(id) = 64"),
        _check("ck_utterance_state", "state IN ('waiting', 'spoken', 'failed')"),
        _check("ck_utterance_seconds", "(state = 'spoken') = (seconds IS NOT NULL)"),
        _check("ck_utterance_error", "(state = 'failed') = (error_code IS NOT NULL)"),
        _check("ck_utterance_seed", "seed >= 0"),
        _check("ck_utterance_lexicon_revision", "lexicon_revision >= 0"),
        _foreign("utterance", "model_version_id", "model_version.id"),
    )
    place = ("created_at", "id")
    _index("ix_utterance_created_at_id", "utterance", *place)
    name = "ix_utterance_model_version_id_created_at_id"
    _index(name, "utterance", "model_version_id", *place)


def _make_part() -> None:
    op.create_table(
        "part",
        _column("utterance_id", sa.String(64)),
        _column("number", sa.Integer()),
        _column("text", sa.Text()),
        _column("reading", sa.Text()),
        _column("start", sa.Double()),
        _column("end", sa.Double()),
        _column("attempts", sa.Integer()),
        _column("failed", sa.Boolean()),
        _column("stop_reason", sa.String()),
        _json("health"),
        _json("words"),
        _json("symbols"),
        _primary("part", "utterance_id", "number"),
        _check("ck_part_number", "number >= 0"),
        _check("ck_part_times", 'start >= 0 AND "end" >= start'),
        _check("ck_part_attempts", "attempts >= 1"),
        _foreign("part", "utterance_id", "utterance.id", ondelete="CASCADE"),
    )


def _make_rendition() -> None:
    op.create_table(
        "rendition",
        _column("utterance_id", sa.String(64)),
        _column("format", sa.String(8)),
        _column("sample_rate", sa.Integer()),
        _column("n_bytes", sa.BigInteger()),
        _column("sha256", sa.String(64)),
        _moment("created_at"),
        _moment("last_used_at"),
        _primary("rendition", "utterance_id", "format", "sample_rate"),
        _check("ck_rendition_format", "format IN ('flac', 'mp3', 'opus', 'pcm', 'wav', 'png')"),
        _check("ck_rendition_sample_rate", "(format = 'png') = (sample_rate = 0)"),
        _check("ck_rendition_n_bytes", "n_bytes > 0"),
        _check("ck_rendition_sha256", "length(sha256) = 64"),
        _foreign("rendition", "utterance_id", "utterance.id", ondelete="CASCADE"),
    )
    _index("ix_rendition_last_used_at", "rendition", "last_used_at")


def _make_job() -> None:
    states = "'queued', 'running', 'done', 'failed', 'cancelled'"
    op.create_table(
        "job",
        _column("id", sa.String(32)),
        _column("utterance_id", sa.String(64)),
        _column("api_key_id", sa.String(32)),
        _column("lane", sa.String(16)),
        _column("state", sa.String(16)),
        _column("parts_done", sa.Integer()),
        _column("parts_total", sa.Integer(), null=True),
        _column("attempts", sa.Integer()),
        _column("worker", sa.String(), null=True),
        _column("lease_token", sa.String(32), null=True),
        _moment("lease_until", null=True),
        _moment("heartbeat_at", null=True),
        _column("cancel_requested", sa.Boolean()),
        _column("error_code", sa.String(), null=True),
        _column("error", sa.String(), null=True),
        _moment("created_at"),
        _moment("started_at", null=True),
        _moment("finished_at", null=True),
        _primary("job", "id"),
        _check("ck_job_lane", "lane IN ('interactive', 'batch')"),
        _check("ck_job_state", f"state IN ({states})"),
        _check("ck_job_lease", "(state = 'running') = (lease_token IS NOT NULL)"),
        _check("ck_job_lease_until", "(lease_token IS NULL) = (lease_until IS NULL)"),
        _check("ck_job_end", "(finished_at IS NULL) = (state IN ('queued', 'running'))"),
        _check("ck_job_error", "(state = 'failed') = (error_code IS NOT NULL)"),
        _check("ck_job_parts", "parts_done >= 0 AND parts_total >= parts_done"),
        _check("ck_job_attempts", "attempts >= 0"),
        _foreign("job", "utterance_id", "utterance.id", ondelete="CASCADE"),
        _foreign("job", "api_key_id", "api_key.id"),
    )
    _index("uq_job_open", "job", "utterance_id", where="state IN ('queued', 'running')")
    _index("ix_job_queued", "job", "lane", "created_at", where="state = 'queued'")
    _index("ix_job_leased", "job", "lease_until", where="state = 'running'")
    _index("ix_job_utterance_id_created_at", "job", "utterance_id", "created_at")
    _index("ix_job_api_key_id_created_at", "job", "api_key_id", "created_at")


def _make_idempotency() -> None:
    op.create_table(
        "idempotency",
        _column("api_key_id", sa.String(32)),
        _column("key", sa.String(255)),
        _column("body_digest", sa.String(64)),
        _column("token", sa.String(32)),
        _column("status", sa.Integer(), null=True),
        _json("answer", null=True),
        _moment("created_at"),
        _moment("expires_at"),
        _primary("idempotency", "api_key_id", "key"),
        _check("ck_idempotency_key", "length(key) BETWEEN 1 AND 255"),
        _check("ck_idempotency_body_digest", "length(body_digest) = 64"),
        _check("ck_idempotency_answer", "(status IS NULL) = (answer IS NULL)"),
        _foreign("idempotency", "api_key_id", "api_key.id"),
    )
    _index("ix_idempotency_expires_at", "idempotency", "expires_at")


def _make_usage() -> None:
    amounts = ("requests", "characters", "seconds", "compute_seconds")
    op.create_table(
        "usage",
        _column("api_key_id", sa.String(32)),
        _column("day", sa.Date()),
        _column("requests", sa.BigInteger()),
        _column("characters", sa.BigInteger()),
        _column("seconds", sa.Double()),
        _column("compute_seconds", sa.Double()),
        _primary("usage", "api_key_id", "day"),
        _check("ck_usage_amounts", " AND ".join(f"{name} >= 0" for name in amounts)),
        _foreign("usage", "api_key_id", "api_key.id"),
    )
