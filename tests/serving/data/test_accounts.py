import hashlib
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from tts.serving.data.accounts import LOCAL_KEY, ApiKeyRow, IdempotencyRow
from tts.serving.data.database import database_time
from tts.serving.data.idempotency import (
    IdempotencyKeyError,
    begin_request,
    forget_expired,
    forget_request,
    remember_answer,
)
from tts.serving.data.keys import issue_key, key_list, key_of, revoke_key
from tts.serving.data.usage import count_usage, usage_since

BODY, OTHER_BODY = "1" * 64, "2" * 64


def do(database, action, *arguments, **options):
    with database.write() as session:
        return action(session, *arguments, **options)


def test_a_key_has_256_bits_and_only_its_hash_is_kept(database):
    row, secret = do(database, issue_key, "reader", ["speak", "read"])
    assert len(secret.removeprefix("tg_")) == 43  # 256 bits, 6 in each character
    with database.read() as session:
        kept = session.get(ApiKeyRow, row.id)
        assert kept.digest == hashlib.sha256(secret.encode()).hexdigest()
        assert secret.startswith(kept.prefix)
        assert len(kept.prefix) < 12
        everything = session.execute(text("SELECT * FROM api_key")).all()
    assert secret not in str(everything)


def test_a_key_is_found_by_itself_alone(database):
    row, secret = do(database, issue_key, "reader", ["speak"], characters_per_minute=100)
    assert do(database, key_of, secret).id == row.id
    assert do(database, key_of, secret).characters_per_minute == 100
    for wrong in ("", secret[:-1], secret.upper(), row.digest, row.prefix, "\udcff", "local"):
        assert do(database, key_of, wrong) is None


def test_a_revoked_key_says_so_and_stays_in_the_list(database):
    row, secret = do(database, issue_key, "reader", ["speak"])
    first = do(database, revoke_key, row.id).revoked_at
    assert do(database, revoke_key, row.id).revoked_at == first
    assert do(database, key_of, secret).revoked_at is not None
    assert [key.id for key in do(database, key_list)] == [row.id]


def test_the_key_of_everybody_cannot_be_revoked_or_presented(database):
    assert do(database, revoke_key, LOCAL_KEY) is None
    assert do(database, revoke_key, "no such key") is None
    with pytest.raises(Exception, match="ck_api_key_local"), database.write() as session:
        session.get(ApiKeyRow, LOCAL_KEY).digest = "0" * 64


@pytest.mark.parametrize("scopes", [[], ["speak", "sing"]])
def test_a_key_with_unknown_scopes_is_not_made(database, scopes):
    with pytest.raises(ValueError, match="speak, read, admin"):
        do(database, issue_key, "reader", scopes)


def test_an_answer_is_remembered_for_a_day(database):
    first = do(database, begin_request, LOCAL_KEY, "k", BODY)
    assert first.status is None
    do(database, remember_answer, LOCAL_KEY, "k", first.token, 201, {"id": 7})
    again = do(database, begin_request, LOCAL_KEY, "k", BODY)
    assert (again.status, again.answer) == (201, {"id": 7})
    with database.read() as session:
        row = session.scalars(select(IdempotencyRow)).one()
        assert timedelta(hours=23) < row.expires_at - database_time(session) <= timedelta(days=1)


@pytest.mark.parametrize(("body", "reason"), [(BODY, "in_progress"), (OTHER_BODY, "other_body")])
def test_a_key_that_is_in_use_is_a_conflict(database, body, reason):
    do(database, begin_request, LOCAL_KEY, "k", BODY)
    with pytest.raises(IdempotencyKeyError) as conflict:
        do(database, begin_request, LOCAL_KEY, "k", body)
    assert conflict.value.reason == reason


def test_another_body_is_a_conflict_also_after_the_answer(database):
    first = do(database, begin_request, LOCAL_KEY, "k", BODY)
    do(database, remember_answer, LOCAL_KEY, "k", first.token, 201, {})
    with pytest.raises(IdempotencyKeyError) as conflict:
        do(database, begin_request, LOCAL_KEY, "k", OTHER_BODY)
    assert conflict.value.reason == "other_body"


def test_each_api_key_has_its_own_idempotency_keys(database):
    other, _ = do(database, issue_key, "other", ["speak"])
    do(database, begin_request, LOCAL_KEY, "k", BODY)
    assert do(database, begin_request, other.id, "k", OTHER_BODY).status is None


def test_an_old_answer_frees_its_key(database):
    do(database, begin_request, LOCAL_KEY, "k", BODY)
    with database.write() as session:
        row = session.scalars(select(IdempotencyRow)).one()
        row.expires_at = database_time(session) - timedelta(seconds=1)
    second = do(database, begin_request, LOCAL_KEY, "k", OTHER_BODY)
    assert second.status is None
    with database.write() as session:
        row = session.scalars(select(IdempotencyRow)).one()
        row.expires_at = database_time(session) - timedelta(seconds=1)
    do(database, forget_expired)
    assert do(database, lambda session: session.scalars(select(IdempotencyRow)).all()) == []


def test_a_late_answer_to_a_request_that_was_given_up_changes_nothing(database):
    late = do(database, begin_request, LOCAL_KEY, "k", BODY)
    do(database, forget_request, LOCAL_KEY, "k", late.token)
    second = do(database, begin_request, LOCAL_KEY, "k", BODY)
    do(database, remember_answer, LOCAL_KEY, "k", late.token, 201, {"id": "late"})
    do(database, remember_answer, LOCAL_KEY, "k", second.token, 201, {"id": "second"})
    assert do(database, begin_request, LOCAL_KEY, "k", BODY).answer == {"id": "second"}


def test_a_request_that_failed_may_be_sent_again(database):
    first = do(database, begin_request, LOCAL_KEY, "k", BODY)
    do(database, forget_request, LOCAL_KEY, "k", first.token)
    assert do(database, begin_request, LOCAL_KEY, "k", OTHER_BODY).status is None


def test_usage_is_added_up_by_key_and_day(database):
    other, _ = do(database, issue_key, "other", ["speak"])
    for _ in range(3):
        do(database, count_usage, LOCAL_KEY, requests=1, characters=10, seconds=0.5)
    do(database, count_usage, LOCAL_KEY, compute_seconds=2.0)
    do(database, count_usage, other.id, requests=1)
    (row,) = do(database, usage_since, LOCAL_KEY, date(2000, 1, 1))
    amounts = (row.requests, row.characters, row.seconds, row.compute_seconds)
    assert amounts == (3, 30, 1.5, 2.0)
    assert do(database, usage_since, LOCAL_KEY, row.day + timedelta(days=1)) == []
