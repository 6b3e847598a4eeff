"""What cannot be answered gets one clear error of the right shape; no row of the table is a 500."""

import json

from tests.support.serving import client_of

SPEECH, UTTERANCES, READINGS = "/v1/audio/speech", "/v1/utterances", "/v1/readings"
GOOD = {
    SPEECH: {"model": "tts-1", "voice": "lj", "input": "Hello."},
    UTTERANCES: {"voice": "lj", "text": "Hello."},
    READINGS: {"voice": "lj", "text": "Hello."},
}
#: Name: route, changes of a good body (or the raw body), status, code, and words of the message.
BAD = {
    "not JSON": (SPEECH, "{", 400, "invalid_json", "not JSON"),
    "nothing": (SPEECH, "", 422, "invalid_request", ""),
    "deep nesting": (SPEECH, "[" * 100_000, 400, "invalid_request", ""),
    "huge number": (SPEECH, f'{{"seed": {"9" * 5000}}}', 400, "invalid_request", ""),
    "list": (SPEECH, "[1]", 422, "invalid_request", ""),
    "wrong type": (SPEECH, {"input": 5}, 422, "invalid_request", "input"),
    "wrong type here": (UTTERANCES, {"text": 5}, 422, "invalid_request", "text"),
    "unknown field": (UTTERANCES, {"txt": "x"}, 422, "invalid_request", "no such field"),
    "empty": (SPEECH, {"input": ""}, 400, "nothing_to_say", "blank"),
    "blank": (SPEECH, {"input": " \n "}, 400, "nothing_to_say", "blank"),
    "dots": (SPEECH, {"input": "…"}, 400, "nothing_to_say", "nothing"),
    "snowmen": (SPEECH, {"input": "☃☃"}, 400, "nothing_to_say", "nothing"),
    "dots in an utterance": (UTTERANCES, {"text": "..."}, 400, "nothing_to_say", "nothing"),
    "unreadable": (SPEECH, {"input": "Hi ☃."}, 422, "unreadable_characters", "offset 3"),
    "lone surrogate": (SPEECH, '{"voice":"lj","input":"a\\ud800"}', 400, "invalid_text", "input"),
    "surrogate as name": (UTTERANCES, '{"\\ud800": 1}', 400, "invalid_text", ""),
    "NUL": (SPEECH, {"input": "a\0b"}, 400, "invalid_text", "U+0000"),
    "bell": (READINGS, {"text": "a\ab"}, 400, "invalid_text", "U+0007"),
    "too long": (SPEECH, {"input": "a " * 2049}, 400, "text_too_long", "/v1/utterances"),
    "job too long": (UTTERANCES, {"text": "a " * 110_000}, 400, "text_too_long", "200000"),
    "unknown voice": (SPEECH, {"voice": "alloy"}, 400, "voice_not_found", "lj, other"),
    "unknown voice object": (SPEECH, {"voice": {"id": "x"}}, 400, "voice_not_found", "lj, other"),
    "voice as a path": (SPEECH, {"voice": "../../etc/passwd"}, 400, "voice_not_found", "lj"),
    "voice as an address": (UTTERANCES, {"voice": "http://x/y"}, 404, "voice_not_found", "lj"),
    "unknown model": (SPEECH, {"model": "tts-9"}, 400, "model_not_found", "tts-1"),
    "aac": (SPEECH, {"response_format": "aac"}, 400, "unsupported_format", "mp3, opus, flac"),
    "unknown format": (SPEECH, {"response_format": "au"}, 400, "unsupported_format", "mp3"),
    "rate of the format": (
        SPEECH,
        {"response_format": "opus", "sample_rate": 22_050},
        400,
        "unsupported_rate",
        "22050",
    ),
    "rate too high": (SPEECH, {"sample_rate": 10**9}, 422, "invalid_request", "sample_rate"),
    "slow": (SPEECH, {"speed": 0.2}, 422, "invalid_request", "speed"),
    "fast": (SPEECH, {"speed": 4.1}, 422, "invalid_request", "speed"),
    "NaN": (SPEECH, '{"voice":"lj","input":"a","speed":NaN}', 422, "invalid_request", "speed"),
    "infinite": (SPEECH, '{"voice":"lj","input":"a","speed":1e999}', 422, "invalid_request", "sp"),
    "speed as text": (SPEECH, {"speed": "1.0"}, 422, "invalid_request", "speed"),
    "negative seed": (SPEECH, {"seed": -1}, 422, "invalid_request", "seed"),
    "large seed": (SPEECH, {"seed": 2**64}, 422, "invalid_request", "seed"),
    "unknown stream": (SPEECH, {"stream_format": "ws"}, 422, "invalid_request", "stream_format"),
    "could not speak": (SPEECH, {"input": "I fail."}, 422, "could_not_speak", "part 1"),
}


def send(client, route, body, **headers):
    content = body if isinstance(body, str) else json.dumps({**GOOD[route], **body})
    headers = {"content-type": "application/json", **headers}
    return client.post(route, content=content, headers=headers)


def test_every_row_of_the_table(client, service):
    wrong = []
    for name, (route, body, status, code, words) in BAD.items():
        answer = send(client, route, body)
        content = answer.json()
        if route == SPEECH:
            shape = set(content) == {"error"}
            error = content.get("error", {})
            message = error.get("message", "")
        else:
            shape = answer.headers["content-type"] == "application/problem+json"
            error, message = content, content.get("detail", "")
        if (
            answer.status_code != status
            or error.get("code") != code
            or words not in message
            or not shape
            or "Traceback" in answer.text
        ):
            wrong.append(f"{name}: {answer.status_code} {answer.text[:300]}")
    assert wrong == []
    assert service.engine.n_requests == 1  # only the last row reached the engine


def test_unreadable_characters_are_listed_with_their_offsets(client):
    problem = send(client, UTTERANCES, {"text": "A ☃ and ⚗."}).json()
    assert [(each["pointer"], each["offset"]) for each in problem["errors"]] == [
        ("/text", 2),
        ("/text", 8),
    ]


def test_what_cannot_be_read_can_be_left_out_or_spelled(client):
    for policy in ("skip", "spell"):
        answer = send(client, SPEECH, {"input": "Hi ☃.", "unknown": policy})
        assert answer.status_code == 200


def test_media_types_methods_and_what_clients_accept(client):
    rows = {
        "text body": (
            client.post(SPEECH, content="{}", headers={"content-type": "text/plain"}),
            415,
        ),
        "no type": (client.post(UTTERANCES, content=b"{}"), 415),
        "form": (client.post("/v1/keys", data={"name": "x"}), 415),
        "method": (client.get(SPEECH), 405),
        "accept": (client.get("/v1/voices", headers={"accept": "text/html"}), 406),
        "refused": (client.get("/v1/jobs/x", headers={"accept": "application/json;q=0"}), 406),
        "address": (client.get("/v1/nothing"), 404),
        "job": (client.get("/v1/jobs/x"), 404),
        "utterance": (client.get(f"{UTTERANCES}/{'0' * 64}"), 404),
        "no id": (client.get(f"{UTTERANCES}/x"), 422),
        "path": (client.get("/page/..%2fhttp%2fpage.py"), 404),
        "page of a list": (client.get(f"{UTTERANCES}?after=x"), 400),
    }
    assert {name: answer.status_code for name, (answer, _) in rows.items()} == {
        name: status for name, (_, status) in rows.items()
    }
    assert rows["method"][0].headers["allow"] == "POST"
    assert client.put("/v1/keys").headers["allow"] == "GET, POST"
    assert all("x-request-id" in answer.headers for answer, _ in rows.values())


def test_a_large_body_is_refused_before_it_is_read(make_service):
    with client_of(make_service("limits.body_bytes=2048")) as client:
        stated = send(client, SPEECH, "x" * 4096)
        chunks = client.post(
            SPEECH,
            content=(b"x" * 512 for _ in range(10)),
            headers={"content-type": "application/json"},
        )
    assert (stated.status_code, chunks.status_code) == (413, 413)


def test_a_foreign_host_header_is_refused(client):
    """A page whose name leads to this machine (DNS rebinding) sends its own name."""
    for host, status in {
        "evil.example": 400, "127.0.0.1:8000": 200, "localhost": 200, "[::1]:80": 200, "": 400,
        "localhost.evil.example": 400,
    }.items():  # fmt: skip
        assert client.get("/healthz", headers={"host": host}).status_code == status, host


def test_other_hosts_may_not_read_answers(client):
    answer = client.get("/healthz", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_fault_of_the_service_shows_no_trace(client, service, monkeypatch, caplog):
    monkeypatch.setattr(service.desk, "take", lambda *_, **__: 1 / 0)
    answer = send(client, SPEECH, {}, **{"x-request-id": "mine-1"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "ZeroDivision" not in answer.text
    assert answer.headers["x-request-id"] == "mine-1"
    assert "ZeroDivision" in caplog.text
    assert "mine-1" in caplog.text


def test_a_full_queue_asks_to_come_back(client, service, monkeypatch):
    from tts.serving.engine.errors import OverloadedError

    def full(request):
        raise OverloadedError("interactive", 7)

    monkeypatch.setattr(service.engine, "submit", full)
    answer = send(client, SPEECH, {})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


def test_characters_are_limited_by_the_minute(make_service):
    with client_of(make_service("limits.chars_per_minute=100")) as client:
        first = send(client, SPEECH, {"input": "a " * 30, "seed": 1})
        second = send(client, SPEECH, {"input": "a " * 30, "seed": 2})
        third = send(client, SPEECH, {"input": "a " * 60, "seed": 3})
    assert first.headers["ratelimit"].startswith('"characters";r=40')
    assert (second.status_code, third.status_code) == (429, 429)
    assert 1 <= int(second.headers["retry-after"]) <= 120
    assert second.json()["error"]["code"] == "rate_limited"
