"""Starts servers of speech as users start them, and asks them, for :mod:`bench.service`."""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure import ROOT, BenchError

#: Seconds that a start, or an answer, may take on a slow machine.
PATIENCE = 300.0
#: Rate of PCM from the service, Hz, and bytes of a sample.
PCM_RATE, PCM_BYTES = 24_000, 2
_READY = {"all": "listens at", "api": "listens at", "worker": "speaks the jobs of"}
_SENTENCES = (
    ("The old clock", "A young doctor", "My neighbour", "The last train", "Our teacher", "A boat"),
    ("was seen", "came back", "stood still", "waited", "turned around", "grew quiet", "went away"),
    ("near the bridge", "behind the house", "in the garden", "at the station", "by the road"),
    ("after the rain", "before noon", "on Sunday", "in the winter", "last night", "once more"),
)  # fmt: skip
_FIRST = (
    "red blue old new warm cold dark bright small large round square odd quick slow tall "
    "short thin thick wide deep high low near far young strong weak sharp soft hard loud "
    "still calm wild green brown grey white black sweet fresh dry wet clean"
)
_SECOND = (
    "stone house street door night day coat hat road bridge tree wood boat ship train sea "
    "lake hill field farm wall roof chair lamp clock book page pen song voice hand face "
    "friend child king queen horse dog cat bird fish bread milk salt tea cup"
)


class Server:
    """Runs ``serve.py`` in a folder, with its database and store there; ended as a context.

    Args:
        folder: working directory of the process.
        overrides: settings, as on the command line.
        role: of the process.
    """

    def __init__(self, folder: Path, *overrides: str, role: str = "all") -> None:
        self._log = folder / f"{role}.log"
        command = [sys.executable, str(ROOT / "serve.py"), f"role={role}", *overrides]
        command += ["port=0", "worker.port=0"]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._role, self._port = role, 0

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End the process with SIGKILL."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask the process to stop; return its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def connect(self) -> http.client.HTTPConnection:
        """Return a new connection."""
        return http.client.HTTPConnection("127.0.0.1", self.wait_until_ready(), timeout=PATIENCE)

    def get(self, path: str) -> bytes:
        """Return the body of an answer."""
        connection = self.connect()
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def metrics(self, *names: str) -> list[float]:
        """Return metrics of one moment; each is the sum of all that begin with the name."""
        lines = self.get("/metrics").decode().splitlines()
        return [
            sum(float(line.split()[-1]) for line in lines if line.startswith(name))
            for name in names
        ]

    def resident_bytes(self) -> int:
        """Return the memory of the process that is in RAM.

        Raises:
            BenchError: the system does not tell.
        """
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            raise BenchError("memory is measured on Linux only") from None
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def wait_until_ready(self) -> int:
        """Wait until the process answers, or takes jobs; return its port, or 0 if it has none.

        Raises:
            BenchError: it does not start.
        """
        if self._port:
            return self._port
        words = _READY[self._role]

        def said() -> bool:
            return words in self._log.read_text() or self.process.poll() is not None

        wait_until(said, "a server starts")
        text = self._log.read_text()
        if words not in text:
            raise BenchError(f"serve.py: {text.strip().splitlines()[-1] if text else 'no message'}")
        if self._role != "worker":
            self._port = int(text.split(words)[1].split()[0].rstrip("/").rsplit(":", 1)[1])
        return self._port


@dataclass(frozen=True)
class Heard:
    """Holds what a client has heard.

    Attributes:
        first: time from the request to its first sound, seconds.
        sound: length of the sound, seconds.
    """

    first: float
    sound: float


def speak(server: Server, text: str) -> Heard | None:
    """Ask for a text as streamed PCM; None if it was refused."""
    connection = server.connect()
    try:
        begin = time.perf_counter()
        response = begin_speech(connection, text)
        if response.status != 200:
            response.read()
            return None
        n_bytes = len(response.read1(1 << 16))
        first = time.perf_counter() - begin
        while data := response.read(1 << 16):
            n_bytes += len(data)
        return Heard(first, n_bytes / PCM_BYTES / PCM_RATE)
    finally:
        connection.close()


def begin_speech(connection: http.client.HTTPConnection, text: str) -> http.client.HTTPResponse:
    """Ask for a text as streamed PCM, and wait for the head of the answer."""
    ask_for_speech(connection, text)
    return connection.getresponse()


def ask_for_speech(connection: http.client.HTTPConnection, text: str) -> None:
    """Ask for a text as streamed PCM."""
    body = {"model": "tts-1", "voice": "lj", "input": text, "response_format": "pcm"}
    _post(connection, "/v1/audio/speech", body)


def put_job(server: Server, text: str) -> str:
    """Put a text into the queue; return the id of its job.

    Raises:
        BenchError: it was refused.
    """
    connection = server.connect()
    try:
        _post(
            connection, "/v1/utterances", {"text": text, "voice": "lj"}, {"Prefer": "respond-async"}
        )
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
        if response.status != 202:
            raise BenchError(f"POST /v1/utterances: {response.status} {answer}")
        return str(answer["id"])
    finally:
        connection.close()


def _post(
    connection: http.client.HTTPConnection,
    path: str,
    body: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> None:
    headers = {"Content-Type": "application/json", **(headers or {})}
    connection.request("POST", path, json.dumps(body), headers)


def sentence(number: int) -> str:
    """Return a sentence of about ten words; the first 1,260 numbers have different ones."""
    return f"{_words(number, _SENTENCES)}."


def short_text(number: int) -> str:
    """Return a text of two short words; the first 2,070 numbers have different ones."""
    return f"{_words(number, [_FIRST.split(), _SECOND.split()]).capitalize()}."


def _words(number: int, lists: Any) -> str:
    chosen = []
    for words in lists:
        number, place = divmod(number, len(words))
        chosen.append(words[place])
    if number:
        raise BenchError("there are no more texts: ask for less")
    return " ".join(chosen)


def shuffled(n_texts: int, text: Callable[[int], str]) -> list[str]:
    """Return the first texts of a kind, in an order that is the same each time."""
    texts = [text(number) for number in range(n_texts)]
    random.Random(0).shuffle(texts)
    return texts


def wait_until(condition: Callable[[], bool], what: str, pause: float = 0.02) -> None:
    """Wait for a condition.

    Raises:
        BenchError: it did not come in :data:`PATIENCE` seconds.
    """
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f"waited {PATIENCE:g} s in vain: {what}")
        time.sleep(pause)
