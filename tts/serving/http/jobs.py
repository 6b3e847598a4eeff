"""Tells how far jobs are, and cancels them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tts.serving.data.accounts import OPEN_STATES, JobRow
from tts.serving.data.jobs import cancel_job, find_job
from tts.serving.errors import ServiceError
from tts.serving.http.negotiation import ACCEPTS_EVENTS, ACCEPTS_JSON
from tts.serving.http.schemas import problem_answers
from tts.serving.http.security import MayRead, MaySpeak, MayUse, TheService
from tts.serving.http.streaming import LiveAnswer, event, unless_left
from tts.serving.service import Service

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=problem_answers(401, 403, 404, 406))

#: Seconds between two looks at a job that somebody waits for, and the longest wait.
PAUSE = 0.1
LONGEST_WAIT = 60
#: Seconds after which a stream of events says that it is still there.
_STILL_THERE = 15

JobId = Annotated[str, Path(max_length=64)]


def _require_visible(job_id: JobId, caller: MayUse, service: TheService) -> None:
    with service.database.read() as session:
        row = find_job(session, job_id)
    if row is None or not (
        row.api_key_id == caller.key_id or service.may_see(row.utterance_id, caller)
    ):
        raise _unknown()


#: A dependency of routes: the caller may see the job; to others it is not there.
_IS_VISIBLE = Depends(_require_visible)


class JobAnswer(BaseModel):
    """Describes a job; ``parts_total`` is known once the text has been read."""

    id: str
    utterance: str
    lane: str
    state: str
    parts_done: int
    parts_total: int | None
    attempts: int
    error_code: str | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@router.get("/{job_id}", dependencies=[ACCEPTS_JSON, _IS_VISIBLE])
async def get_job(
    job_id: JobId,
    request: Request,
    caller: MayRead,
    service: TheService,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT, description="Answer when it ends, in these seconds.")
    ] = 0,
) -> JobAnswer:
    """Return a job, at once or when it has ended."""
    return await unless_left(request.receive, ended_job(service, job_id, wait))


@router.delete("/{job_id}", status_code=202, dependencies=[ACCEPTS_JSON, _IS_VISIBLE])
def delete_job(job_id: JobId, caller: MaySpeak, service: TheService) -> JobAnswer:
    """Cancel a job; asking again does no harm, and a job that has ended stays as it is."""
    with service.database.write() as session:
        row = cancel_job(session, job_id)
        if row is None:
            raise _unknown()
        return job_answer(row)


@router.get(
    "/{job_id}/events",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}}},
    dependencies=[ACCEPTS_EVENTS, _IS_VISIBLE],
)
async def get_job_events(job_id: JobId, caller: MayRead, service: TheService) -> Response:
    """Send an event ``job`` whenever a job changes, until it has ended."""
    await run_in_threadpool(_job, service, job_id)
    headers = {"Cache-Control": "no-store"}
    return LiveAnswer(_events(service, job_id), headers, "text/event-stream")


async def _events(service: Service, job_id: str) -> AsyncGenerator[bytes, None]:
    before: JobAnswer | None = None
    quiet_since = time.monotonic()
    while before is None or before.state in OPEN_STATES:
        job = await run_in_threadpool(_job, service, job_id)
        if job != before:
            before, quiet_since = job, time.monotonic()
            yield event("job", job.model_dump(mode="json"))
        elif time.monotonic() - quiet_since > _STILL_THERE:
            quiet_since = time.monotonic()
            yield b": still there\n\n"
        if job.state in OPEN_STATES:
            await asyncio.sleep(PAUSE)


async def ended_job(service: Service, job_id: str, seconds: float) -> JobAnswer:
    """Return a job when it has ended, or after some seconds as it is then.

    Raises:
        ServiceError: there is no such job.
    """
    until = time.monotonic() + seconds
    while True:
        job = await run_in_threadpool(_job, service, job_id)
        if job.state not in OPEN_STATES or time.monotonic() >= until:
            return job
        await asyncio.sleep(PAUSE)


def job_answer(row: JobRow) -> JobAnswer:
    """Return what clients see of a job."""
    known = {name: getattr(row, name) for name in JobAnswer.model_fields if name != "utterance"}
    return JobAnswer(**known, utterance=row.utterance_id)


def _job(service: Service, job_id: str) -> JobAnswer:
    with service.database.read() as session:
        row = find_job(session, job_id)
        if row is None:
            raise _unknown()
        return job_answer(row)


def _unknown() -> ServiceError:
    return ServiceError("unknown_job", 404, "there is no job with this id")
