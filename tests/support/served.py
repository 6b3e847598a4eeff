"""Starts servers of speech on ports: as users start one, or with an engine that hums."""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager

from tests.support.paths import REPO
from tests.support.serving import wait_for


@contextmanager
def started_server(folder, *overrides):
    """Start ``serve.py`` with the voice of the package; give its address, process and log."""
    log = folder / "log"
    with log.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, str(REPO / "serve.py"), "port=0", *overrides],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(REPO)},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: "listens at" in log.read_text() or server.poll() is not None, 200)
        assert server.poll() is None, log.read_text()
        yield log.read_text().split("listens at ")[1].split()[0], server, log
    finally:
        server.kill()
        server.wait()


@contextmanager
def listening(service):
    """Let a service of this process answer on a port; give its address."""
    import uvicorn

    from tts.serving.http.app import create_app

    config = uvicorn.Config(
        create_app(service),
        port=0,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=1,  # a test that fails may leave a stream open
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
