"""A process that only speaks tells how it is at an address of its own, and nothing else."""

import json
import signal
import subprocess
import sys
import urllib.request

import pytest
from starlette.testclient import TestClient

from tests.support.paths import REPO
from tests.support.serving import wait_for
from tts.serving.http.app import create_worker_app
from tts.serving.worker import Worker

SILENT = ("/", "/openapi.json", "/v1/voices", "/v1/utterances", "/page/app.js", "/docs")


@pytest.fixture
def worker(make_service):
    """Return the service of a process with ``role=worker``; its worker is idle."""
    service = make_service("role=worker", "limits.interactive=1")
    worker = Worker(service.database, service.store, lambda text: None, poll_seconds=0.02)
    service.takes_jobs = lambda: worker.is_alive
    service.worker = worker
    worker.start()
    yield service
    worker.stop()


@pytest.fixture
def client(worker):
    with TestClient(create_worker_app(worker), base_url="http://127.0.0.1") as client:
        yield client


def test_it_tells_how_it_is_and_nothing_else(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["checks"] == {
        "database": "ok", "store": "ok", "voices": "ok", "worker": "ok",
    }  # fmt: skip
    assert "tacoglow_queue_length" in client.get("/metrics").text
    assert {path: client.get(path).status_code for path in SILENT} == dict.fromkeys(SILENT, 404)
    speech = client.post("/v1/audio/speech", json={"voice": "lj", "input": "Hello."})
    assert speech.status_code in (404, 413)  # it reads no body
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 400


def test_a_worker_that_stops_is_not_ready(client, worker, monkeypatch):
    monkeypatch.setattr("tts.serving.service.LOOK_PAUSE", 0)
    assert client.get("/readyz").status_code == 200
    worker.worker.stop()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert "takes no jobs" in answer.json()["detail"]
    assert client.get("/healthz").status_code == 200


def test_a_full_queue_is_no_fault_of_a_worker(client, worker):
    from tts.serving.allowance import Caller
    from tts.serving.wishes import Wishes

    worker.worker.stop()
    worker.takes_jobs = lambda: True
    order = worker.desk.take("Hello.", "lj", Wishes(), most_chars=100, text_name="text")
    worker.put_job(order, Caller("local", "address:here"), "interactive")
    assert client.get("/readyz").status_code == 200


@pytest.mark.slow
def test_a_worker_of_its_own_process_can_be_watched_and_stopped(tmp_path):
    command = [sys.executable, str(REPO / "serve.py"), "role=worker", "worker.port=0"]
    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=file, stderr=subprocess.STDOUT)
    try:
        ready = "tells how it is at "
        wait_for(lambda: ready in log.read_text() or process.poll() is not None, 200)
        address = log.read_text().split(ready)[1].split()[0]
        wait_for(lambda: _get(f"{address}/healthz"), 60)
        assert json.loads(_get(f"{address}/readyz"))["checks"]["worker"] == "ok"
        assert "tacoglow_decoder_steps_total" in _get(f"{address}/metrics")
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def _get(address):
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read().decode()
