"""Keeps the queue: a worker takes a job under a lease, and a lost worker's job is taken again.

A lease has a secret token. Whatever a worker writes about a job, it writes in a transaction in
which the job still has this token; a worker that was thought dead can therefore change nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from tts.serving.data.accounts import LANES, OPEN_STATES, JobRow
from tts.serving.data.askers import note_asker
from tts.serving.data.database import database_time
from tts.serving.data.inserting import find_or_add
from tts.serving.data.utterances import await_again, mark_cancelled, mark_failed

#: The error of a job whose workers were lost again and again.
WORKER_LOST = "worker_lost"


@dataclass(frozen=True)
class Lease:
    """Gives a worker the right to a job, for some time.

    Attributes:
        job_id: the job.
        utterance_id: what is to be spoken.
        api_key_id: who asked first.
        lane: the lane of the job.
        attempts: how often it was taken, this time included.
        token: proves that the worker still has it.
    """

    job_id: str
    utterance_id: str
    api_key_id: str
    lane: str
    attempts: int
    token: str


@dataclass(frozen=True)
class LaneLoad:
    """Describes what waits in a lane.

    Attributes:
        queued: jobs that no worker has.
        running: jobs that a worker has.
        oldest: when the first of the queued jobs came, or None.
    """

    queued: int
    running: int
    oldest: datetime | None


def put_job(session: Session, utterance_id: str, api_key_id: str, lane: str) -> tuple[JobRow, bool]:
    """Return the open job of an utterance, and whether it is new.

    Equal requests share a job. One that somebody waits for moves to the interactive lane, and one
    that was to be cancelled goes on.
    """
    now = database_time(session)
    row, is_new = find_or_add(
        session,
        lambda: _open_job(session, utterance_id),
        lambda: JobRow(
            id=secrets.token_hex(16),
            utterance_id=utterance_id,
            api_key_id=api_key_id,
            lane=lane,
            state="queued",
            parts_done=0,
            attempts=0,
            cancel_requested=False,
            created_at=now,
        ),
    )
    if not is_new:
        row.cancel_requested = False
        row.lane = min(row.lane, lane, key=LANES.index)
    session.flush()
    note_asker(session, utterance_id, api_key_id)
    await_again(session, utterance_id)
    return row, is_new


def find_job(session: Session, job_id: str) -> JobRow | None:
    """Return a job, or None."""
    return session.get(JobRow, job_id)


def find_open_job(session: Session, utterance_id: str) -> JobRow | None:
    """Return the job of an utterance that is still to be done, or None."""
    return session.scalars(select(JobRow).where(_is_open_of(utterance_id))).first()


def take_job(
    session: Session, worker: str, lease_seconds: float, lanes: Sequence[str] = LANES
) -> Lease | None:
    """Give a worker the job that has waited longest, or None if none waits.

    Args:
        session: of :meth:`tts.serving.data.database.Database.write`.
        worker: names the process, for people.
        lease_seconds: the worker is thought dead if nothing is heard of it for so long.
        lanes: lanes that it serves; a job of a lane is taken if there is none in those before.
    """
    now = database_time(session)
    for lane in lanes:
        job = session.scalars(
            select(JobRow)
            .where(JobRow.state == "queued", JobRow.lane == lane)
            .order_by(JobRow.created_at, JobRow.id)
            .limit(1)
            # PostgreSQL: pass by what others are taking; SQLite has one writer at a time anyway
            .with_for_update(skip_locked=True)
        ).first()
        if job is not None:
            return _leased(session, job, worker, now, lease_seconds)
    return None


def take_job_of(
    session: Session, utterance_id: str, worker: str, lease_seconds: float
) -> Lease | None:
    """Give a worker the job of an utterance if it waits, whatever has waited longer; or None."""
    job = session.scalars(
        select(JobRow)
        .where(_is_open_of(utterance_id), JobRow.state == "queued")
        .with_for_update(skip_locked=True)
    ).first()
    if job is None:
        return None
    return _leased(session, job, worker, database_time(session), lease_seconds)


def renew_lease(
    session: Session, lease: Lease, lease_seconds: float
) -> Literal["held", "cancel", "lost"]:
    """Say that a worker lives; return "cancel" if it is to stop, "lost" if others have the job."""
    job = held_job(session, lease)
    if job is None:
        return "lost"
    now = database_time(session)
    job.heartbeat_at, job.lease_until = now, now + timedelta(seconds=lease_seconds)
    return "cancel" if job.cancel_requested else "held"


def held_job(session: Session, lease: Lease) -> JobRow | None:
    """Return the job of a lease, locked until the end of the transaction; None if it is lost."""
    return session.scalars(
        select(JobRow)
        .where(
            JobRow.id == lease.job_id,
            JobRow.state == "running",
            JobRow.lease_token == lease.token,
        )
        .with_for_update()
    ).first()


def is_heard_of(job: JobRow, now: datetime) -> bool:
    """Return whether a running job's worker has renewed its lease of late, and so lives."""
    if job.lease_until is None or job.heartbeat_at is None:
        return False
    return now - job.heartbeat_at < (job.lease_until - job.heartbeat_at) / 2


def complete_job(session: Session, lease: Lease, n_parts: int | None = None) -> bool:
    """Note that a job is done; return False, and change nothing, if its lease was lost.

    Args:
        session: in a transaction that may write.
        lease: of the worker.
        n_parts: of an utterance that was spoken otherwise: its parts. None: what the job has made.
    """
    job = held_job(session, lease)
    if job is not None:
        job.parts_done = job.parts_done if n_parts is None else n_parts
        job.parts_total = job.parts_done
        _finish(session, job, "done")
    return job is not None


def fail_job(
    session: Session, lease: Lease, code: str, message: str, *, most_attempts: int = 1
) -> bool:
    """Note that a job failed; return False, and change nothing, if its lease was lost.

    Args:
        session: in a transaction that may write.
        lease: of the worker.
        code: a stable name of the reason.
        message: the reason as a sentence.
        most_attempts: the job goes back to the queue until it was taken so often.
    """
    job = held_job(session, lease)
    if job is not None:
        _end_attempt(session, job, code, message, most_attempts)
    return job is not None


def return_job(session: Session, lease: Lease) -> bool:
    """Put a job back, as if it had not been taken; return False if its lease was lost.

    A worker does this when it is to end, or when the job is to be cancelled: then it ends here.
    """
    job = held_job(session, lease)
    if job is not None and job.cancel_requested:
        _finish(session, job, "cancelled")
    elif job is not None:
        job.attempts -= 1
        _requeue(job)
    return job is not None


def cancel_job(session: Session, job_id: str) -> JobRow | None:
    """Cancel a job, or ask its worker to; return the job, or None if there is none.

    A job that has ended stays as it is, so that asking twice does no harm.
    """
    job = session.scalars(select(JobRow).where(JobRow.id == job_id).with_for_update()).first()
    if job is not None and job.state == "queued":
        _finish(session, job, "cancelled")
    elif job is not None and job.state == "running":
        job.cancel_requested = True
    return job


def requeue_expired(session: Session, most_attempts: int) -> list[JobRow]:
    """Put back the jobs whose workers were not heard of in time; return them.

    Args:
        session: in a transaction that may write.
        most_attempts: a job that was taken so often fails, as it may be what kills its workers.
    """
    expired = session.scalars(
        select(JobRow)
        .where(JobRow.state == "running", JobRow.lease_until < database_time(session))
        .with_for_update(skip_locked=True)
    ).all()
    for job in expired:
        message = f"{job.attempts} workers were lost while they spoke this text"
        _end_attempt(session, job, WORKER_LOST, message, most_attempts)
    return list(expired)


def lane_loads(session: Session) -> dict[str, LaneLoad]:
    """Return what waits in each lane."""
    counts = session.execute(
        select(JobRow.lane, JobRow.state, func.count(), func.min(JobRow.created_at))
        .where(JobRow.state.in_(OPEN_STATES))
        .group_by(JobRow.lane, JobRow.state)
    ).all()
    rows = {(lane, state): (number, oldest) for lane, state, number, oldest in counts}
    none: tuple[int, datetime | None] = (0, None)
    return {
        lane: LaneLoad(
            queued=rows.get((lane, "queued"), none)[0],
            running=rows.get((lane, "running"), none)[0],
            oldest=rows.get((lane, "queued"), none)[1],
        )
        for lane in LANES
    }


def _open_job(session: Session, utterance_id: str) -> JobRow | None:
    return session.scalars(
        select(JobRow).where(_is_open_of(utterance_id)).with_for_update()
    ).first()


def _is_open_of(utterance_id: str) -> ColumnElement[bool]:
    """Return the condition of the open job of an utterance; there is one at most."""
    return and_(JobRow.utterance_id == utterance_id, JobRow.state.in_(OPEN_STATES))


def _leased(
    session: Session, job: JobRow, worker: str, now: datetime, lease_seconds: float
) -> Lease:
    """Give a worker a job that waits."""
    job.state, job.worker, job.lease_token = "running", worker, secrets.token_hex(16)
    job.lease_until = now + timedelta(seconds=lease_seconds)
    job.heartbeat_at, job.started_at = now, job.started_at or now
    job.attempts += 1
    job.parts_done, job.parts_total = 0, None
    session.flush()
    return Lease(job.id, job.utterance_id, job.api_key_id, job.lane, job.attempts, job.lease_token)


def _end_attempt(
    session: Session, job: JobRow, code: str, message: str, most_attempts: int
) -> None:
    """End what a worker began: the job is taken again, or it has failed."""
    if job.cancel_requested:
        _finish(session, job, "cancelled")
    elif job.attempts < most_attempts:
        _requeue(job)
    else:
        job.error_code, job.error = code, message
        _finish(session, job, "failed")
        mark_failed(session, job.utterance_id, code, message)


def _requeue(job: JobRow) -> None:
    job.state, job.lease_token, job.lease_until = "queued", None, None


def _finish(session: Session, job: JobRow, state: str) -> None:
    job.state, job.finished_at = state, database_time(session)
    job.lease_token, job.lease_until = None, None
    if state == "cancelled":
        mark_cancelled(session, job.utterance_id)


def forget_jobs(session: Session, states: Collection[str], before: datetime) -> int:
    """Remove ended jobs of a time long past; return their number."""
    old = session.scalars(
        select(JobRow).where(JobRow.state.in_(states), JobRow.finished_at < before)
    ).all()
    for job in old:
        session.delete(job)
    return len(old)
