import threading
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import text as sql
from sqlalchemy.exc import IntegrityError

from tests.support.serving_fixtures import spoken_text
from tts.serving.data.accounts import LOCAL_KEY, JobRow
from tts.serving.data.jobs import (
    cancel_job,
    complete_job,
    fail_job,
    find_job,
    lane_loads,
    put_job,
    renew_lease,
    requeue_expired,
    return_job,
    take_job,
)
from tts.serving.data.utterances import delete_utterance, find_utterance, mark_spoken


def put(database, text="Hello.", lane="batch"):
    utterance = spoken_text(database, text)
    with database.write() as session:
        return put_job(session, utterance, LOCAL_KEY, lane)[0].id


def take(database, seconds=60.0, **options):
    with database.write() as session:
        return take_job(session, "worker 1", seconds, **options)


def do(database, action, *arguments, **options):
    with database.write() as session:
        return action(session, *arguments, **options)


def job(database, job_id):
    with database.read() as session:
        return find_job(session, job_id)


def expire(database, job_id):
    """Let the lease of a job end a minute ago."""
    with database.write() as session:
        past = datetime.now(timezone.utc) - timedelta(minutes=1)
        session.get(JobRow, job_id).lease_until = past


def test_a_job_goes_from_the_queue_to_its_end(database):
    job_id = put(database)
    assert job(database, job_id).state == "queued"
    lease = take(database)
    assert (lease.job_id, lease.attempts) == (job_id, 1)
    assert job(database, job_id).state == "running"
    assert do(database, renew_lease, lease, 60.0) == "held"
    assert do(database, complete_job, lease)
    row = job(database, job_id)
    assert (row.state, row.lease_token) == ("done", None)
    assert row.created_at <= row.started_at <= row.finished_at
    assert take(database) is None


def test_sentences_that_somebody_waits_for_come_before_books_and_older_jobs_first(database):
    ids = [
        put(database, text, lane)
        for text, lane in zip("abcd", ("batch", "interactive") * 2, strict=True)
    ]
    assert [take(database).job_id for _ in ids] == [ids[1], ids[3], ids[0], ids[2]]


def test_a_worker_may_serve_one_lane_alone(database):
    put(database)
    assert take(database, lanes=("interactive",)) is None


def test_equal_requests_share_one_job_until_it_has_ended(database):
    first = put(database)
    assert put(database) == first
    lease = take(database)
    assert put(database) == first
    do(database, complete_job, lease)
    assert put(database) != first


def test_the_database_itself_refuses_a_second_open_job(database):
    put(database)
    utterance = spoken_text(database)
    now = datetime.now(timezone.utc)
    twin = JobRow(
        id="0" * 32,
        utterance_id=utterance,
        api_key_id=LOCAL_KEY,
        lane="batch",
        state="queued",
        parts_done=0,
        attempts=0,
        cancel_requested=False,
        created_at=now,
    )
    with pytest.raises(IntegrityError, match=r"(?i)unique"), database.write() as session:
        session.add(twin)


def test_a_shared_job_moves_to_the_lane_of_who_waits(database):
    job_id = put(database, lane="batch")
    put(database, lane="interactive")
    assert job(database, job_id).lane == "interactive"
    put(database, lane="batch")
    assert job(database, job_id).lane == "interactive"


def test_a_worker_whose_lease_was_lost_changes_nothing(database):
    job_id = put(database)
    late = take(database)
    expire(database, job_id)
    assert [row.id for row in do(database, requeue_expired, 3)] == [job_id]
    assert do(database, renew_lease, late, 60.0) == "lost"
    lease = take(database)
    for action, more in ((complete_job, ()), (return_job, ()), (fail_job, ("code", "why"))):
        assert not do(database, action, late, *more)
    assert job(database, job_id).state == "running"
    assert do(database, complete_job, lease)


def test_a_heartbeat_keeps_a_job(database):
    job_id = put(database)
    lease = take(database)
    expire(database, job_id)
    assert do(database, renew_lease, lease, 60.0) == "held"
    assert do(database, requeue_expired, 3) == []


def test_a_job_that_loses_all_its_workers_fails(database):
    job_id = put(database)
    for _ in range(3):
        take(database)
        expire(database, job_id)
        do(database, requeue_expired, 3)
    row = job(database, job_id)
    assert (row.state, row.error_code, row.attempts) == ("failed", "worker_lost", 3)
    assert "3 workers were lost" in row.error
    with database.read() as session:
        assert find_utterance(session, row.utterance_id).state == "failed"


def test_a_job_that_is_given_back_has_lost_no_attempt(database):
    job_id = put(database)
    assert do(database, return_job, take(database))
    assert (job(database, job_id).state, job(database, job_id).attempts) == ("queued", 0)
    assert take(database).attempts == 1


def test_a_failed_job_is_tried_again_as_often_as_wished(database):
    job_id = put(database)
    assert do(database, fail_job, take(database), "busy", "Later.", most_attempts=2)
    assert job(database, job_id).state == "queued"
    assert do(database, fail_job, take(database), "busy", "Later.", most_attempts=2)
    assert (job(database, job_id).state, job(database, job_id).error) == ("failed", "Later.")


def test_a_failed_utterance_waits_again_when_somebody_asks_again(database):
    put(database)
    do(database, fail_job, take(database), "could_not_speak", "Part 1 was cut off.")
    utterance = spoken_text(database)
    with database.read() as session:
        assert find_utterance(session, utterance).error_code == "could_not_speak"
    put(database)
    with database.read() as session:
        assert find_utterance(session, utterance).state == "waiting"


@pytest.mark.parametrize("is_running", [False, True])
def test_the_utterance_of_a_cancelled_job_says_so_until_somebody_asks_again(database, is_running):
    job_id = put(database)
    lease = take(database) if is_running else None
    do(database, cancel_job, job_id)
    if lease is not None:
        do(database, return_job, lease)
    utterance = spoken_text(database)
    with database.read() as session:
        assert find_utterance(session, utterance).state == "cancelled"
    again = put(database)
    assert again != job_id
    with database.read() as session:
        assert find_utterance(session, utterance).state == "waiting"


def test_a_cancelled_job_takes_nothing_from_an_utterance_that_was_spoken(database):
    job_id = put(database)
    utterance = spoken_text(database)
    do(database, mark_spoken, utterance, 1.0)
    do(database, cancel_job, job_id)
    with database.read() as session:
        assert find_utterance(session, utterance).state == "spoken"


def test_a_waiting_job_is_cancelled_at_once_and_twice_does_no_harm(database):
    job_id = put(database)
    for _ in range(2):
        assert do(database, cancel_job, job_id).state == "cancelled"
    assert take(database) is None
    assert do(database, cancel_job, "no such job") is None


def test_a_running_job_is_cancelled_when_its_worker_hears_of_it(database):
    job_id = put(database)
    lease = take(database)
    assert do(database, cancel_job, job_id).state == "running"
    assert do(database, renew_lease, lease, 60.0) == "cancel"
    assert do(database, return_job, lease)
    assert job(database, job_id).state == "cancelled"


def test_a_cancelled_job_is_not_taken_up_again_when_its_worker_is_lost(database):
    job_id = put(database)
    take(database)
    do(database, cancel_job, job_id)
    expire(database, job_id)
    do(database, requeue_expired, 3)
    assert job(database, job_id).state == "cancelled"


def test_who_asks_again_keeps_a_job_from_being_cancelled(database):
    job_id = put(database)
    lease = take(database)
    do(database, cancel_job, job_id)
    assert put(database) == job_id
    assert do(database, renew_lease, lease, 60.0) == "held"


def test_a_job_ends_with_its_utterance(database):
    job_id = put(database)
    lease = take(database)
    assert do(database, delete_utterance, lease.utterance_id)
    assert not do(database, delete_utterance, lease.utterance_id)
    assert not do(database, complete_job, lease)
    assert job(database, job_id) is None


def test_the_load_of_each_lane_is_counted(database):
    for text, lane in zip("abc", ("batch", "batch", "interactive"), strict=True):
        put(database, text, lane)
    take(database)
    with database.read() as session:
        loads = lane_loads(session)
    assert (loads["interactive"].queued, loads["interactive"].running) == (0, 1)
    assert (loads["batch"].queued, loads["batch"].running) == (2, 0)
    assert loads["interactive"].oldest is None
    assert loads["batch"].oldest.tzinfo is not None


def at_once(count, action):
    """Run an action in threads at the same moment; return what they return."""
    barrier, results = threading.Barrier(count), []

    def run():
        barrier.wait()
        results.append(action())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == count
    return results


def test_equal_requests_at_one_moment_make_one_utterance_and_one_job(database):
    assert len(set(at_once(5, lambda: put(database)))) == 1


def test_workers_at_one_moment_take_different_jobs(database):
    ids = {put(database, text) for text in "abcde"}
    assert {lease.job_id for lease in at_once(5, lambda: take(database))} == ids


def test_a_lost_job_is_put_back_once_although_many_look_for_it(database):
    job_id = put(database)
    take(database)
    expire(database, job_id)
    found = at_once(4, lambda: do(database, requeue_expired, 3))
    assert sum(len(rows) for rows in found) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_queue_is_searched_by_an_index(database):
    statement = (
        "EXPLAIN QUERY PLAN SELECT * FROM job WHERE state = 'queued' AND lane = 'batch' "
        "ORDER BY created_at, id LIMIT 1"
    )
    with database.read() as session:
        plan = " ".join(row.detail for row in session.execute(sql(statement)))
    assert "ix_job_queued" in plan
