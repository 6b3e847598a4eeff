"""A speech service for tests: real routes, database and store; an engine that hums."""

import hashlib
import json
import threading
import time
from contextlib import nullcontext
from dataclasses import asdict, replace

import numpy as np
import pytest

from tts.config import compose, resolved
from tts.inference import Options
from tts.inference.reader import TextReader
from tts.serving.engine.limits import EngineLimits
from tts.serving.engine.reading_voice import VoiceDigests
from tts.serving.engine.record import SpeechRecord, SpokenPart
from tts.serving.engine.ticket import SoundChunk, Ticket
from tts.serving.engine.voice_list import VoiceEntry
from tts.serving.settings import Settings
from tts.text import Tokenizer

#: Runs a test of the routes on SQLite, and in the slow tier on PostgreSQL as well.
on_both_databases = pytest.mark.parametrize(
    "database_kind",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)],
    indirect=True,
)
RATE = 8000
#: Samples of a letter that the engine hums.
PER_LETTER = 400


class HummingVoice:
    """Reads texts as a real voice does."""

    sample_rate = RATE

    def __init__(self, id="lj", **options):
        self.id = id
        self.options = Options(**options)
        self.entry = VoiceEntry(id=id, acoustic="none", name=id.upper(), licence="free")
        self.digests = VoiceDigests("a" * 64, None, None)
        self._tokenizer = Tokenizer("english_148", "english", p_arpabet=1.0)

    def recipe(self, request):
        return {"options": asdict(replace(self.options, **request.options))}

    def reading(self):
        return nullcontext()

    def reader(self, request):
        tokenizer = self._tokenizer.for_speaking(request.options.get("on_unknown"))
        if request.lexicon:
            tokenizer = tokenizer.with_lexicon(dict(request.lexicon))
        return TextReader(tokenizer, 60)

    def units(self, request):
        return self.reader(request).read(request.text)


class HummingEngine:
    """Hums a tone for each sentence, and counts its steps.

    A text with the word "fail" fails in its first sentence, one with "break" after the first.
    """

    def __init__(self, voices):
        self.voices = voices
        self.limits = EngineLimits()
        self.is_alive = True
        self.n_steps = 0
        self.n_requests = 0
        self.hurried = []
        #: Held by a test that wants the engine to wait before each sentence but the first.
        self.gate = threading.Event()
        self.gate.set()

    def unfinished(self, lane):
        return 0

    def hurry(self, ticket):
        self.hurried.append(ticket.request.text)

    def submit(self, request):
        units = self.voices[request.voice].units(request)
        self.n_requests += 1
        ticket = Ticket(request, RATE, [unit.text for unit in units])
        threading.Thread(target=self._hum, args=(ticket,), daemon=True).start()
        return ticket

    def _hum(self, ticket):
        from tts.serving.engine.errors import CouldNotSpeakError

        ticket.start()
        parts, begin = [], 0
        for number, text in enumerate(ticket.unit_texts):
            if number:
                while not self.gate.wait(0.005) and not ticket.ended:
                    self.n_steps += 1
            if ticket.ended:
                return
            fails = ("fail" in text and number == 0) or ("break" in text and number == 1)
            if fails and ticket.request.strict:
                ticket.fail(CouldNotSpeakError(number, text, "the attention got lost"))
                return
            wave = hum(text, ticket.request.options["seed"])
            part = SpokenPart(
                number, text, begin / RATE, len(wave) / RATE, 0, 1, "gate", True, False,
                {"coverage": 1.0}, tuple(text), ((text, begin / RATE, (begin + len(wave)) / RATE),),
                ((text[0], begin / RATE, (begin + len(wave)) / RATE),), 0.01,
            )  # fmt: skip
            begin += len(wave)
            parts.append(part)
            ticket.add(SoundChunk(wave, RATE, number, (part,)))
        request = ticket.request
        ticket.finish(
            SpeechRecord(
                request.text,
                request.voice,
                request.options["seed"],
                RATE,
                begin,
                tuple(parts),
                0.01,
            )
        )


def hum(text, seed):
    """Return the tone of a sentence."""
    pitch = 100 + int(hashlib.sha256(f"{text}{seed}".encode()).hexdigest()[:4], 16) % 400
    time_ = np.arange(PER_LETTER * len(text)) / RATE
    return (0.3 * np.sin(2 * np.pi * pitch * time_)).astype(np.float32)


def serving_settings(folder, *overrides):
    """Return settings with a database and a store in a folder."""
    database = f"database.url=sqlite:///{folder}/service.db"
    chosen = [database, f"store={folder}/sound", *overrides]
    return Settings.from_config(resolved(compose(chosen, config_name="serve")))


def client_of(service):
    """Return a client of a service."""
    from starlette.testclient import TestClient

    from tts.serving.http.app import create_app

    return TestClient(create_app(service), base_url="http://127.0.0.1")


def wait_for(condition, seconds=20.0):
    """Wait until something holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.005)


def raw_answer(service, path, body, leave_after=None, headers=()):
    """Return the messages of an ASGI answer; the client leaves after some of them.

    It does not matter how the server would send them, and an answer may stay without its end.
    """
    import anyio

    from tts.serving.http.app import create_app

    messages, data = [], json.dumps(body).encode()
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "scheme": "http", "http_version": "1.1",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), *headers],
    }  # fmt: skip

    async def run():
        left = anyio.Event()
        bodies = [{"type": "http.request", "body": data, "more_body": False}]

        async def receive():
            if bodies:
                return bodies.pop()
            if leave_after == 0:
                await anyio.to_thread.run_sync(lambda: wait_for(lambda: service.engine.n_requests))
                left.set()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            messages.append(message)
            if leave_after is not None and len(messages) > leave_after:
                left.set()

        await create_app(service)(scope, receive, send)

    anyio.run(run)
    return messages


def settle(service):
    """Wait until what was spoken is in the store."""
    wait_for(lambda: len(service.speaker.sounds) == 0)


def read_sound(data):
    """Return the 16-bit samples of a sound file and its rate, whatever its header says of them."""
    import io

    import soundfile

    with soundfile.SoundFile(io.BytesIO(data)) as file:
        samples = np.zeros(2**18, np.int16)
        # soundfile itself looks for the end first, which a FLAC of unknown length does not tell
        place = soundfile._ffi.cast("short *", samples.ctypes.data)
        n_read = soundfile._snd.sf_readf_short(file._file, place, len(samples))
        return samples[:n_read], file.samplerate
