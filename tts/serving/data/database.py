"""Opens the database of the speech service: SQLite in a file, or PostgreSQL.

SQLite writes ahead (WAL), so that readers never wait for a writer, and there is one writer at a
time: :meth:`Database.write` begins with the right to write (``BEGIN IMMEDIATE``), because two
readers that both want to become writers would block each other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session

from tts.core.errors import InputError, one_line

#: Seconds that a writer of SQLite waits for another one, and that a server may take to answer.
_PATIENCE = 30
_WRITES = "tacoglow_writes"


class Database:
    """Holds the connections to a database; threads may share it, and each opens its sessions.

    Attributes:
        engine: SQLAlchemy's engine.
        writer: the same; its transactions begin with the right to write.
        address: the URL without its password, for messages.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.address = engine.url.render_as_string(hide_password=True)
        self.writer = engine.execution_options(**{_WRITES: True})

    @classmethod
    def open(cls, url: str, *, most_connections: int = 20) -> Database:
        """Open a database; the file of SQLite and its folder are made if they are missing.

        Args:
            url: such as ``sqlite:///serve/service.db`` or
                ``postgresql+psycopg://user:password@host/name``.
            most_connections: of this process, at once.

        Raises:
            InputError: the URL is not legal, names a database of another kind, or nobody answers.
        """
        parsed = _legal_url(url)
        try:
            if parsed.get_backend_name() == "sqlite":
                engine = _sqlite(parsed, most_connections)
            else:
                engine = _postgresql(parsed, most_connections)
        except ModuleNotFoundError as error:
            raise InputError(
                f"database.url={_shown(parsed)}: the package {error.name} is missing; "
                "pip install 'tacoglow[postgres]'"
            ) from None
        database = cls(engine)
        database.check()
        return database

    def check(self) -> None:
        """Ask the database for an answer.

        Raises:
            InputError: there is none, or the file is no database.
        """
        with _named(self.address), self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            if self.is_sqlite:
                connection.execute(text("SELECT count(*) FROM sqlite_master"))

    def check_writable(self) -> None:
        """Take the right to write and give it back, for the question whether all is well.

        Raises:
            InputError: the database does not answer, or cannot be written.
        """
        with _named(self.address), self.write() as session:
            session.execute(text("UPDATE usage SET requests = requests WHERE 1 = 0"))

    def upgrade(self) -> None:
        """Bring the tables to the state of this version; other processes wait meanwhile.

        Raises:
            InputError: the database is newer than this version, or is not one of this service.
        """
        from tts.serving.data.migrating import upgrade_database

        with _named(self.address):
            upgrade_database(self)

    @property
    def is_sqlite(self) -> bool:
        """Return whether this is SQLite."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that sees one state of the database and does not change it."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session for one transaction: committed after the block, or undone by an error.

        Rows can be read after the block. Keep the block short: SQLite has one writer at a time.
        """
        with Session(self.writer, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def database_time(session: Session) -> datetime:
    """Return the time of the database, by which all machines agree on the end of a lease."""
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(timezone.utc)
    with session.no_autoflush:  # the caller may be half way through changing a row
        moment = session.scalar(select(func.clock_timestamp()))
    assert isinstance(moment, datetime)
    return moment.astimezone(timezone.utc)


def _legal_url(url: str) -> URL:
    """Return a URL in parts.

    Raises:
        InputError: it is none, or names another kind of database; it may hold a password, so the
            message does not show a URL that cannot be read.
    """
    hint = "write sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise InputError(f"database.url: this is not the URL of a database; {hint}") from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise InputError(f"database.url={_shown(parsed)}: this database is not known; {hint}")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise InputError(f"database.url={_shown(parsed)}: nothing would be kept; name a file")
    return parsed


def _sqlite(url: URL, most_connections: int) -> Engine:
    assert url.database is not None
    folder = Path(url.database).expanduser().absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror})") from None
    engine = create_engine(
        url.set(database=str(Path(url.database).expanduser())),
        connect_args={"timeout": _PATIENCE},
        pool_size=5,
        max_overflow=most_connections - 5,
    )
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def _postgresql(url: URL, most_connections: int) -> Engine:
    options = {} if "connect_timeout" in url.query else {"connect_timeout": _PATIENCE}
    return create_engine(
        url,
        connect_args=options,
        pool_size=5,
        max_overflow=most_connections - 5,
        pool_pre_ping=True,  # the server may have been started anew
    )


def _prepare_connection(connection: sqlite3.Connection, record: Any) -> None:
    connection.isolation_level = None  # the driver would begin transactions at its own time
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    # a job that was accepted is on the disk, also after a loss of power
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _named(address: str) -> Iterator[None]:
    """Turn an error of the database into one line that names it."""
    try:
        yield
    except (DBAPIError, NoSuchModuleError) as error:
        reason = one_line(error.orig) if isinstance(error, DBAPIError) and error.orig else error
        raise InputError(f"database.url={address}: {reason}") from None
    except SQLAlchemyError as error:
        raise InputError(f"database.url={address}: {one_line(error)}") from None


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)
