"""Utterances are made, listed, searched, played and deleted; jobs say how far they are."""

import json
import re

import numpy as np
import pytest

from tests.support.serving import RATE, client_of, hum, on_both_databases, read_sound, wait_for
from tts.audio.pcm import to_int16
from tts.serving.engine_jobs import EngineJobs
from tts.serving.worker import Worker

pytestmark = on_both_databases

TEXT = "A sentence that is kept. And one more, which comes after it."


@pytest.fixture
def worker(service):
    """Speak the jobs of the service."""
    begin = EngineJobs(service.engine, service.desk, service.speaker.sounds, service.metrics)
    worker = Worker(service.database, service.store, begin, poll_seconds=0.02)
    service.on_job = worker.hint
    worker.start()
    yield worker
    worker.stop()


def make(client, text=TEXT, headers=None, **more):
    return client.post(
        "/v1/utterances", json={"text": text, "voice": "lj", **more}, headers=headers
    )


def sound(service, text=TEXT):
    from tts.serving.engine.request import SpeakingRequest

    units = service.desk.voices["lj"].units(SpeakingRequest(text, "lj"))
    return to_int16(np.concatenate([hum(unit.text, 0) for unit in units]))


def test_a_short_text_is_spoken_at_once_and_known_the_second_time(client, service, worker):
    first, second = make(client), make(client)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert first.headers["location"] == f"/v1/utterances/{first.json()['id']}"
    answer = client.get(f"{first.headers['location']}/audio?format=wav")
    samples, rate = read_sound(answer.content)
    assert rate == RATE
    assert (samples == sound(service)).all()
    assert service.engine.n_requests == 1


def test_a_job_says_how_far_it_is_and_its_events_end(client, service, worker):
    service.engine.gate.clear()
    asked = make(client, headers={"prefer": "respond-async"})
    assert asked.status_code == 202
    place = asked.headers["location"]
    wait_for(lambda: client.get(place).json()["parts_done"] == 1)
    assert client.get(place).json()["state"] == "running"
    service.engine.gate.set()
    done = client.get(f"{place}?wait=20").json()
    assert done["state"] == "done"
    assert done["parts_done"] == done["parts_total"] > 1
    events = client.get(f"{place}/events").text
    assert json.loads(events.split("data: ")[-1])["state"] == "done"


def test_a_cancelled_job_stops_and_cancelling_twice_does_no_harm(client, service, worker):
    service.engine.gate.clear()
    place = make(client, headers={"prefer": "respond-async"}).headers["location"]
    wait_for(lambda: client.get(place).json()["state"] == "running")
    assert [client.delete(place).status_code for _ in range(2)] == [202, 202]
    service.engine.gate.set()
    wait_for(lambda: client.get(place).json()["state"] == "cancelled")
    assert client.delete("/v1/jobs/unknown").status_code == 404
    # the utterance says so as well, and asking again begins anew
    address = f"/v1/utterances/{client.get(place).json()['utterance']}"
    assert client.get(address).json()["state"] == "cancelled"
    refused = client.get(f"{address}/audio")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_spoken")
    assert "was cancelled" in refused.json()["detail"]
    assert make(client).status_code == 201
    assert client.get(address).json()["state"] == "spoken"


def test_a_text_that_fails_is_a_problem(client, worker):
    answer = make(client, "We fail here.")
    assert answer.status_code == 422
    assert answer.json()["code"] == "could_not_speak"


def test_lists_have_pages_and_a_search(client, worker):
    for number in range(5):
        make(client, f"Text with the number {number}.")
    first = client.get("/v1/utterances?limit=2")
    assert 'rel="next"' in first.headers["link"]
    texts = [row["text"] for row in first.json()["utterances"]]
    address = first.headers["link"].split(">")[0].strip("<")
    while address:
        page = client.get(address)
        texts += [row["text"] for row in page.json()["utterances"]]
        address = page.headers.get("link", "").split(">")[0].strip("<")
    assert texts == [f"Text with the number {number}." for number in reversed(range(5))]
    found = client.get("/v1/utterances?q=NUMBER 3&voice=lj").json()["utterances"]
    assert [row["text"] for row in found] == ["Text with the number 3."]
    assert client.get("/v1/utterances?voice=other").json()["utterances"] == []


def test_ranges_and_conditions(client, worker):
    place = f"/v1/utterances/{make(client).json()['id']}/audio?format=wav"
    whole = client.get(place)
    etag = whole.headers["etag"]

    def get(**headers):
        return client.get(place, headers={k.replace("_", "-"): v for k, v in headers.items()})

    part = get(range="bytes=10-19")
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    assert get(range="bytes=-5").content == whole.content[-5:]
    assert get(range="bytes=5-").content == whole.content[5:]
    assert get(range="bytes=0-1", if_range='"old"').status_code == 200
    assert get(range="bytes=0-1", if_range=etag).status_code == 206
    assert get(range=f"bytes={len(whole.content)}-").status_code == 416
    assert get(range="bytes=5-1").status_code == 400
    assert get(range="bytes=x").status_code == 400
    assert get(range="lines=1-2").status_code == 200
    many = get(range=f"bytes={','.join(f'{n}-{n}' for n in range(1000))}")
    assert (many.status_code, many.content) == (200, whole.content)
    known = get(if_none_match=f'"x", {etag}')
    assert (known.status_code, known.content) == (304, b"")
    head = client.head(place)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert "immutable" in whole.headers["cache-control"]


def test_timings_have_four_formats(client, worker):
    place = f"/v1/utterances/{make(client).json()['id']}/timings"
    words = client.get(place).json()["words"]
    assert words[0]["start"] == 0
    begins = {"vtt": "WEBVTT", "srt": "1\n", "textgrid": "File type"}
    for format, begin in begins.items():
        assert client.get(f"{place}?format={format}").text.startswith(begin)
    assert client.get(f"{place}?format=html").status_code == 422


def test_what_was_removed_is_made_again_and_a_retired_voice_is_gone(client, service, worker):
    utterance = make(client).json()["id"]
    place = f"/v1/utterances/{utterance}/audio?format=flac"
    first = client.get(place).content
    _forget_files(service)
    again = client.get(place)
    assert again.status_code == 200
    assert (read_sound(again.content)[0] == read_sound(first)[0]).all()
    _forget_files(service)
    service.renditions._sound_revision = "2"
    gone = client.get(place)
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")


def _forget_files(service):
    from sqlalchemy import delete

    from tts.serving.data.models import RenditionRow

    wait_for(lambda: len(service.speaker.sounds) == 0)
    with service.database.write() as session:
        session.execute(delete(RenditionRow))


def test_deleted_utterances_are_gone(client, worker):
    place = f"/v1/utterances/{make(client).json()['id']}"
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404
    assert client.delete(place).status_code == 404


def test_a_request_sent_twice_is_answered_once(client, service, worker):
    headers = {"idempotency-key": "abc"}
    first, second = make(client, headers=headers), make(client, headers=headers)
    assert second.headers["idempotent-replayed"] == "true"
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    other = make(client, "Another text.", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_readings_show_words_and_what_is_left_out(client):
    answer = client.post("/v1/readings", json={"text": "Dr. Smith ☃.", "voice": "lj"}).json()
    assert answer["sentences"][0]["reading"].startswith("doctor smith")
    assert answer["unknown"] == [{"text": "☃", "offset": 10}]


def test_a_word_of_the_lexicon_changes_what_is_said_afterwards(client, worker):
    before = make(client, "Tomato.").json()["id"]
    put = client.put("/v1/lexicon/Tomato", json={"reading": "T AH0 M AA1 T OW0"})
    assert put.json()["word"] == "tomato"
    assert make(client, "Tomato.").json()["id"] != before
    reading = client.post("/v1/readings", json={"text": "Tomato.", "voice": "lj"}).json()
    assert reading["sentences"][0]["words"][0]["phones"] == "T AH0 M AA1 T OW0"
    wrong = client.put("/v1/lexicon/tomato", json={"reading": "T QQ"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_reading")
    assert client.delete("/v1/lexicon/tomato").status_code == 204
    assert client.get("/v1/lexicon/tomato").status_code == 404


def test_a_word_of_the_lexicon_concerns_texts_that_hold_it_and_no_others(client, service, worker):
    texts = ("Hello there.", "Five apples.", "5 apples.", "[pause 1s] five.", "Tomatoes.")
    before = {text: make(client, text).json()["id"] for text in texts}
    for word, reading in (("five", "F AY1 V AH0"), ("tomato", "T AH0 M AA1 T OW0")):
        assert client.put(f"/v1/lexicon/{word}", json={"reading": reading}).status_code == 200
    after = {text: make(client, text) for text in texts}
    changed = [text for text in texts if after[text].json()["id"] != before[text]]
    assert changed == ["Five apples.", "5 apples.", "[pause 1s] five."]
    assert {after[text].status_code for text in changed} == {201}
    assert {after[text].status_code for text in texts if text not in changed} == {200}
    # what was spoken with an entry can be made again when the entry is gone
    client.delete("/v1/lexicon/five")
    _forget_files(service)
    place = f"/v1/utterances/{after['5 apples.'].json()['id']}"
    assert client.get(f"{place}/audio?format=flac").status_code == 200
    assert client.get(place).json()["renditions"] != []


def test_of_a_long_text_all_entries_count(make_service):
    service = make_service()
    service.desk._most_read = 5
    with client_of(service) as client:
        body = {"voice": "lj", "input": "Hello there."}
        before = client.post("/v1/audio/speech", json=body).headers["x-utterance-id"]
        client.put("/v1/lexicon/five", json={"reading": "F AY1 V AH0"})
        after = client.post("/v1/audio/speech", json=body).headers["x-utterance-id"]
    assert before != after


def test_voices_and_models_are_listed_in_the_shapes_of_their_clients(client):
    assert client.get("/v1/audio/voices").json()["voices"][0] == {"id": "lj", "name": "LJ"}
    assert client.get("/v1/audio/voices?legacy=true").json() == {"voices": ["lj", "other"]}
    models = client.get("/v1/models").json()
    assert models["object"] == "list"
    assert "tts-1" in [model["id"] for model in models["data"]]
    assert client.get("/v1/models/tts-1").json()["id"] == "tts-1"
    assert client.get("/v1/models/x").json()["error"]["code"] == "model_not_found"
    voice = client.get("/v1/voices/lj").json()
    (version,) = client.get("/v1/voices/lj/versions").json()["versions"]
    assert version["id"] == voice["version"]


def test_health_readiness_and_metrics(client, service, monkeypatch):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["checks"]["database"] == "ok"
    client.post("/v1/audio/speech", json={"voice": "lj", "input": "Hello."})
    wait_for(lambda: len(service.speaker.sounds) == 0)
    metrics = client.get("/metrics").text
    for name in ("queue_length", "wait_seconds", "first_sound_seconds", "real_time_factor"):
        assert f"tacoglow_{name}" in metrics
    from tts.core.errors import InputError

    def broken():
        raise InputError("no")

    monkeypatch.setattr(service.store, "check_writable", broken)
    assert client.get("/readyz").status_code == 200  # what was found holds for a second
    monkeypatch.setattr("tts.serving.service.LOOK_PAUSE", 0)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")


def test_the_page_loads_nothing_from_other_hosts(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for file in ("app.js", "style.css"):
        assert client.get(f"/page/{file}").status_code == 200
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page.text) == []
