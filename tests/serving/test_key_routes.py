"""Keys let clients in as far as their scopes reach, are shown once, and can be revoked."""

import threading
from datetime import date

import pytest

from tests.support.serving import PER_LETTER, RATE, client_of, on_both_databases, settle, wait_for
from tts.core.errors import InputError
from tts.serving.data.keys import issue_key, key_of
from tts.serving.data.usage import usage_since
from tts.serving.settings import SCOPES
from tts.serving.starting import check_keys

pytestmark = on_both_databases

BODY = {"model": "tts-1", "voice": "lj", "input": "Hello."}


@pytest.fixture
def guarded(make_service):
    """Return a service that requires keys, and a key of each scope."""
    service = make_service("keys=required")
    with service.database.write() as session:
        keys = {scope: issue_key(session, scope, [scope])[1] for scope in SCOPES}
    return service, keys


def bearer(key):
    return {"authorization": f"Bearer {key}"}


def test_scopes_say_what_a_key_may_do(guarded):
    service, keys = guarded
    rows = {
        ("POST", "/v1/audio/speech"): ["speak"],
        ("GET", "/v1/models"): ["speak", "read"],
        ("GET", "/v1/voices"): ["speak", "read"],
        ("GET", "/v1/utterances"): ["read"],
        ("GET", "/v1/keys"): ["admin"],
        ("GET", "/v1/lexicon"): ["speak", "read"],
    }
    with client_of(service) as client:
        for (method, path), allowed in rows.items():
            for scope, key in keys.items():
                body = BODY if method == "POST" else None
                answer = client.request(method, path, json=body, headers=bearer(key))
                assert answer.status_code == (200 if scope in allowed else 403), (path, scope)


def test_requests_without_a_good_key_are_refused(guarded):
    service, _ = guarded
    with client_of(service) as client:
        for headers in ({}, bearer("tg_wrong"), bearer("x" * 5000), {"authorization": "Basic x"}):
            answer = client.post("/v1/audio/speech", json=BODY, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["error"]["type"] == "authentication_error"
        assert client.get("/healthz").status_code == 200


def test_a_key_is_shown_once_and_refused_when_revoked(guarded):
    service, keys = guarded
    admin = bearer(keys["admin"])
    with client_of(service) as client:
        made = client.post("/v1/keys", json={"name": "laptop"}, headers=admin)
        assert made.status_code == 201
        key, key_id = made.json()["key"], made.json()["id"]
        assert key not in client.get("/v1/keys", headers=admin).text
        assert client.get("/v1/models", headers=bearer(key)).status_code == 200
        assert client.delete(f"/v1/keys/{key_id}", headers=admin).status_code == 204
        assert client.get("/v1/models", headers=bearer(key)).status_code == 401
        assert client.delete("/v1/keys/nobody", headers=admin).status_code == 404


def test_the_limit_of_a_key_is_its_own(guarded):
    service, keys = guarded
    with client_of(service) as client:
        body = {"name": "small", "chars_per_minute": 10}
        key = client.post("/v1/keys", json=body, headers=bearer(keys["admin"])).json()["key"]
        first = client.post("/v1/audio/speech", json=BODY, headers=bearer(key))
        again = client.post("/v1/audio/speech", json={**BODY, "seed": 1}, headers=bearer(key))
        other = client.post(
            "/v1/audio/speech", json={**BODY, "seed": 2}, headers=bearer(keys["speak"])
        )
    assert [first.status_code, again.status_code, other.status_code] == [200, 429, 200]


def test_a_key_may_have_a_limit_of_requests(guarded):
    service, keys = guarded
    with client_of(service) as client:
        body = {"name": "slow", "requests_per_minute": 2}
        made = client.post("/v1/keys", json=body, headers=bearer(keys["admin"])).json()
        assert made["requests_per_minute"] == 2
        answers = [
            client.post(path, json=content, headers=bearer(made["key"]))
            for path, content in (
                ("/v1/audio/speech", BODY),
                ("/v1/readings", {"voice": "lj", "text": "Hello."}),
                ("/v1/audio/speech", {**BODY, "seed": 1}),
            )
        ]
        settle(service)
        stored = client.post("/v1/audio/speech", json=BODY, headers=bearer(made["key"]))
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["ratelimit-policy"].endswith(', "requests";q=2;w=60')
    assert '"requests";r=1;t=' in answers[0].headers["ratelimit"]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 120
    assert "2 requests in a minute" in answers[2].json()["error"]["message"]
    assert stored.status_code == 200  # what is in the store costs nothing


def test_a_key_sees_what_it_has_asked_for_and_an_admin_sees_all(guarded):
    service, _ = guarded
    with service.database.write() as session:
        ann, bob = (bearer(issue_key(session, who, ["speak", "read"])[1]) for who in ("a", "b"))
        boss = bearer(issue_key(session, "boss", list(SCOPES))[1])
    with client_of(service) as client:

        def speak(who, **changes):
            answer = client.post("/v1/audio/speech", json={**BODY, **changes}, headers=who)
            settle(service)
            return answer.headers["x-utterance-id"]

        def seen(who):
            rows = client.get("/v1/utterances", headers=who).json()["utterances"]
            return {row["id"] for row in rows}

        first, second = speak(ann), speak(bob, input="Another one.")
        assert (seen(ann), seen(bob), seen(boss)) == ({first}, {second}, {first, second})
        for more in ("", "/audio", "/timings", "/alignment.png"):
            place = f"/v1/utterances/{first}{more}"
            assert client.get(place, headers=bob).json()["code"] == "unknown_utterance"
        assert client.head(f"/v1/utterances/{first}/audio", headers=bob).status_code == 404
        assert client.delete(f"/v1/utterances/{first}", headers=bob).status_code == 404
        # who asks for the same text hears it from the store, and sees it from then on
        assert speak(bob) == first
        assert seen(bob) == {first, second}
        assert client.get(f"/v1/utterances/{first}/audio", headers=bob).status_code == 200
        # what two keys want goes away with the second one
        assert client.delete(f"/v1/utterances/{first}", headers=ann).status_code == 204
        assert (seen(ann), seen(bob)) == (set(), {first, second})
        assert client.delete(f"/v1/utterances/{first}", headers=bob).status_code == 204
        assert seen(boss) == {second}


def test_a_job_is_seen_by_who_has_asked_for_it(guarded):
    service, _ = guarded
    with service.database.write() as session:
        ann, bob = (bearer(issue_key(session, who, ["speak", "read"])[1]) for who in ("a", "b"))
    body, later = {"voice": "lj", "text": "Hello."}, {"prefer": "respond-async"}
    with client_of(service) as client:
        place = client.post("/v1/utterances", json=body, headers=ann | later).headers["location"]
        assert client.get(place, headers=ann).json()["state"] == "queued"
        for refused in (client.get(place, headers=bob), client.delete(place, headers=bob)):
            assert (refused.status_code, refused.json()["code"]) == (404, "unknown_job")
        assert client.get(f"{place}/events", headers=bob).status_code == 404
        # an equal request shares the job
        again = client.post("/v1/utterances", json=body, headers=bob | later)
        assert again.headers["location"] == place
        assert client.get(place, headers=bob).status_code == 200


def test_who_joins_a_speech_sees_it_as_well(guarded):
    service, _ = guarded
    with service.database.write() as session:
        keys = [bearer(issue_key(session, who, ["speak", "read"])[1]) for who in "ab"]
    service.engine.gate.clear()
    body = {**BODY, "input": "One sentence for two of us. And another one."}
    with client_of(service) as client:

        def speak(key):
            client.post("/v1/audio/speech", json=body, headers=key)

        threads = [threading.Thread(target=speak, args=(key,)) for key in keys]
        for thread in threads:
            thread.start()
        wait_for(lambda: any(len(s.askers) == 2 for s in service.speaker.sounds._sounds.values()))
        service.engine.gate.set()
        for thread in threads:
            thread.join()
        settle(service)
        for key in keys:
            assert len(client.get("/v1/utterances", headers=key).json()["utterances"]) == 1


def test_what_a_key_uses_is_counted(guarded):
    service, keys = guarded
    with client_of(service) as client:
        for _ in range(2):  # the second one comes from the store
            client.post("/v1/audio/speech", json=BODY, headers=bearer(keys["speak"]))
            settle(service)
        client.post("/v1/audio/speech", json={**BODY, "input": "☃"}, headers=bearer(keys["speak"]))
    with service.database.read() as session:
        key_id = key_of(session, keys["speak"]).id
        (row,) = usage_since(session, key_id, date(2000, 1, 1))
    assert (row.requests, row.characters) == (1, len(BODY["input"]))
    assert row.seconds == PER_LETTER * len(BODY["input"]) / RATE
    assert row.compute_seconds > 0


def test_a_service_that_needs_keys_does_not_start_without_one(make_service):
    service = make_service("host=0.0.0.0")
    with pytest.raises(InputError, match="new_key=NAME"):
        check_keys(service.settings, service.database)
    with service.database.write() as session:
        issue_key(session, "first", ["speak"])
    check_keys(service.settings, service.database)
