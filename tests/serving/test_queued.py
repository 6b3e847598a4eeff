"""A process without an engine answers at once with what a worker speaks, part by part."""

import json
import threading

import numpy as np
import pytest

from tests.support.serving import (
    HummingEngine,
    client_of,
    hum,
    on_both_databases,
    read_sound,
    wait_for,
)
from tts.audio.pcm import to_int16
from tts.serving.engine.request import SpeakingRequest
from tts.serving.engine_jobs import EngineJobs
from tts.serving.queued import QueuedSpeaker
from tts.serving.renditions import RenditionMaker
from tts.serving.service import Service
from tts.serving.worker import Worker

pytestmark = on_both_databases

TEXT = "A sentence of the queue. And one more, which comes after it."
ASKED = {"voice": "lj", "input": TEXT, "response_format": "wav"}


@pytest.fixture
def api(make_service):
    """Return a service whose texts are spoken by a worker beside it."""
    other = make_service()
    desk, database, store = other.desk, other.database, other.store
    speaker = QueuedSpeaker(desk, database, store, 2)
    service = Service(other.settings, database, store, desk, speaker, other.metrics)
    service.engine = HummingEngine(desk.voices)
    begin = EngineJobs(service.engine, desk, other.speaker.sounds, other.metrics)
    worker = Worker(database, store, begin, poll_seconds=0.02, lease_seconds=2.0)
    worker.start()
    yield service
    service.engine.gate.set()
    worker.stop()


def test_the_sound_of_a_worker_comes_through_the_store(api):
    units = api.desk.voices["lj"].units(SpeakingRequest(TEXT, "lj"))
    expected = to_int16(np.concatenate([hum(unit.text, 0) for unit in units]))
    with client_of(api) as client:
        first = client.post("/v1/audio/speech", json=ASKED)
        wait_for(lambda: len(api.speaker.sounds) == 0)
        second = client.post("/v1/audio/speech", json=ASKED)
        assert (
            client.get(
                f"/v1/utterances/{first.headers['x-utterance-id']}/alignment.png"
            ).status_code
            == 409
        )
    for answer in (first, second):
        assert (read_sound(answer.content)[0] == expected).all()
    assert second.headers["x-cache"] == "hit"
    assert api.engine.n_requests == 1


def test_sound_is_sent_before_the_worker_is_done(api):
    from tests.support.serving import raw_answer

    api.engine.gate.clear()
    messages = raw_answer(api, "/v1/audio/speech", ASKED, leave_after=1)
    assert messages[0]["status"] == 200
    wait_for(lambda: len(api.speaker.sounds) == 0)
    # the client has left, so the job is cancelled and the engine stops
    with client_of(api) as client:
        wait_for(
            lambda: client.get("/v1/utterances").json()["utterances"][0]["state"] == "cancelled"
        )


def test_the_words_of_a_worker_come_with_its_sound(api):
    asked = {**ASKED, "response_format": "pcm", "stream_format": "sse", "words": True}
    with client_of(api) as client:
        events = client.post("/v1/audio/speech", json=asked).text
    told = [json.loads(each[6:]) for each in events.splitlines() if each.startswith("data: ")]
    words = [word for each in told for word in each.get("words", ())]
    units = api.desk.voices["lj"].units(SpeakingRequest(TEXT, "lj"))
    assert [word["word"] for word in words] == [unit.text for unit in units]
    assert [each["type"] for each in told[:2]] == ["speech.audio.words", "speech.audio.delta"]


def test_a_text_that_a_worker_cannot_speak_is_an_error(api):
    with client_of(api) as client:
        answer = client.post("/v1/audio/speech", json={**ASKED, "input": "I fail at once."})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "could_not_speak")


def test_a_full_queue_is_refused(make_service):
    service = make_service()
    speaker = QueuedSpeaker(service.desk, service.database, service.store, 1)
    service.speaker, service.renditions = (
        speaker,
        RenditionMaker(service.database, service.store, speaker, "1"),
    )
    with client_of(service) as client:
        thread = threading.Thread(
            target=client.post, args=("/v1/audio/speech",), kwargs={"json": ASKED}
        )
        thread.start()
        wait_for(lambda: len(speaker.sounds) == 1)
        answer = client.post("/v1/audio/speech", json={**ASKED, "seed": 1})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
        assert "retry-after" in answer.headers
        for sound in list(speaker.sounds._sounds.values()):
            sound.ticket.cancel()
        thread.join()
    service.speaker = None
    service.speaker = speaker
