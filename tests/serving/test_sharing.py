"""A text that is queued and asked for at once is spoken once, whoever comes first."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.support.serving import (
    HummingEngine,
    client_of,
    on_both_databases,
    raw_answer,
    read_sound,
    settle,
    wait_for,
)
from tts.serving.data.accounts import JobRow, UsageRow
from tts.serving.data.jobs import take_job
from tts.serving.engine_jobs import EngineJobs
from tts.serving.metrics import Metrics
from tts.serving.service import Service
from tts.serving.speaking import LiveSpeaker
from tts.serving.worker import Worker

pytestmark = on_both_databases

TEXT = "A sentence for two. And one more, which comes after it."
ASKED = {"voice": "lj", "input": TEXT, "response_format": "flac"}


@pytest.fixture
def make_worker(service):
    """Return a function that starts a worker beside the service."""
    workers = []

    def make(poll_seconds=0.02):
        begin = EngineJobs(service.engine, service.desk, service.speaker.sounds, service.metrics)
        workers.append(Worker(service.database, service.store, begin, poll_seconds=poll_seconds))
        workers[-1].start()
        return workers[-1]

    yield make
    service.engine.gate.set()
    for worker in workers:
        worker.stop()


@pytest.fixture
def speaking():
    """Return a function that asks for speech in a thread; ``answers`` are its answers."""
    answers, threads = [], []

    def ask(client):
        thread = threading.Thread(
            target=lambda: answers.append(client.post("/v1/audio/speech", json=ASKED))
        )
        threads.append(thread)
        thread.start()

    ask.answers = answers
    yield ask
    for thread in threads:
        thread.join()


def queue(client):
    """Put the text into the queue; return the address of its job."""
    body, headers = {"text": TEXT, "voice": "lj"}, {"prefer": "respond-async"}
    answer = client.post("/v1/utterances", json=body, headers=headers)
    assert answer.status_code == 202
    return answer.headers["location"]


def half_spoken(service, client, make_worker):
    """Let a worker speak the first part of the text, and no more; return the address of its job."""
    service.engine.gate.clear()
    job = queue(client)
    make_worker()
    wait_for(lambda: client.get(job).json()["parts_done"] == 1)
    return job


def state(client, job):
    return client.get(job).json()["state"]


def check_once(service, client, job):
    """Check that the text was spoken, kept and counted once, and that its job is done."""
    assert service.engine.n_requests == 1
    (utterance,) = client.get("/v1/utterances").json()["utterances"]
    with service.database.read() as session:
        usage = session.scalars(select(UsageRow)).all()
    assert sum(row.seconds for row in usage) == utterance["seconds"] > 0
    sound = service.metrics.registry.get_sample_value("tacoglow_sound_seconds_total")
    assert sound == pytest.approx(utterance["seconds"])
    done = client.get(job).json()
    assert (done["state"], done["parts_done"]) == ("done", done["parts_total"])


def test_a_job_that_is_taken_while_its_text_is_spoken_shares_the_speech(
    client, service, make_worker, speaking
):
    service.engine.gate.clear()
    job = queue(client)
    speaking(client)
    wait_for(lambda: service.engine.n_requests == 1)
    make_worker()
    wait_for(lambda: state(client, job) == "running")
    service.engine.gate.set()
    wait_for(lambda: state(client, job) == "done")
    settle(service)
    check_once(service, client, job)


def test_who_asks_for_the_text_of_a_waiting_job_takes_the_job_along(
    client, service, make_worker, speaking
):
    service.speaker.adopt = make_worker(poll_seconds=600.0).adopt
    service.engine.gate.clear()
    job = queue(client)
    speaking(client)
    wait_for(lambda: state(client, job) == "running")
    service.engine.gate.set()
    wait_for(lambda: state(client, job) == "done")
    settle(service)
    check_once(service, client, job)


def test_who_asks_for_the_text_of_a_running_job_hears_its_speech_and_hurries_it(
    client, service, make_worker, speaking
):
    service.engine.gate.clear()
    job = queue(client)
    make_worker()
    wait_for(lambda: service.engine.n_requests == 1)
    speaking(client)
    wait_for(lambda: service.engine.hurried == [TEXT])
    service.engine.gate.set()
    wait_for(lambda: state(client, job) == "done" and speaking.answers)
    settle(service)
    assert speaking.answers[0].status_code == 200
    check_once(service, client, job)


def test_a_job_whose_text_was_spoken_before_it_was_taken_is_done_at_once(
    client, service, make_worker
):
    job = queue(client)
    assert client.post("/v1/audio/speech", json=ASKED).status_code == 200
    settle(service)
    assert state(client, job) == "queued"
    make_worker()
    wait_for(lambda: state(client, job) == "done")
    check_once(service, client, job)


def test_a_job_whose_sound_was_damaged_meanwhile_is_spoken(client, service, make_worker):
    job = queue(client)
    client.post("/v1/audio/speech", json=ASKED)
    settle(service)
    (kept,) = service.store._files._folder.rglob("*.flac")
    kept.write_bytes(b"noise")
    make_worker()
    wait_for(lambda: state(client, job) == "done")
    assert service.engine.n_requests == 2


@pytest.fixture
def other_process(service):
    """Return a service with an engine of its own, and the database and store of the first one."""
    desk, database, store, metrics = service.desk, service.database, service.store, Metrics()
    engine = HummingEngine(desk.voices)
    speaker = LiveSpeaker(engine, desk, database, store, metrics)
    other = Service(service.settings, database, store, desk, speaker, metrics)
    other.engine = engine
    yield other
    speaker.close()


def test_a_job_that_another_process_speaks_is_followed(
    client, service, other_process, make_worker, speaking
):
    job = half_spoken(service, client, make_worker)
    with client_of(other_process) as there:
        speaking(there)
        wait_for(lambda: len(other_process.speaker.sounds) == 1)
        with service.database.read() as session:
            assert session.scalars(select(JobRow.lane)).one() == "interactive"
        service.engine.gate.set()
        wait_for(lambda: speaking.answers)
    assert other_process.engine.n_requests == 0

    stored = client.post("/v1/audio/speech", json=ASKED)
    followed, kept = (read_sound(each.content)[0] for each in (speaking.answers[0], stored))
    assert (followed == kept).all()
    check_once(service, client, job)


def test_who_leaves_what_was_only_followed_does_not_cancel_it(
    client, service, other_process, make_worker
):
    job = half_spoken(service, client, make_worker)
    raw_answer(other_process, "/v1/audio/speech", ASKED, leave_after=1)
    wait_for(lambda: len(other_process.speaker.sounds) == 0)
    service.engine.gate.set()
    wait_for(lambda: state(client, job) == "done")


def test_a_job_of_a_dead_worker_is_not_waited_for(client, service, speaking):
    queue(client)
    with service.database.write() as session:
        take_job(session, "dead", 60.0)
        job = session.scalars(select(JobRow)).one()
        job.heartbeat_at -= timedelta(seconds=50)
        job.lease_until -= timedelta(seconds=50)
    speaking(client)
    wait_for(lambda: speaking.answers)
    assert speaking.answers[0].status_code == 200
    assert service.engine.n_requests == 1


def test_nothing_is_followed_any_more_when_a_service_has_ended(
    client, service, other_process, make_worker, speaking
):
    job = half_spoken(service, client, make_worker)
    with client_of(other_process) as there:
        speaking(there)
        wait_for(lambda: len(other_process.speaker.sounds) == 1)
        other_process.speaker.close()
        wait_for(lambda: speaking.answers)
    assert not [thread for thread in threading.enumerate() if thread.name == "follow"]
    service.engine.gate.set()
    wait_for(lambda: state(client, job) == "done")
