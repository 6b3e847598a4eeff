import sqlite3
import threading

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from tests.support.paths import REPO
from tts.core.errors import InputError
from tts.serving.data.columns import Row
from tts.serving.data.database import Database
from tts.serving.data.migrating import (
    VERSION_TABLE,
    downgrade_database,
    migration_config,
    upgrade_database,
)

SCRIPTS = ScriptDirectory.from_config(migration_config())
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()][::-1]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def empty(request, tmp_path):
    """Return a database without tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        url = request.getfixturevalue("new_postgres")()
    opened = Database.open(url)
    yield opened
    opened.close()


def tables(database):
    return set(inspect(database.engine).get_table_names()) - {VERSION_TABLE}


def statements(path):
    """Return how each table and index of SQLite was made, line by line."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    made = {
        # the name of a table that was copied is quoted
        name: sorted(line.strip().rstrip(",").replace('"', "") for line in sql.splitlines())
        for name, sql in rows
        if name != VERSION_TABLE
    }
    connection.close()
    return made


def test_the_migrations_make_the_tables_of_the_models(empty):
    empty.upgrade()
    with empty.engine.begin() as connection:
        command.check(migration_config(connection))


def test_they_make_them_with_every_constraint_and_index(tmp_path):
    # Alembic's own comparison does not see conditions
    migrated, modelled = tmp_path / "migrated.db", tmp_path / "modelled.db"
    for path in (migrated, modelled):
        database = Database.open(f"sqlite:///{path}")
        if path == migrated:
            database.upgrade()
        else:
            Row.metadata.create_all(database.engine)
        database.close()
    assert statements(migrated) == statements(modelled)


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_revision_can_be_reached_and_left_upwards_and_downwards(empty, revision):
    upgrade_database(empty, revision)
    downgrade_database(empty, "base")
    assert tables(empty) == set()
    upgrade_database(empty, revision)
    upgrade_database(empty)
    assert tables(empty) == set(Row.metadata.tables)
    downgrade_database(empty, revision)
    upgrade_database(empty)
    with empty.engine.begin() as connection:
        command.check(migration_config(connection))


def test_what_was_cancelled_before_there_was_a_state_for_it_gets_it(database):
    downgrade_database(database, "0001")
    with database.engine.begin() as connection:
        for number, states in enumerate((["cancelled"], ["cancelled", "queued"], ["done"], [])):
            _add_old_utterance(connection, f"{number}" * 64, states)
    database.upgrade()
    with database.read() as session:
        found = session.execute(text("SELECT state FROM utterance ORDER BY id")).scalars().all()
        askers = session.execute(text("SELECT utterance_id, api_key_id FROM asker")).all()
    assert found == ["cancelled", "waiting", "waiting", "waiting"]
    assert sorted(askers) == [(f"{number}" * 64, "local") for number in range(3)]
    downgrade_database(database, "0001")
    with database.read() as session:
        found = session.execute(text("SELECT DISTINCT state FROM utterance")).scalars().all()
    assert found == ["waiting"]
    database.upgrade()


def _add_old_utterance(connection, utterance_id, states):
    """Add an utterance of the first tables, with jobs."""
    connection.execute(
        text(
            "INSERT INTO utterance (id, model_version_id, text, n_chars, options, seed, "
            "lexicon_revision, sound_revision, state, created_at, last_used_at) SELECT :id, id, "
            "'Hello.', 6, '{}', 0, 0, 's', 'waiting', created_at, created_at FROM model_version"
        ),
        {"id": utterance_id},
    )
    for number, state in enumerate(states):
        ended = "created_at" if state not in ("queued", "running") else "NULL"
        connection.execute(
            text(
                "INSERT INTO job (id, utterance_id, api_key_id, lane, state, parts_done, attempts, "
                "cancel_requested, created_at, finished_at) SELECT :id, :utterance, 'local', "
                f"'batch', :state, 0, 0, false, created_at, {ended} FROM model_version"
            ),
            {"id": f"{utterance_id[:8]}{number}", "utterance": utterance_id, "state": state},
        )


def test_upgrading_twice_does_nothing_and_keeps_what_is_there(database):
    database.upgrade()
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM voice")) == 1


def test_processes_that_start_at_once_migrate_once(empty):
    url = empty.engine.url.render_as_string(hide_password=False)
    faults = []

    def start():
        database = Database.open(url)
        try:
            database.upgrade()
        except Exception as error:
            faults.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert tables(empty) == set(Row.metadata.tables)


def test_a_database_of_a_newer_version_is_refused_in_one_line(database):
    with database.engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(InputError, match=r"newer version .*9999.*update tacoglow") as refused:
        database.upgrade()
    assert "\n" not in str(refused.value)
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM voice")) == 1


def test_a_database_with_tables_of_somebody_else_is_refused(empty):
    with empty.engine.begin() as connection:
        connection.execute(text("CREATE TABLE job (id INTEGER)"))
    with pytest.raises(InputError, match="a table 'job' that tacoglow did not make"):
        empty.upgrade()


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty, monkeypatch):
    from alembic import op

    made = []

    def create_table(name, *parts, **options):
        made.append(name)
        if len(made) > 3:
            raise RuntimeError("the process died")
        return original(name, *parts, **options)

    original = op.create_table
    monkeypatch.setattr(op, "create_table", create_table)
    with pytest.raises(RuntimeError):
        empty.upgrade()
    monkeypatch.undo()
    assert tables(empty) == set()
    empty.upgrade()
    assert tables(empty) == set(Row.metadata.tables)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_reference_that_a_migration_breaks_stops_it(database):
    driver = sqlite3.connect(database.engine.url.database)
    driver.execute("UPDATE model_version SET voice_id = 'nobody'")
    driver.commit()
    driver.close()
    with pytest.raises(InputError, match="1 rows refer to rows that are missing"):
        upgrade_database(database, REVISIONS[-1])


def test_migrations_lie_inside_the_package():
    folder = REPO / "tts" / "serving" / "data" / "migrations"
    assert SCRIPTS.dir == str(folder)
    assert len(REVISIONS) == len(list((folder / "versions").glob("*.py")))
