"""Fixtures of the speech service: a service with an engine that hums, and its client."""

import shutil

import pytest

from tests.support.serving import HummingEngine, HummingVoice, client_of, serving_settings
from tts.serving.data.database import Database
from tts.serving.metrics import Metrics
from tts.serving.ordering import OrderDesk
from tts.serving.service import Service
from tts.serving.speaking import LiveSpeaker
from tts.serving.starting import check_keys, register
from tts.serving.store import SoundStore


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """Return the file of a database with tables and without rows."""
    path = tmp_path_factory.mktemp("serving") / "service.db"
    database = Database.open(f"sqlite:///{path}")
    database.upgrade()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture
def database_kind(request):
    """Return the kind of the services' databases, which ``on_both_databases`` decides."""
    return getattr(request, "param", "sqlite")


@pytest.fixture
def make_service(request, tmp_path, empty_database, database_kind):
    """Return a function that starts a service with some settings; all are closed afterwards."""
    services = []

    def make(*overrides, options=None):
        """Start a service; its voice "lj" has options."""
        folder = tmp_path / f"service{len(services)}"
        folder.mkdir()
        if database_kind == "sqlite":
            shutil.copy(empty_database, folder / "service.db")
        else:
            url = request.getfixturevalue("new_postgres")()
            overrides = (f'database.url="{url}"', *overrides)
        settings = serving_settings(folder, *overrides)
        database = Database.open(settings.database.url)
        database.upgrade()
        voices = {"lj": HummingVoice(**(options or {})), "other": HummingVoice("other")}
        if not settings.keys_required:
            check_keys(settings, database)
        store = SoundStore.open(settings.store, database, settings.limits.store_bytes)
        metrics, engine = Metrics(), HummingEngine(voices)
        desk = OrderDesk(database, voices, "1")
        desk.versions = register(database, voices)
        speaker = LiveSpeaker(engine, desk, database, store, metrics)
        service = Service(settings, database, store, desk, speaker, metrics)
        service.engine = engine
        services.append(service)
        return service

    yield make
    for service in services:
        service.engine.gate.set()
        service.speaker.close()
        service.database.close()


@pytest.fixture
def service(make_service):
    """Return a service on this machine, without keys."""
    return make_service()


@pytest.fixture
def client(service):
    """Return a client of the service."""
    with client_of(service) as client:
        yield client
