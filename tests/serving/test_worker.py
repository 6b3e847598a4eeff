import io
import threading
from datetime import timedelta

import numpy as np
import pytest
import soundfile
from sqlalchemy import select

from tests.support.serving_fixtures import VOICE
from tests.support.serving_work import UNIT_SAMPLES, Hum, hum, put_texts, wait_until
from tts.audio.pcm import to_int16
from tts.core.errors import InputError
from tts.serving.data.accounts import JobRow, UsageRow
from tts.serving.data.database import database_time
from tts.serving.data.jobs import cancel_job, find_job, requeue_expired, take_job
from tts.serving.data.utterances import delete_utterance, find_rendition, find_utterance
from tts.serving.errors import ServiceError
from tts.serving.job_run import JobRun
from tts.serving.store import SoundStore
from tts.serving.worker import Worker


@pytest.fixture
def store(database, tmp_path):
    return SoundStore.open(str(tmp_path / "sound"), database)


def take(database):
    with database.write() as session:
        return take_job(session, "here", 60.0)


def job(database, job_id):
    with database.read() as session:
        return find_job(session, job_id)


def utterance(database, job_id):
    with database.read() as session:
        return find_utterance(session, find_job(session, job_id).utterance_id)


def run(database, store, begin=Hum, lease_seconds=60.0):
    """Take the next job and speak it."""
    JobRun(database, store, take(database), lease_seconds).run(begin)


def test_a_job_becomes_sound_parts_and_usage(database, store):
    (job_id,) = put_texts(database, ["One. Two. Three."])
    run(database, store)
    row = job(database, job_id)
    assert (row.state, row.parts_done, row.parts_total) == ("done", 3, 3)
    spoken = utterance(database, job_id)
    seconds = 3 * UNIT_SAMPLES / VOICE.sample_rate
    assert (spoken.state, spoken.seconds) == ("spoken", seconds)
    assert [(part.number, part.text) for part in spoken.parts] == [
        (0, "One"),
        (1, "Two"),
        (2, "Three"),
    ]
    with database.read() as session:
        (usage,) = session.scalars(select(UsageRow)).all()
        kept = find_rendition(session, spoken.id, "flac", VOICE.sample_rate)
    assert (usage.seconds, usage.compute_seconds) == (seconds, 1.5)
    samples, rate = soundfile.read(io.BytesIO(store.load(kept)), dtype="int16")
    expected = np.concatenate([hum(unit) for unit in ("One", "Two", "Three")])
    assert rate == VOICE.sample_rate
    assert (samples == to_int16(expected)).all()


def test_who_waits_for_a_sentence_can_hear_its_parts_before_the_end(database, store):
    (job_id,) = put_texts(database, ["One. Two."], lane="interactive")
    spoken_id, gate = job(database, job_id).utterance_id, threading.Event()
    thread = threading.Thread(target=run, args=(database, store, lambda text: Hum(text, 0, gate)))
    thread.start()
    wait_until(lambda: job(database, job_id).parts_done == 1)
    assert store.load_part(spoken_id, 0) == to_int16(hum("One")).tobytes()
    assert [part.text for part in utterance(database, job_id).parts] == ["One"]
    gate.set()
    thread.join()
    assert store.load_part(spoken_id, 1) == to_int16(hum("Two")).tobytes()


def test_a_running_job_hurries_when_somebody_waits_for_it(database, store):
    put_texts(database, ["One. Two."])
    gate, speeches = threading.Event(), []

    def begin(text):
        speeches.append(Hum(text, 0, gate))
        return speeches[-1]

    thread = threading.Thread(target=run, args=(database, store, begin))
    thread.start()
    wait_until(lambda: states(database) == ["running"] and speeches)
    assert not speeches[0].is_hurried
    put_texts(database, ["One. Two."], lane="interactive")
    gate.set()
    thread.join()
    assert speeches[0].is_hurried


def test_what_cannot_be_spoken_fails_with_its_reason(database, store):
    (job_id,) = put_texts(database, ["One. unspeakable."])
    run(database, store)
    row, spoken = job(database, job_id), utterance(database, job_id)
    assert (row.state, row.error_code) == ("failed", "could_not_speak")
    assert (spoken.state, spoken.error) == ("failed", "part 1: it was cut off")
    assert spoken.renditions == []


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (InputError("there is no option 'pitch'"), "failed", "invalid_request"),
        (
            ServiceError("voice_not_found", 404, "there is no such voice"),
            "failed",
            "voice_not_found",
        ),
        (ServiceError("busy", 503, "the queue is full"), "queued", None),
        (ServiceError("shutting_down", 503, "the service stops"), "queued", None),
        (ServiceError("sentence_too_slow", 504, "given up"), "queued", None),
        (ZeroDivisionError(), "queued", None),
    ],
)
def test_faults_of_the_text_end_a_job_and_others_do_not(database, store, error, state, code):
    (job_id,) = put_texts(database, ["One."])

    def begin(text):
        raise error

    run(database, store, begin)
    assert (job(database, job_id).state, job(database, job_id).error_code) == (state, code)


def test_a_fault_that_comes_again_and_again_ends_the_job(database, store, caplog):
    (job_id,) = put_texts(database, ["One."])

    def begin(text):
        raise ZeroDivisionError

    for _ in range(3):
        run(database, store, begin)
    row = job(database, job_id)
    assert (row.state, row.error_code) == ("failed", "internal_error")
    assert "ZeroDivisionError" not in row.error
    assert "ZeroDivisionError" in caplog.text


def test_a_worker_that_was_thought_dead_changes_nothing(database, store):
    (job_id,) = put_texts(database, ["One. Two."])
    late, gate = take(database), threading.Event()
    speech = []

    def begin(text):
        speech.append(Hum(text, 0, gate))
        return speech[0]

    thread = threading.Thread(target=JobRun(database, store, late, 60.0).run, args=(begin,))
    thread.start()
    wait_until(lambda: job(database, job_id).parts_done == 1)
    with database.write() as session:
        found = session.get(JobRow, job_id)
        found.lease_until = database_time(session) - timedelta(seconds=1)
    with database.write() as session:
        requeue_expired(session, 3)
    run(database, store)
    gate.set()
    thread.join()
    assert (job(database, job_id).state, job(database, job_id).attempts) == ("done", 2)
    with database.read() as session:
        (usage,) = session.scalars(select(UsageRow)).all()
    assert usage.compute_seconds == 1.0  # of one run, not of two


def test_a_running_job_that_is_cancelled_stops_at_once(database, store):
    (job_id,) = put_texts(database, ["One. Two."])
    lease, gate = take(database), threading.Event()
    spoken = JobRun(database, store, lease, 0.2)
    thread = threading.Thread(target=spoken.run, args=(lambda text: Hum(text, 0, gate),))
    thread.start()
    wait_until(lambda: job(database, job_id).parts_done == 1)
    with database.write() as session:
        cancel_job(session, job_id)
    thread.join(60)
    assert not thread.is_alive()
    assert job(database, job_id).state == "cancelled"
    assert utterance(database, job_id).state == "cancelled"


def test_a_job_whose_utterance_is_deleted_meanwhile_leaves_nothing(database, store):
    (job_id,) = put_texts(database, ["One. Two."])
    lease, gate = take(database), threading.Event()
    thread = threading.Thread(
        target=JobRun(database, store, lease, 60.0).run, args=(lambda text: Hum(text, 0, gate),)
    )
    thread.start()
    wait_until(lambda: job(database, job_id).parts_done == 1)
    with database.write() as session:
        delete_utterance(session, lease.utterance_id)
    gate.set()
    thread.join()
    assert job(database, job_id) is None
    with database.read() as session:
        assert find_rendition(session, lease.utterance_id, "flac", 22050) is None


def test_parts_of_another_cutting_of_the_text_are_replaced(database, store):
    (job_id,) = put_texts(database, ["One. Two. Three."])
    run(database, store)
    store._discard(utterance(database, job_id).renditions)
    put_texts(database, ["One. Two. Three."])

    def begin(text):
        speech = Hum(text)
        speech.units = ["One, two, three"]
        return speech

    run(database, store, begin)
    assert [part.text for part in utterance(database, job_id).parts] == ["One, two, three"]


@pytest.fixture
def started(database, store):
    """Return a function that starts a worker; it is stopped after the test."""
    workers = []

    def start(begin=Hum, **options):
        options = {"poll_seconds": 0.02, "parallel": 2, **options}
        workers.append(Worker(database, store, begin, **options))
        workers[-1].start()
        return workers[-1]

    yield start
    for worker in workers:
        worker.stop()


def states(database):
    with database.read() as session:
        return sorted(session.scalars(select(JobRow.state)).all())


def test_a_worker_speaks_what_comes(database, started):
    worker = started()
    put_texts(database, ["One.", "Two.", "Three."])
    wait_until(lambda: states(database) == ["done"] * 3)
    wait_until(lambda: worker.is_idle)


def test_a_hint_wakes_a_worker_that_looks_seldom(database, started):
    worker = started(poll_seconds=600.0)
    put_texts(database, ["One."])
    worker.hint()
    wait_until(lambda: states(database) == ["done"])


def test_jobs_are_spoken_side_by_side_so_that_they_share_a_batch(database, started):
    gate, speeches = threading.Event(), []

    def begin(text):
        speeches.append(Hum(text, 0, gate))
        return speeches[-1]

    started(begin, parallel=3)
    put_texts(database, ["One.", "Two.", "Three."])
    wait_until(lambda: len(speeches) == 3)
    gate.set()
    wait_until(lambda: states(database) == ["done"] * 3)


def test_a_worker_that_stops_gives_its_jobs_back(database, started):
    gate = threading.Event()
    worker = started(lambda text: Hum(text, 0, gate))
    (job_id,) = put_texts(database, ["One. Two."])
    wait_until(lambda: job(database, job_id).parts_done == 1)
    worker.stop()
    assert (job(database, job_id).state, job(database, job_id).attempts) == ("queued", 0)


def test_a_worker_that_stops_may_finish_first(database, started):
    worker = started(lambda text: Hum(text, 0.05))
    (job_id,) = put_texts(database, ["One. Two."])
    wait_until(lambda: job(database, job_id).state == "running")
    worker.stop(drain_seconds=60.0)
    assert job(database, job_id).state == "done"


def test_the_jobs_of_a_dead_worker_are_taken_up(database, started):
    (job_id,) = put_texts(database, ["One."])
    with database.write() as session:
        take_job(session, "dead", 0.01)
    started(lease_seconds=0.2)
    wait_until(lambda: states(database) == ["done"])
    assert job(database, job_id).attempts == 2


def test_a_worker_outlives_an_error_of_the_database(database, started, monkeypatch, caplog):
    from sqlalchemy.exc import OperationalError

    from tts.serving import worker as module

    original, faults = module.take_job, [1]

    def take_or_fail(*arguments):
        if faults:
            faults.pop()
            raise OperationalError("SELECT", {}, Exception("server closed the connection"))
        return original(*arguments)

    monkeypatch.setattr(module, "take_job", take_or_fail)
    monkeypatch.setattr(module, "_RECOVERY_SECONDS", 0.01)
    started()
    put_texts(database, ["One."])
    wait_until(lambda: states(database) == ["done"])
    assert "the database does not answer" in caplog.text


def test_an_utterance_whose_sound_was_removed_is_spoken_again(database, store):
    (job_id,) = put_texts(database, ["One."])
    run(database, store)
    row = utterance(database, job_id)
    store._discard(row.renditions)
    assert utterance(database, job_id).renditions == []
    (again,) = put_texts(database, ["One."])
    assert again != job_id
    run(database, store)
    assert utterance(database, job_id).renditions[0].sha256 == row.renditions[0].sha256
