"""Brings a database to the state of this version by Alembic's migrations, which lie beside it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from tts.core.errors import InputError
from tts.core.locks import wait_for_lock
from tts.core.progress import announced
from tts.serving.data.columns import Row
from tts.serving.data.database import Database

_log = logging.getLogger(__name__)

#: Where Alembic notes the revision, so that another programme may live in the same database.
VERSION_TABLE = "tacoglow_version"
# any number that other programmes in the same database do not use
_LOCK = 0x7AC0_6109


def upgrade_database(database: Database, revision: str = "head") -> None:
    """Run the migrations that are missing, while other processes wait.

    Args:
        database: any state of it, also empty.
        revision: where to stop.

    Raises:
        InputError: the database is newer than this version, or has tables of somebody else.
    """
    with _locked(database) as connection:
        present = _present_revision(database, connection)
        if present == _scripts().get_current_head() and revision == "head":
            return
        _log.info("%s: migrating the tables", database.address)
        with announced("migrating the database"):
            command.upgrade(migration_config(connection), revision)


def downgrade_database(database: Database, revision: str) -> None:
    """Go back to an older revision, or to "base", which has no tables."""
    with _locked(database) as connection:
        command.downgrade(migration_config(connection), revision)


def migration_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, which needs no file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(migration_config())


def _present_revision(database: Database, connection: Connection) -> str | None:
    """Return the revision of a database, or None if it is empty.

    Raises:
        InputError: it is newer than this version, or has tables of somebody else.
    """
    options = {"version_table": VERSION_TABLE}
    present = MigrationContext.configure(connection, opts=options).get_current_revision()
    known = {script.revision for script in _scripts().walk_revisions()}
    if present is not None and present not in known:
        raise InputError(
            f"database.url={database.address}: it was made by a newer version (its revision "
            f"{present} is not known here); update tacoglow, or name another database"
        )
    if present is None and (foreign := _ours(connection)):
        raise InputError(
            f"database.url={database.address}: it has a table {foreign[0]!r} that tacoglow did not "
            "make; name another database"
        )
    return present


def _ours(connection: Connection) -> list[str]:
    """Return the tables that have names of ours."""
    return sorted(set(inspect(connection).get_table_names()) & set(Row.metadata.tables))


@contextmanager
def _locked(database: Database) -> Iterator[Connection]:
    """Yield a connection in a transaction that no other process migrates at the same time."""
    if database.is_sqlite:
        file = Path(str(database.engine.url.database))
        with (
            wait_for_lock(file.with_name(f"{file.name}.lock"), f"{file}: migrating"),
            _without_foreign_keys(database) as connection,
        ):
            yield connection
    else:
        with database.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield connection


@contextmanager
def _without_foreign_keys(database: Database) -> Iterator[Connection]:
    """Yield a connection that may replace a table to which others refer.

    SQLite changes most properties of a table by copying it. With foreign keys on, removing the old
    one would remove the rows that refer to it. Whether all references hold is checked at the end.
    """
    with database.writer.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                yield connection
                broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
                if broken:
                    raise InputError(
                        f"database.url={database.address}: {len(broken)} rows refer to rows that "
                        "are missing; nothing was changed"
                    )
        finally:
            driver.execute("PRAGMA foreign_keys = ON")
