"""Gives tests of the speech service databases that are migrated already."""

import itertools
import shutil

import pytest

from tests.support.postgres import private_postgres, url_of
from tts.serving.data.accounts import LOCAL_KEY
from tts.serving.data.database import Database
from tts.serving.data.keys import local_key
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


def recipe(text="Hello.", **other):
    """Return the recipe of a text, spoken by the voice of the tests."""
    given = {"options": {}, "seed": 0, "lexicon_revision": 0, "sound_revision": "s", **other}
    return Recipe(VOICE.version_id, text, **given)


def spoken_text(database, text="Hello."):
    """Add an utterance; return its id."""
    with database.write() as session:
        return add_utterance(session, recipe(text))[0].id


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
    """Return a function that makes a database, empty or a copy of another, and gives its URL."""

    def make(template="template0"):
        name = f"test{next(_numbers)}"
        _create(postgres, name, template)
        return url_of(postgres, name)

    return make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request, migrated_file, tmp_path):
    """Return a database of its own with all tables, one voice and the local key."""
    if request.param == "sqlite":
        shutil.copy(migrated_file, tmp_path / "service.db")
        url = f"sqlite:///{tmp_path / 'service.db'}"
    else:
        url = request.getfixturevalue("new_postgres")("migrated")
    opened = Database.open(url)
    yield opened
    opened.close()


def _migrate(url):
    database = Database.open(url)
    database.upgrade()
    with database.write() as session:
        register_voices(session, [VOICE])
        assert local_key(session).id == LOCAL_KEY
    database.close()


def _create(folder, name, template="template0"):
    import psycopg

    with psycopg.connect(f"host={folder} user=tests dbname=postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
