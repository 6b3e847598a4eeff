"""Speaks the jobs of the queue in threads of its own (``Worker``), on as many machines as wished.

Several jobs are spoken at a time, because the engine decodes what waits together in one batch.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from tts.core.errors import one_line
from tts.serving.data.accounts import JOB_STATES, OPEN_STATES
from tts.serving.data.allowances import forget_allowances
from tts.serving.data.database import Database, database_time
from tts.serving.data.idempotency import forget_expired
from tts.serving.data.jobs import Lease, forget_jobs, requeue_expired, take_job, take_job_of
from tts.serving.job_run import MOST_ATTEMPTS, JobRun
from tts.serving.job_speech import BeginSpeech
from tts.serving.store import SoundStore
from tts.serving.threads import ThreadGroup

_log = logging.getLogger(__name__)

#: How often the queue is looked at while it is empty, seconds.
POLL_SECONDS = 0.5
#: Pause after an error of the database, seconds.
_RECOVERY_SECONDS = 2.0
#: How often leases are looked at, as a share of their time.
_CARE_SHARE = 0.25
_SWEEP_SECONDS = 3600.0
#: How long ended jobs are remembered.
JOBS_KEPT = timedelta(days=30)


class Worker:
    """Takes jobs, and speaks them.

    Args:
        database: has the queue; several workers share it.
        store: gets the sound.
        begin: begins to speak a text.
        parallel: jobs that are spoken at a time.
        lease_seconds: a job goes to another worker if nothing is heard of this one for so long.
        poll_seconds: how often the queue is looked at while it is empty.
        most_attempts: a job whose workers die is taken so often; its text may be what ends them.
    """

    def __init__(
        self,
        database: Database,
        store: SoundStore,
        begin: BeginSpeech,
        *,
        parallel: int = 4,
        lease_seconds: float = 60.0,
        poll_seconds: float = POLL_SECONDS,
        most_attempts: int = MOST_ATTEMPTS,
    ) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._database = database
        self._store = store
        self._begin = begin
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._most_attempts = most_attempts
        self._is_stopping = threading.Event()
        self._changed = threading.Condition()
        self._n_hints = 0
        self._runs: set[JobRun] = set()
        self._adopted = ThreadGroup("adopted job", daemon=True)
        self._threads = [
            threading.Thread(target=self._work, name=f"worker {number}", daemon=True)
            for number in range(parallel)
        ]
        self._threads.append(threading.Thread(target=self._care, name="queue care", daemon=True))

    def start(self) -> None:
        """Begin to take jobs."""
        for thread in self._threads:
            thread.start()

    def hint(self) -> None:
        """Say that a job has come, so that it need not wait for the next look at the queue."""
        with self._changed:
            self._n_hints += 1
            self._changed.notify_all()

    def adopt(self, utterance_id: str) -> None:
        """Take the job of an utterance at once, if it waits, because it is being spoken here."""
        with self._database.write() as session:
            lease = take_job_of(session, utterance_id, self.name, self._lease_seconds)
        if lease is None:
            return
        self._adopted.start(self._run, lease)

    @property
    def is_alive(self) -> bool:
        """Return whether it takes jobs."""
        return not self._is_stopping.is_set() and all(each.is_alive() for each in self._threads)

    @property
    def is_idle(self) -> bool:
        """Return whether no job is being spoken here."""
        with self._changed:
            return not self._runs

    def stop(self, drain_seconds: float = 0.0) -> None:
        """Take no more jobs, let those that are being spoken end, and put back the rest.

        Args:
            drain_seconds: time that they get to end.
        """
        self._is_stopping.set()
        with self._changed:
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._runs, drain_seconds)
            left = list(self._runs)
        for run in left:
            run.leave()
        for thread in self._threads:
            thread.join()
        self._adopted.join()

    def _work(self) -> None:
        while not self._is_stopping.is_set():
            with self._changed:
                n_hints = self._n_hints
            try:
                with self._database.write() as session:
                    lease = take_job(session, self.name, self._lease_seconds)
                if lease is None:
                    self._wait(n_hints)
                else:
                    self._run(lease)
            except SQLAlchemyError as error:
                _log.warning("the database does not answer: %s", one_line(error))
                self._is_stopping.wait(_RECOVERY_SECONDS)

    def _run(self, lease: Lease) -> None:
        run = JobRun(self._database, self._store, lease, self._lease_seconds, self._most_attempts)
        with self._changed:
            self._runs.add(run)
        if self._is_stopping.is_set():  # between the taking and now
            run.leave()
        has_ended = False
        try:
            has_ended = run.run(self._begin)
        finally:
            with self._changed:
                self._runs.discard(run)
                self._changed.notify_all()
        if not has_ended:  # such as when the engine is full: it would be the same at once
            self._is_stopping.wait(self._poll_seconds)

    def _wait(self, n_hints: int) -> None:
        """Wait for a job; one that came after the last look at the queue is not overlooked."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._n_hints != n_hints or self._is_stopping.is_set(), self._poll_seconds
            )

    def _care(self) -> None:
        """Put back jobs of dead workers, and from time to time remove what nobody needs."""
        swept = time.monotonic() - _SWEEP_SECONDS
        while True:
            try:
                with self._database.write() as session:
                    lost = requeue_expired(session, self._most_attempts)
                for job in lost:
                    _log.warning("the worker %s of job %s was lost", job.worker, job.id)
                if time.monotonic() - swept >= _SWEEP_SECONDS:
                    self._tidy()
                    swept = time.monotonic()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("the queue could not be looked after: %s", one_line(error))
            if self._is_stopping.wait(self._lease_seconds * _CARE_SHARE):
                return

    def _tidy(self) -> None:
        with self._database.write() as session:
            forget_expired(session)
            forget_allowances(session)
            ended = [state for state in JOB_STATES if state not in OPEN_STATES]
            forget_jobs(session, ended, database_time(session) - JOBS_KEPT)
        n_files, n_rows = self._store.sweep()
        if n_files or n_rows:
            _log.info("swept the store: %d files without a row, %d rows without a file",
                      n_files, n_rows)  # fmt: skip
