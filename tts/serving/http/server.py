"""Runs the application on a socket until a signal comes (uvicorn)."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from tts.core.errors import InputError

#: Seconds that an idle connection stays open.
_KEEP_ALIVE = 20


def listen(host: str, port: int, section: str = "") -> socket.socket:
    """Return a socket that listens at an address.

    It is taken before the voices are loaded, so that a wrong port is found at once.

    Args:
        host: name or number of the address.
        port: port; 0 lets the system choose.
        section: what stands before the keys ``host`` and ``port`` in the settings, for messages.

    Raises:
        InputError: the address is not one of this machine, or is in use.
    """
    where = f"{section}host={host} {section}port={port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{where}: cannot listen there ({reason}); choose another port") from None
    return listener


def address_of(listener: socket.socket) -> str:
    """Return where a client of this machine finds the service."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_server(
    app: ASGIApp, listener: socket.socket, drain_seconds: float, on_stop: Callable[[], None]
) -> None:
    """Answer requests until SIGTERM or SIGINT, then let those end that are being answered.

    Args:
        app: the application.
        listener: from :func:`listen`.
        drain_seconds: time that running requests get to end.
        on_stop: called when the first signal comes.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=max(1, round(drain_seconds)),
    )
    _Server(config, on_stop).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends after a signal without raising it again: to be stopped is no failure."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: object) -> None:
        if not self.should_exit:
            self._on_stop()
        super().handle_exit(sig, None)
