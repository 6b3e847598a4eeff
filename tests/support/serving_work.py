"""Speaks jobs of the queue without networks, in this process or in others that can be killed."""

import hashlib
import os
import signal
import threading
import time

import numpy as np

from tests.support.serving_fixtures import VOICE, recipe
from tts.serving.data.accounts import LOCAL_KEY
from tts.serving.data.database import Database
from tts.serving.data.jobs import put_job
from tts.serving.data.models import PartRow
from tts.serving.data.utterances import add_utterance
from tts.serving.errors import ServiceError
from tts.serving.job_speech import SoundPiece
from tts.serving.store import SoundStore
from tts.serving.worker import Worker

#: Length of a unit of the texts, which end with a full stop, samples.
UNIT_SAMPLES = 2205


class Hum:
    """Gives noise that depends on the text, unit by unit.

    Args:
        text: what is to be spoken.
        seconds: time that each unit takes.
        gate: an event to wait for before the last unit, or None.
    """

    def __init__(self, text, seconds=0.0, gate=None):
        self.units = [unit.strip() for unit in text.text.split(".") if unit.strip()]
        self.n_units = len(self.units)
        self.seconds, self.gate = seconds, gate
        self.is_hurried = False
        self.cancelled = threading.Event()

    def cancel(self):
        self.cancelled.set()

    def hurry(self):
        self.is_hurried = True

    def pieces(self):
        for number, unit in enumerate(self.units):
            if self.gate is not None and number == self.n_units - 1:
                while not self.gate.wait(0.01) and not self.cancelled.is_set():
                    pass
            if self.cancelled.wait(self.seconds):
                raise ServiceError("cancelled", 409, "the request was cancelled")
            if unit == "unspeakable":
                raise ServiceError("could_not_speak", 422, "part 1: it was cut off")
            samples = hum(unit)
            half = len(samples) // 2
            yield SoundPiece(samples[:half])
            begin = number * UNIT_SAMPLES / VOICE.sample_rate
            yield SoundPiece(samples[half:], [_part(unit, begin)], compute_seconds=0.5)


def hum(unit):
    """Return the samples of a unit."""
    seed = int.from_bytes(hashlib.sha256(unit.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).uniform(-0.5, 0.5, UNIT_SAMPLES).astype(np.float32)


def put_texts(database, texts, lane="batch"):
    """Put texts into the queue; return the ids of their jobs."""
    ids = []
    for text in texts:
        with database.write() as session:
            utterance = add_utterance(session, recipe(text))[0].id
            session.flush()
            ids.append(put_job(session, utterance, LOCAL_KEY, lane)[0].id)
    return ids


def work(url, store, seconds=0.0, lease_seconds=2.0, parallel=2):
    """Speak jobs until this process is told to end or is killed."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    database = Database.open(url)
    sounds = SoundStore.open(store, database)
    worker = Worker(
        database,
        sounds,
        lambda text: Hum(text, seconds),
        parallel=parallel,
        lease_seconds=lease_seconds,
        poll_seconds=0.05,
        most_attempts=1000,
    )
    worker.start()
    while not ended.wait(0.2) and os.getppid() != 1:
        pass
    worker.stop()
    database.close()


def wait_until(condition, seconds=60.0):
    """Wait until a condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def _part(unit, begin):
    return PartRow(
        text=unit,
        reading=unit.lower(),
        start=begin,
        end=begin + UNIT_SAMPLES / VOICE.sample_rate,
        attempts=1,
        failed=False,
        stop_reason="gate",
        health={"coverage": 1.0},
        words=[],
        symbols=[],
    )
