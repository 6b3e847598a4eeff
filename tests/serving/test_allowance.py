"""What callers may ask for is counted in the database, the same for all processes that share it."""

import threading
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from tts.serving.allowance import Allowance, Caller
from tts.serving.data.accounts import AllowanceRow
from tts.serving.data.allowances import Tally, forget_allowances
from tts.serving.data.database import Database
from tts.serving.errors import ServiceError

ANN, BOB = Caller("a", "key:a"), Caller("b", "key:b")


@pytest.fixture
def other_process(database):
    """Return the database as another process opens it."""
    opened = Database.open(database.engine.url.render_as_string(hide_password=False))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Return a list whose only item is the time of the database, which a test may change."""
    times = [datetime(2026, 1, 1, 12, 0, 0, tzinfo=timezone.utc)]
    for module in ("allowance", "data.allowances"):
        monkeypatch.setattr(f"tts.serving.{module}.database_time", lambda session: times[0])
    return times


def refused(allowance, caller, n_chars):
    """Return the message of a refusal and the seconds after which to ask again."""
    with pytest.raises(ServiceError) as error:
        allowance.take(caller, n_chars)
    assert (error.value.code, error.value.status) == ("rate_limited", 429)
    return str(error.value), int(error.value.headers["Retry-After"])


def test_two_processes_share_one_allowance(database, other_process):
    first, second = Allowance(database, 100, 1000), Allowance(other_process, 100, 1000)
    assert first.take(ANN, 60)["RateLimit"] == '"characters";r=40;t=60'
    message, _ = refused(second, ANN, 50)
    assert message == (
        "50 characters would be more than the 40 that are left of 100 characters in a minute"
    )
    assert second.take(ANN, 40)["RateLimit"] == '"characters";r=0;t=60'
    refused(first, ANN, 1)
    assert first.take(BOB, 100)


def test_requests_at_one_moment_take_no_more_than_there_is(database, other_process):
    answers = []

    def ask(allowance):
        try:
            answers.append(allowance.take(ANN, 10))
        except ServiceError:
            answers.append(None)

    threads = [
        threading.Thread(target=ask, args=(Allowance(each, 50, 1000),))
        for each in (database, other_process) * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert sum(answer is not None for answer in answers) == 5


def test_who_waits_as_long_as_he_is_told_is_let_in(database, clock):
    allowance = Allowance(database, 100, 1000)
    clock[0] += timedelta(seconds=30)
    allowance.take(ANN, 80)
    for n_chars in (40, 15, 100):
        _, seconds = refused(allowance, ANN, n_chars)
        clock[0] += timedelta(seconds=seconds - 2)
        refused(allowance, ANN, n_chars)
        clock[0] += timedelta(seconds=2)
        allowance.take(ANN, n_chars)


def test_a_day_has_a_limit_of_its_own(database, clock):
    allowance = Allowance(database, 100, 150)
    allowance.take(ANN, 100)
    clock[0] += timedelta(minutes=3)
    message, seconds = refused(allowance, ANN, 60)
    assert "150 characters in a day" in message
    assert 12 * 3600 < seconds < 36 * 3600
    assert refused(allowance, ANN, 101)[0] == "101 characters are more than a minute allows: 100"


def test_requests_are_limited_where_a_key_has_such_a_limit(database, clock):
    allowance = Allowance(database, 100, 1000)
    slow = Caller("s", "key:s", requests_per_minute=2)
    headers = allowance.take(slow, 1)
    assert headers["RateLimit-Policy"] == '"characters";q=100;w=60, "requests";q=2;w=60'
    assert headers["RateLimit"] == '"characters";r=99;t=60, "requests";r=1;t=60'
    allowance.take(slow, 1)
    assert "a request would be more than the 0" in refused(allowance, slow, 1)[0]
    for _ in range(5):
        allowance.take(ANN, 1)
    clock[0] += timedelta(minutes=2)
    allowance.take(slow, 1)


def test_what_is_over_is_forgotten_and_no_more(database, clock):
    allowance = Allowance(database, 100, 1000)
    allowance.take(ANN, 1)
    clock[0] += timedelta(seconds=119)
    allowance.take(BOB, 1)
    clock[0] += timedelta(seconds=1)
    with database.write() as session:
        forget_allowances(session)
        rows = session.scalars(select(AllowanceRow)).all()
    assert sorted((row.account, row.seconds) for row in rows) == [
        ("key:a", 86_400),
        ("key:b", 60),
        ("key:b", 86_400),
    ]


def test_a_clock_that_was_put_back_gives_nothing_twice(database, clock):
    allowance = Allowance(database, 100, 1000)
    allowance.take(ANN, 100)
    clock[0] -= timedelta(minutes=5)
    refused(allowance, ANN, 1)


def test_the_past_counts_by_the_share_that_is_not_over():
    assert Tally(60, 15.0, 10, 40).used == 10 + 40 * 0.75
    assert Tally(60, 15.0, 10, 40).wait_for(60, 100) == 0
    assert Tally(60, 15.0, 10, 40).wait_for(70, 100) == pytest.approx(15)
