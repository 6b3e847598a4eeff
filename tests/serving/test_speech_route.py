"""OpenAI's route speaks in all formats, streams, and answers equal requests from the store."""

import base64
import json
import threading
import time

import numpy as np
import pytest

from tests.support.serving import (
    RATE,
    hum,
    on_both_databases,
    raw_answer,
    read_sound,
    settle,
    wait_for,
)
from tts.audio.pcm import to_int16

TEXT = "Hello world, how are you. This is the second sentence of the text, after the first one."
UNITS = [
    "Hello world, how are you.",
    "This is the second sentence of the text,",
    "after the first one.",
]
ASKED = {"model": "tts-1", "voice": "lj", "input": TEXT}


def ask(client, **changes):
    return client.post("/v1/audio/speech", json={**ASKED, **changes})


def expected(service, text=TEXT, seed=0):
    voice = service.desk.voices["lj"]
    from tts.serving.engine.request import SpeakingRequest

    units = voice.units(SpeakingRequest(text, "lj"))
    return np.concatenate([hum(unit.text, seed) for unit in units])


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_lossless_sound_is_exactly_what_the_engine_made(format, client, service):
    answer = ask(client, response_format=format)
    assert answer.status_code == 200
    samples, rate = read_sound(answer.content)
    assert rate == RATE
    assert (samples == to_int16(expected(service))).all()


def test_raw_samples_have_the_rate_of_openai_and_name_it(client, service):
    answer = ask(client, response_format="pcm")
    assert answer.headers["content-type"] == "audio/pcm;rate=24000;channels=1"
    assert answer.headers["x-sample-rate"] == "24000"
    assert len(answer.content) == 2 * 3 * len(expected(service))
    exact = ask(client, response_format="pcm", sample_rate=RATE)
    assert exact.content == to_int16(expected(service)).tobytes()


@pytest.mark.parametrize(
    ("format", "media_type"),
    [("mp3", "audio/mpeg"), ("opus", "audio/ogg; codecs=opus"), ("flac", "audio/flac")],
)
def test_compressed_sound_has_its_type_and_its_length(format, media_type, client, service):
    answer = ask(client, response_format=format)
    assert answer.headers["content-type"] == media_type
    samples, rate = read_sound(answer.content)
    missing = len(samples) / rate - len(expected(service)) / RATE
    assert 0 <= missing < 0.5 if format == "mp3" else abs(missing) < 1 / RATE


def test_mp3_is_the_default(client):
    assert ask(client).headers["content-type"] == "audio/mpeg"


@on_both_databases
def test_a_stream_of_wav_does_not_know_its_length_and_one_from_the_store_does(client, service):
    streamed = ask(client, response_format="wav")
    settle(service)
    stored = ask(client, response_format="wav")
    assert streamed.headers["x-cache"] == "miss"
    assert "content-length" not in streamed.headers
    assert streamed.content[40:44] == b"\xff" * 4
    assert stored.headers["x-cache"] == "hit"
    n_bytes = 2 * len(expected(service))
    assert int.from_bytes(stored.content[40:44], "little") == n_bytes
    assert int(stored.headers["content-length"]) == 44 + n_bytes
    assert streamed.content[44:] == stored.content[44:]
    assert service.engine.n_requests == 1


def test_equal_requests_have_one_id_and_others_another(client):
    answers = [ask(client), ask(client, response_format="wav"), ask(client, seed=7)]
    answers += [ask(client, voice="other"), ask(client, speed=1.5), ask(client, guard="off")]
    ids = [answer.headers["x-utterance-id"] for answer in answers]
    assert ids[0] == ids[1]
    assert len(set(ids)) == len(ids) - 1


@on_both_databases
def test_seed_null_sounds_otherwise_each_time(client, service):
    first, second = (ask(client, seed=None, response_format="wav") for _ in range(2))
    assert first.content != second.content
    assert service.engine.n_requests == 2


def test_voice_may_be_an_object_and_unknown_fields_are_ignored(client):
    answer = ask(client, voice={"id": "lj"}, user="me", lang_code="a")
    assert answer.status_code == 200


def test_instructions_are_ignored_and_the_answer_says_so(client):
    assert ask(client, instructions="Whisper.").headers["x-ignored"] == "instructions"
    assert "x-ignored" not in ask(client, instructions="").headers


def test_events_carry_the_same_bytes(client, service):
    whole = ask(client, response_format="flac", seed=3)
    events = ask(client, response_format="flac", seed=4, stream_format="sse")
    settle(service)
    again = ask(client, response_format="flac", seed=4, stream_format="sse")
    plain = ask(client, response_format="flac", seed=4)
    assert whole.status_code == 200
    assert events.headers["content-type"] == "text/event-stream"
    assert again.headers["x-cache"] == "hit"
    for answer in (events, again):
        *deltas, done = read_events(answer.text)
        sound = b"".join(base64.b64decode(each["audio"]) for _, each in deltas)
        assert {name for name, _ in deltas} == {"speech.audio.delta"}
        assert done[0] == done[1]["type"] == "speech.audio.done"
        assert done[1]["usage"]["total_tokens"] == len(TEXT)
        first, second = (read_sound(data)[0] for data in (sound, plain.content))
        assert (first == second).all()


def test_words_are_told_before_their_sound_where_that_is_asked_for(client, service):
    asked = {"stream_format": "sse", "response_format": "pcm", "sample_rate": RATE}
    made = ask(client, **asked, words=True)
    settle(service)
    stored = ask(client, **asked, words=True)
    names, words, n_samples = [], [], 0
    for name, content in read_events(made.text):
        if name == "speech.audio.words":
            assert content["words"][0]["start"] == n_samples / RATE
            words += content["words"]
        elif name == "speech.audio.delta":
            n_samples += len(base64.b64decode(content["audio"])) // 2
        names.append(name.removeprefix("speech.audio."))
    assert [each["word"].strip() for each in words] == UNITS
    assert words[-1]["end"] == n_samples / RATE
    assert names == ["words", "delta"] * len(UNITS) + ["done"]
    assert read_events(stored.text)[0][1]["words"] == words
    plain = ask(client, **asked, seed=5)
    assert {name for name, _ in read_events(plain.text)} == {
        "speech.audio.delta",
        "speech.audio.done",
    }


def read_events(text):
    events = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data[6:])) for name, data in events]


@on_both_databases
def test_simultaneous_equal_requests_share_one_speech(client, service):
    service.engine.gate.clear()
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(client, response_format="wav")))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    # the engine waits in the second sentence until all have joined
    wait_for(lambda: "joined" in str(service.metrics.text()) and joined(service) == 2)
    service.engine.gate.set()
    for thread in threads:
        thread.join()
    assert service.engine.n_requests == 1
    assert len({answer.content for answer in answers}) == 1
    assert len(answers[0].content) == 44 + 2 * len(expected(service))


def joined(service):
    return service.metrics.registry.get_sample_value("tacoglow_speech_total", {"cache": "joined"})


@on_both_databases
def test_what_was_spoken_is_an_utterance(client, service):
    answer = ask(client)
    settle(service)
    utterance = client.get(f"/v1/utterances/{answer.headers['x-utterance-id']}").json()
    assert utterance["text"] == TEXT
    assert [part["text"].strip() for part in utterance["parts"]] == UNITS
    assert utterance["state"] == "spoken"


def test_a_failure_before_the_first_sound_is_an_error(client):
    answer = ask(client, input="We fail at once. Then nothing.")
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "could_not_speak"
    assert "part 1" in error["message"]


def test_without_the_guard_it_is_sent_as_it_is(client):
    answer = ask(client, input="We fail at once. Then nothing.", guard="off")
    assert answer.status_code == 200


@on_both_databases
def test_a_failure_after_the_first_sound_cuts_the_answer(client, service):
    """The body has no last chunk: no client takes it for a whole one."""
    body = {**ASKED, "input": "One sentence goes well, and is long enough. They break off here."}
    messages = raw_answer(service, "/v1/audio/speech", body)
    assert messages[0]["status"] == 200
    assert all(message.get("more_body", True) for message in messages)
    failed = service.metrics.registry.get_sample_value(
        "tacoglow_failures_total", {"reason": "could_not_speak"}
    )
    assert failed == 1
    utterance = dict(messages[0]["headers"])[b"x-utterance-id"].decode()
    wait_for(lambda: client.get(f"/v1/utterances/{utterance}").json().get("state") == "failed")


@on_both_databases
def test_a_client_that_leaves_stops_the_engine(service):
    service.engine.gate.clear()
    messages = raw_answer(service, "/v1/audio/speech", ASKED, leave_after=1)
    assert messages[0]["status"] == 200
    n_steps = service.engine.n_steps
    wait_for(lambda: len(service.speaker.sounds) == 0)
    assert service.engine.n_steps <= n_steps + 2


def test_a_client_that_leaves_before_the_first_sound_stops_the_engine(service, monkeypatch):
    from tests.support import serving

    monkeypatch.setattr(serving, "hum", lambda *_: np.zeros(0, np.float32))
    service.engine.gate.clear()
    messages = serving.raw_answer(service, "/v1/audio/speech", ASKED, leave_after=0)
    assert messages == []
    wait_for(lambda: len(service.speaker.sounds) == 0)


def test_a_client_that_leaves_while_it_is_admitted_stops_the_engine(service, monkeypatch):
    """What a thread has taken for a client that has left meanwhile is given back."""
    from tests.support import serving

    listen = service.speaker.listen

    def slow_listen(*arguments):
        heard = listen(*arguments)
        time.sleep(0.3)  # the client leaves as soon as the engine has its request
        return heard

    monkeypatch.setattr(service.speaker, "listen", slow_listen)
    service.engine.gate.clear()
    assert serving.raw_answer(service, "/v1/audio/speech", ASKED, leave_after=0) == []
    wait_for(lambda: len(service.speaker.sounds) == 0)


def test_one_of_two_listeners_may_leave(client, service):
    service.engine.gate.clear()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(ask(client, response_format="wav")))
    thread.start()
    wait_for(lambda: service.engine.n_requests == 1)
    raw_answer(service, "/v1/audio/speech", {**ASKED, "response_format": "wav"}, leave_after=1)
    service.engine.gate.set()
    thread.join()
    assert len(answers[0].content) == 44 + 2 * len(expected(service))
