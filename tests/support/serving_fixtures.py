"""Gives tests of the speech service databases that are migrated already."""

import itertools
import shutil

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from tests.support.postgres import private_postgres, url_of
from tts.serving.data.accounts import LOCAL_KEY
from tts.serving.data.columns import Row
from tts.serving.data.database import Database
from tts.serving.data.keys import local_key
from tts.serving.data.migrating import VERSION_TABLE, migration_config
from tts.serving.data.recipe import Recipe
from tts.serving.data.utterances import add_utterance
from tts.serving.data.voices import VoiceRecord, register_voices

_numbers = itertools.count()

VOICE = VoiceRecord(
    id="lj",
    name="LJ",
    language="en",
    licence="public domain",
    sample_rate=22050,
    acoustic_digest="a" * 64,
    vocoder_digest="b" * 64,
    options_digest="c" * 64,
    source="the package",
    measures={"word_error_rate": 0.05},
)


def recipe(words="Hello.", **other):
    """Return the recipe of a text, spoken by the voice of the tests."""
    given = {"options": {}, "seed": 0, "lexicon_revision": 0, "sound_revision": "s", **other}
    return Recipe(VOICE.version_id, words, **given)


def spoken_text(database, words="Hello."):
    """Add an utterance; return its id."""
    with database.write() as session:
        return add_utterance(session, recipe(words))[0].id


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory):
    """Return a file of SQLite with all tables, one voice and the local key."""
    path = tmp_path_factory.mktemp("serving") / "service.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres():
    """Start a server with a database "migrated"; return the folder of its socket."""
    with private_postgres() as folder:
        _create(folder, "migrated")
        _migrate(url_of(folder, "migrated"))
        yield folder


@pytest.fixture
def new_postgres(postgres):
    """Return a function that makes an empty database and returns its URL."""
    names = []

    def make():
        names.append(f"test{next(_numbers)}")
        _create(postgres, names[-1])
        return url_of(postgres, names[-1])

    yield make
    for name in names:
        _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request, migrated_file, tmp_path):
    """Return a database of its own with all tables, one voice and the local key."""
    if request.param == "sqlite":
        shutil.copy(migrated_file, tmp_path / "service.db")
        opened = Database.open(f"sqlite:///{tmp_path / 'service.db'}")
    else:
        opened = Database.open(url_of(request.getfixturevalue("postgres"), "migrated"))
        _empty(opened)
        _fill(opened)
    yield opened
    opened.close()


def _migrate(url):
    database = Database.open(url)
    database.upgrade()
    _fill(database)
    database.close()


def _fill(database):
    with database.write() as session:
        register_voices(session, [VOICE])
        assert local_key(session).id == LOCAL_KEY


def _empty(database):
    """Remove what a test has left; a new database for each would fill the disk."""
    tables = ", ".join(f'"{name}"' for name in Row.metadata.tables)
    head = ScriptDirectory.from_config(migration_config()).get_current_head()
    with database.write() as session:
        session.execute(text(f"TRUNCATE {tables}"))
        session.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{head}'"))


def _create(folder, name):
    _execute(folder, f"CREATE DATABASE {name} TEMPLATE template0")


def _execute(folder, statement):
    import psycopg

    with psycopg.connect(f"host={folder} user=tests dbname=postgres", autocommit=True) as server:
        server.execute(statement)
