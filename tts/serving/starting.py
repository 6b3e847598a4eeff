"""Does what comes before the first request: checks, database, keys, and the voices' versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tts.core.errors import InputError
from tts.core.output import print_line
from tts.serving.settings import SCOPES, Settings

if TYPE_CHECKING:
    from tts.serving.data.database import Database
    from tts.serving.data.voices import VoiceRecord
    from tts.serving.engine.reading_voice import ReadingVoice

#: Packages of the extra ``serve``.
_PACKAGES = ("fastapi", "uvicorn", "sqlalchemy", "alembic", "prometheus_client")


def check_installed() -> None:
    """Check that the packages of the service are there.

    Raises:
        InputError: one is not.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(
            f"serve.py needs {', '.join(missing)}: not installed; pip install 'tacoglow[serve]'"
        )


def open_database(settings: Settings) -> Database:
    """Open the database, and bring its tables to this version.

    Raises:
        InputError: it cannot be used.
    """
    from tts.serving.data.database import Database

    database = Database.open(settings.database.url)
    database.upgrade()
    return database


def make_key(settings: Settings, database: Database) -> None:
    """Make the key that ``new_key`` names, and print it, this one time."""
    from tts.serving.data.keys import issue_key

    scopes: Sequence[str] = settings.new_key_scopes or SCOPES
    with database.write() as session:
        row, secret = issue_key(session, str(settings.new_key), scopes)
    print_line(
        f"key {row.name} ({', '.join(row.scopes)}), which is shown only now:",
        secret,
    )


def check_keys(settings: Settings, database: Database) -> None:
    """Check that somebody can use a service that needs keys.

    Raises:
        InputError: there is no key.
    """
    from tts.serving.data.keys import key_list, local_key

    if not settings.keys_required:
        with database.write() as session:
            local_key(session)
        return
    with database.read() as session:
        if any(row.revoked_at is None for row in key_list(session)):
            return
    why = "keys=required" if settings.is_loopback else f"host={settings.host} is not this machine"
    raise InputError(f"{why}, and there is no key yet; make one: python serve.py new_key=NAME")


def register(database: Database, voices: Mapping[str, ReadingVoice]) -> dict[str, str]:
    """Write the voices and their versions into the database; return the ids of the versions."""
    from tts.serving.data.voices import register_voices

    records = [version_record(voice) for voice in voices.values()]
    with database.write() as session:
        register_voices(session, records)
    return {record.id: record.version_id for record in records}


def version_record(voice: ReadingVoice) -> VoiceRecord:
    """Return what the database keeps of a voice that was loaded; its options are part of it."""
    from tts.serving.data.voices import VoiceRecord
    from tts.serving.engine.request import SpeakingRequest

    entry = voice.entry
    recipe = json.dumps(voice.recipe(SpeakingRequest("", voice.id)), sort_keys=True, default=str)
    return VoiceRecord(
        id=entry.id,
        name=entry.name,
        language=entry.language,
        licence=entry.licence or "not stated",
        sample_rate=voice.sample_rate,
        acoustic_digest=voice.digests.acoustic,
        vocoder_digest=voice.digests.vocoder or _sha256(entry.vocoder),
        options_digest=_sha256(recipe),
        source=f"{entry.acoustic} with {entry.vocoder}",
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
