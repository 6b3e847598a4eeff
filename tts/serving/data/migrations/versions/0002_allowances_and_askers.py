"""Counts what accounts ask for, notes who has asked, and lets an utterance be cancelled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATES = "state IN ('waiting', 'spoken', 'failed')"
_MORE_STATES = "state IN ('waiting', 'spoken', 'failed', 'cancelled')"
#: The other conditions of the table of utterances.
_CONDITIONS = {
    "id": "length(id) = 64",
    "seconds": "(state = 'spoken') = (seconds IS NOT NULL)",
    "error": "(state = 'failed') = (error_code IS NOT NULL)",
    "seed": "seed >= 0",
    "lexicon_revision": "lexicon_revision >= 0",
}
_COUNTS = ("requests", "characters", "requests_before", "characters_before")


def upgrade() -> None:
    """Make the tables, and mark what was cancelled."""
    op.create_table(
        "allowance",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("seconds", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("period", sa.BigInteger(), nullable=False),
        *[sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS],
        sa.PrimaryKeyConstraint("account", "seconds", name=op.f("pk_allowance")),
        _check("ck_allowance_seconds", "seconds > 0"),
        _check("ck_allowance_amounts", " AND ".join(f"{name} >= 0" for name in _COUNTS)),
    )
    _make_asker()
    _replace_states(_STATES, _MORE_STATES)
    op.execute(
        "UPDATE utterance SET state = 'cancelled' WHERE state = 'waiting' AND EXISTS (SELECT 1 "
        "FROM job WHERE job.utterance_id = utterance.id AND job.state = 'cancelled') AND NOT "
        "EXISTS (SELECT 1 FROM job WHERE job.utterance_id = utterance.id "
        "AND job.state IN ('queued', 'running'))"
    )


def downgrade() -> None:
    """Remove the tables, and let cancelled utterances wait again."""
    op.execute("UPDATE utterance SET state = 'waiting' WHERE state = 'cancelled'")
    _replace_states(_MORE_STATES, _STATES)
    op.drop_table("asker")
    op.drop_table("allowance")


def _make_asker() -> None:
    """Make the table of who has asked; of former requests only jobs are known."""
    op.create_table(
        "asker",
        sa.Column("utterance_id", sa.String(64), nullable=False),
        sa.Column("api_key_id", sa.String(32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("utterance_id", "api_key_id", name=op.f("pk_asker")),
        sa.ForeignKeyConstraint(
            ["utterance_id"],
            ["utterance.id"],
            name=op.f("fk_asker_utterance_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_key.id"], name=op.f("fk_asker_api_key_id")),
    )
    op.create_index(op.f("ix_asker_api_key_id"), "asker", ["api_key_id"])
    op.execute(
        "INSERT INTO asker (utterance_id, api_key_id, asked_at) "
        "SELECT utterance_id, api_key_id, min(created_at) FROM job "
        "GROUP BY utterance_id, api_key_id"
    )


def _replace_states(old: str, new: str) -> None:
    """Replace the condition of the states; SQLite copies the table for it."""
    with op.batch_alter_table("utterance", copy_from=_known_table(old)) as table:
        table.drop_constraint(op.f("ck_utterance_state"), type_="check")
        table.create_check_constraint(op.f("ck_utterance_state"), new)


def _known_table(states: str) -> sa.Table:
    """Return the table of utterances; some versions of SQLAlchemy do not read its conditions."""
    table = sa.Table("utterance", sa.MetaData(), autoload_with=op.get_bind())
    table.constraints = {
        each for each in table.constraints if not isinstance(each, sa.CheckConstraint)
    }
    for name, rule in _CONDITIONS.items():
        table.append_constraint(_check(f"ck_utterance_{name}", rule))
    table.append_constraint(_check("ck_utterance_state", states))
    return table


def _check(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(name))
