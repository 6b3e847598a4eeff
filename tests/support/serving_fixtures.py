"""Gives tests of the speech service databases that are migrated already."""

import shutil

import pytest

from tts.serving.data.accounts import LOCAL_KEY
from tts.serving.data.database import Database
from tts.serving.data.keys import local_key
from tts.serving.data.recipe import Recipe
from tts.serving.data.utterances import add_utterance
from tts.serving.data.voices import VoiceRecord, register_voices

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
    database = Database.open(f"sqlite:///{path}")
    database.upgrade()
    with database.write() as session:
        register_voices(session, [VOICE])
        assert local_key(session).id == LOCAL_KEY
    database.close()
    return path


@pytest.fixture
def database(migrated_file, tmp_path):
    """Return a database in a file of its own."""
    path = tmp_path / "service.db"
    shutil.copy(migrated_file, path)
    opened = Database.open(f"sqlite:///{path}")
    yield opened
    opened.close()
