"""Kills workers, and checks that nothing is lost, nothing is done twice, and all is whole."""

import multiprocessing
import os
import random
import sqlite3
import time

import pytest
from sqlalchemy import func, select

from tests.support.serving_work import put_texts, wait_until, work
from tts.serving.data.accounts import JobRow, UsageRow
from tts.serving.data.models import PartRow, RenditionRow, UtteranceRow
from tts.serving.store import SoundStore, name_of

pytestmark = pytest.mark.slow

#: How often a worker is killed in the test of SQLite.
KILLS = int(os.environ.get("TACOGLOW_KILLS", "10"))
JOBS_FOR_EACH_KILL = 6
PATIENCE = 240.0


@pytest.fixture(scope="module")
def context():
    """Return how processes are started: as forks of one that has loaded everything, and no more."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.serving_work"])
    return context


@pytest.fixture
def start(context, database, tmp_path):
    """Return a function that starts a process which works; all are ended after the test."""
    processes = []
    url = database.engine.url.render_as_string(hide_password=False)

    def begin(**options):
        process = context.Process(
            target=work, args=(url, str(tmp_path / "sound")), kwargs=options, daemon=True
        )
        process.start()
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.join()


def count(database, *states):
    with database.read() as session:
        chosen = select(func.count()).select_from(JobRow).where(JobRow.state.in_(states))
        return session.scalar(chosen)


def check_everything(database, tmp_path, texts):
    """Check that each job was done once, and that database and store are whole."""
    units = sum(text.count(".") for text in texts)
    store = SoundStore.open(str(tmp_path / "sound"), database)
    with database.read() as session:
        assert session.scalars(select(JobRow.state).distinct()).all() == ["done"]
        assert session.scalar(select(func.count()).select_from(JobRow)) == len(texts)
        assert session.scalars(select(UtteranceRow.state).distinct()).all() == ["spoken"]
        # every end of a job adds to it: it counts how often the jobs were done
        assert session.scalar(select(func.sum(UsageRow.compute_seconds))) == units / 2
        assert session.scalar(select(func.count()).select_from(PartRow)) == units
        kept = session.scalars(select(RenditionRow)).all()
    assert len(kept) == len(texts)
    assert [name_of(row) for row in kept if not store.load(row)] == []
    assert store.sweep(abandoned_after=-60)[1] == 0
    names = {path.name for path in (tmp_path / "sound").rglob("*") if path.is_file()}
    assert names == {name_of(row).split("/")[1] for row in kept}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_workers_do_every_job_once_although_one_is_killed(database, start, tmp_path):
    texts = [f"Text number {number}. It has two sentences." for number in range(200)]
    put_texts(database, texts)
    first, _ = start(seconds=0.005), start(seconds=0.005)
    wait_until(lambda: count(database, "done") >= 50, PATIENCE)
    first.kill()
    first.join()
    assert count(database, "queued", "running") > 0
    wait_until(lambda: count(database, "done") == len(texts), PATIENCE)
    with database.read() as session:
        workers = session.scalars(select(JobRow.worker).distinct()).all()
    assert len(workers) == 2
    check_everything(database, tmp_path, texts)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_kills_at_any_moment_lose_nothing(database, start, tmp_path):
    chance, texts, n_hit = random.Random(0), [], 0
    for kill in range(KILLS):
        new = [f"Kill {kill}, text {number}. Again." for number in range(JOBS_FOR_EACH_KILL)]
        put_texts(database, new, "interactive")
        texts += new
        before = count(database, "done")
        process = start(seconds=0.01, lease_seconds=0.5)
        wait_until(lambda before=before: count(database, "done") > before, PATIENCE)
        time.sleep(chance.uniform(0, 0.15))
        process.kill()
        process.join()
        n_hit += count(database, "running") > 0
        file = sqlite3.connect(database.engine.url.database)
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
        file.close()
    assert n_hit > 0, "no kill has hit a running job, so that the test proves nothing"
    last = start(seconds=0.0, lease_seconds=0.5)
    wait_until(lambda: count(database, "done") == len(texts), PATIENCE)
    last.terminate()
    last.join(PATIENCE)
    assert last.exitcode == 0
    check_everything(database, tmp_path, texts)
