"""Keys let clients in as far as their scopes reach, are shown once, and can be revoked."""

import pytest

from tests.support.serving import client_of
from tts.core.errors import InputError
from tts.serving.data.keys import issue_key
from tts.serving.settings import SCOPES
from tts.serving.starting import check_keys

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


def test_a_service_that_needs_keys_does_not_start_without_one(make_service):
    service = make_service("host=0.0.0.0")
    with pytest.raises(InputError, match="new_key=NAME"):
        check_keys(service.settings, service.database)
    with service.database.write() as session:
        issue_key(session, "first", ["speak"])
    check_keys(service.settings, service.database)
