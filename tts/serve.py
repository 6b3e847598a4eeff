"""Serves speech over HTTP; each step from the settings to the last answer is named, in its order.

What is cheap to check comes first: the port, the database and the list of voices are looked at
before torch is imported.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from tts.config import resolved
from tts.config.schema import SERVING, check_values
from tts.core.output import print_line
from tts.core.progress import announced
from tts.serving.engine.voice_list import read_voice_list
from tts.serving.logs import start_logging
from tts.serving.settings import Settings
from tts.serving.starting import check_installed, check_keys, make_key, open_database

if TYPE_CHECKING:
    import socket

    from tts.serving.data.database import Database


def serve(cfg: DictConfig) -> None:
    """Serve until SIGTERM or SIGINT, as ``conf/serve.yaml`` and the overrides say.

    Args:
        cfg: the composed configuration.

    Raises:
        InputError: a value is not legal, or port, database, store or voices cannot be used.
    """
    config = resolved(cfg)
    check_values(config, SERVING)
    settings = Settings.from_config(config)
    check_installed()
    start_logging(settings.log)
    with ExitStack() as stack:
        database = open_database(settings)
        stack.callback(database.close)
        if settings.new_key is not None:
            make_key(settings, database)
            return
        _serve(settings, database, stack)


def _serve(settings: Settings, database: Database, stack: ExitStack) -> None:
    """Load the voices, and answer or speak until a signal comes."""
    check_keys(settings, database)
    read_voice_list(settings.voices)
    listener = _listener(settings, stack)
    with announced("loading torch"):
        from tts.serving.running import Running

    running = Running(settings, database)
    stack.callback(running.close)
    if listener is None:
        print_line(f"speaks the jobs of {database.address}")
        running.wait_for_signal()
        return
    from tts.serving.http.app import create_app, create_worker_app
    from tts.serving.http.server import address_of, run_server

    address = address_of(listener)
    if settings.answers:
        print_line(f"listens at {address}")
        app = create_app(running.service)
    else:
        print_line(f"speaks the jobs of {database.address}, and tells how it is at {address}")
        app = create_worker_app(running.service)
    run_server(app, listener, settings.drain_seconds, running.stop_taking)


def _listener(settings: Settings, stack: ExitStack) -> socket.socket | None:
    """Return the socket at which this process answers, or None for a worker without one."""
    from tts.serving.http.server import listen

    if settings.answers:
        return stack.enter_context(listen(settings.host, settings.port))
    host, port = settings.worker.host, settings.worker.port
    return None if port is None else stack.enter_context(listen(host, port, "worker."))
