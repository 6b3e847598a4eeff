import threading
from datetime import datetime

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from tests.support.serving_fixtures import spoken_text
from tts.core.errors import InputError
from tts.serving.data.accounts import LOCAL_KEY, ApiKeyRow
from tts.serving.data.database import Database, database_time
from tts.serving.data.models import RenditionRow, UtteranceRow
from tts.serving.data.utterances import find_utterance

HINTS = {
    "": "not the URL of a database",
    "service.db": "not the URL of a database",
    "mysql://root:secret@host/x": "mysql://root:***@host/x: this database is not known",
    "sqlite://": "nothing would be kept",
    "sqlite:///:memory:": "nothing would be kept",
    "nonsense://x": "this database is not known",
    "postgresql+psycopg://a:secret@127.0.0.1:1/x": r"a:\*\*\*@127.0.0.1:1/x: .*refused",
}


@pytest.mark.parametrize("url", HINTS)
def test_a_wrong_url_is_refused_in_one_line_without_its_password(url):
    with pytest.raises(InputError, match=HINTS[url].replace(":***@", r":\*\*\*@")) as refused:
        Database.open(url)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Buy bread.\n" * 100)
    with pytest.raises(InputError, match=r"notes\.txt: file is not a database"):
        Database.open(f"sqlite:///{path}")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/folder: cannot be made \(Not a directory\)"):
        Database.open(f"sqlite:///{tmp_path}/file/folder/service.db")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_is_safe_for_several_processes(database):
    with database.read() as session:
        pragma = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert pragma == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 30_000,
        "synchronous": 2,
    }


def test_writers_come_one_after_the_other_and_lose_nothing(database):
    def write():
        for _ in range(5):
            with database.write() as session:
                # reading first is what makes two writers of SQLite block each other
                row = session.get(ApiKeyRow, LOCAL_KEY, with_for_update=True)
                row.name = str(int(row.name) + 1)

    with database.write() as session:
        session.get(ApiKeyRow, LOCAL_KEY).name = "0"
    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.get(ApiKeyRow, LOCAL_KEY).name == "20"


def test_an_error_undoes_the_whole_transaction(database):
    def fail():
        with database.write() as session:
            session.get(ApiKeyRow, LOCAL_KEY).name = "another"
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.read() as session:
        assert session.get(ApiKeyRow, LOCAL_KEY).name != "another"


def test_rows_go_with_their_utterance(database):
    utterance = spoken_text(database)
    with database.write() as session:
        now = database_time(session)
        session.add(
            RenditionRow(
                utterance_id=utterance,
                format="mp3",
                sample_rate=22050,
                n_bytes=1,
                sha256="0" * 64,
                created_at=now,
                last_used_at=now,
            )
        )
    with database.write() as session:
        session.execute(text("DELETE FROM utterance"))
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM rendition")) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"id": "short"},
        {"state": "asleep"},
        {"state": "spoken"},  # without its length
        {"state": "failed"},  # without its reason
        {"seed": -1},
        {"model_version_id": "0" * 64},  # there is none
    ],
)
def test_the_database_refuses_rows_that_contradict_themselves(database, change):
    utterance = spoken_text(database)
    to_it = update(UtteranceRow).where(UtteranceRow.id == utterance).values(change)
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(to_it)


def test_times_are_those_of_utc(database):
    utterance = spoken_text(database)
    with database.read() as session:
        row = find_utterance(session, utterance)
        assert row.created_at.utcoffset().total_seconds() == 0
        assert row.created_at <= database_time(session)


def test_a_time_without_a_zone_is_refused(database):
    to_noon = update(UtteranceRow).values(created_at=datetime(2026, 1, 1, 12))
    with pytest.raises(Exception, match="without a time zone"), database.write() as session:
        session.execute(to_noon)


def test_a_database_that_can_be_written_says_so(database):
    database.check()
    database.check_writable()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_disk_without_room_for_writing_is_noticed(database, monkeypatch):
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(InputError, match="readonly database"):
        database.check_writable()
