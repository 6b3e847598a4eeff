"""Lets Alembic migrate the database whose connection its configuration holds."""

from __future__ import annotations

from alembic import context

import tts.serving.data.accounts
from tts.serving.data.columns import Row
from tts.serving.data.migrating import VERSION_TABLE

assert tts.serving.data.accounts.JobRow.metadata is Row.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    version_table=VERSION_TABLE,
    compare_type=True,
    # SQLite changes a table by copying it
    render_as_batch=True,
)
context.run_migrations()
