"""Makes, lists and deletes utterances: texts that were spoken and are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tts.serving.allowance import Caller
from tts.serving.data.askers import withdraw_asker
from tts.serving.data.models import UtteranceRow
from tts.serving.data.utterances import delete_utterance, find_utterance, utterance_page
from tts.serving.engine.request import Lane
from tts.serving.errors import ServiceError
from tts.serving.http.idempotency import IdempotencyKey, answered_once
from tts.serving.http.jobs import JobAnswer, ended_job, job_answer
from tts.serving.http.negotiation import ACCEPTS_JSON, JSON_BODY
from tts.serving.http.schemas import UtteranceRequest, problem_answers
from tts.serving.http.security import MayRead, MaySpeak, MayUse, TheService
from tts.serving.http.streaming import unless_left
from tts.serving.ordering import Order
from tts.serving.service import Service

router = APIRouter(
    prefix="/v1/utterances", tags=["utterances"], responses=problem_answers(401, 403, 406)
)

#: Seconds that a client waits for a short utterance before it gets a job instead.
PATIENCE = 20.0
#: Errors of jobs that are no fault of the text.
_OUR_FAULTS = ("internal_error", "worker_lost")

UtteranceId = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


class PartAnswer(BaseModel):
    """Describes a sentence of an utterance."""

    number: int
    text: str
    reading: str
    start: float
    end: float
    attempts: int
    failed: bool
    stop_reason: str
    health: dict[str, Any]


class RenditionAnswer(BaseModel):
    """Describes a file that is kept of an utterance."""

    format: str
    sample_rate: int
    bytes: int
    sha256: str


class UtteranceSummary(BaseModel):
    """Describes an utterance without its parts."""

    id: str
    text: str
    n_chars: int
    voice: str
    version: str
    options: dict[str, Any]
    seed: int
    state: str
    seconds: float | None
    error_code: str | None
    error: str | None
    created_at: datetime
    last_used_at: datetime
    renditions: list[RenditionAnswer]


class UtteranceAnswer(UtteranceSummary):
    """Describes an utterance."""

    parts: list[PartAnswer]


class UtterancePageAnswer(BaseModel):
    """Lists utterances, the newest first; `after` of the next page, or null at the end."""

    utterances: list[UtteranceSummary]
    after: str | None


@router.post(
    "",
    status_code=201,
    response_model=UtteranceAnswer,
    responses={
        200: {"model": UtteranceAnswer, "description": "It was spoken before"},
        202: {"model": JobAnswer, "description": "It is spoken later; Location is that of the job"},
        **problem_answers(400, 404, 409, 410, 413, 415, 429, 500, 503),
    },
    dependencies=[JSON_BODY, ACCEPTS_JSON],
)
async def create_utterance(
    body: UtteranceRequest,
    request: Request,
    caller: MaySpeak,
    service: TheService,
    prefer: Annotated[str, Header(description="respond-async: answer at once, with a job")] = "",
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Speak a text and keep it; a long text, or one that takes long, becomes a job."""
    is_patient = "respond-async" not in prefer.lower()
    asked = body.model_dump(exclude_unset=True)
    work = answered_once(
        service,
        caller,
        idempotency_key,
        {
            "path": "/v1/utterances",
            "body": asked,
            "patient": is_patient,
        },
        lambda: _create(service, body, caller, is_patient),
    )
    return await unless_left(request.receive, work)


async def _create(
    service: Service, body: UtteranceRequest, caller: Caller, is_patient: bool
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return status, body and headers of the answer to a request for an utterance."""
    order = await run_in_threadpool(_order, service, body)
    address = f"/v1/utterances/{order.id}"
    if await run_in_threadpool(service.is_spoken, order.id):
        await run_in_threadpool(service.note_asker, order.id, caller)
        answer = await run_in_threadpool(_utterance, service, order.id)
        return 200, answer.model_dump(mode="json"), {"Content-Location": address}
    is_short = is_patient and len(order.recipe.text) <= service.settings.limits.text_chars
    lane: Lane = "interactive" if is_short else "batch"
    limits = await run_in_threadpool(service.admit, order, caller)
    job = job_answer(await run_in_threadpool(service.put_job, order, caller, lane))
    if is_short:
        job = await ended_job(service, job.id, PATIENCE)
    if job.state == "failed":
        code, message = job.error_code or "could_not_speak", job.error or "it was not spoken"
        raise ServiceError(code, 500 if code in _OUR_FAULTS else 422, message)
    if job.state == "done":
        answer = await run_in_threadpool(_utterance, service, order.id)
        return 201, answer.model_dump(mode="json"), {"Location": address, **limits}
    return 202, job.model_dump(mode="json"), {"Location": f"/v1/jobs/{job.id}", **limits}


def _order(service: Service, body: UtteranceRequest) -> Order:
    return service.desk.take(
        body.text,
        body.voice,
        body.wishes(),
        most_chars=service.settings.limits.job_chars,
        text_name="text",
    )


@router.get("", responses=problem_answers(400), dependencies=[ACCEPTS_JSON])
def list_utterances(
    response: Response,
    caller: MayRead,
    service: TheService,
    voice: Annotated[str | None, Query(max_length=64)] = None,
    q: Annotated[str | None, Query(max_length=200, description="part of the text")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> UtterancePageAnswer:
    """List what the caller has asked for, the newest first; with the scope admin, everything.

    The header Link leads to the next page.
    """
    own = None if caller.sees_all else caller.key_id
    with service.database.read() as session:
        try:
            page = utterance_page(
                session, voice=voice, api_key_id=own, query=q, limit=limit, after=after
            )
        except ValueError:
            raise ServiceError(
                "invalid_request", 400, "after: this is not the end of a page", "after"
            ) from None
        rows = [UtteranceSummary(**_summary(row)) for row in page.rows]
    if page.after is not None:
        given = {"voice": voice, "q": q, "limit": limit, "after": page.after}
        query = urlencode({name: value for name, value in given.items() if value is not None})
        response.headers["Link"] = f'</v1/utterances?{query}>; rel="next"'
    return UtterancePageAnswer(utterances=rows, after=page.after)


def _require_visible(utterance_id: UtteranceId, caller: MayUse, service: TheService) -> None:
    if not service.may_see(utterance_id, caller):
        raise _unknown()


#: A dependency of routes: the caller may see the utterance; to others it is not there.
IS_VISIBLE = Depends(_require_visible)


@router.get(
    "/{utterance_id}", responses=problem_answers(404), dependencies=[ACCEPTS_JSON, IS_VISIBLE]
)
def get_utterance(
    utterance_id: UtteranceId, caller: MayRead, service: TheService
) -> UtteranceAnswer:
    """Return an utterance with its parts."""
    return _utterance(service, utterance_id)


@router.delete(
    "/{utterance_id}", status_code=204, responses=problem_answers(404), dependencies=[IS_VISIBLE]
)
def remove_utterance(utterance_id: UtteranceId, caller: MaySpeak, service: TheService) -> Response:
    """Delete an utterance, its sound and its jobs, or from the own list what other keys want."""
    with service.database.write() as session:
        row = require_utterance(find_utterance(session, utterance_id))
        if not caller.sees_all and withdraw_asker(session, utterance_id, caller.key_id):
            return Response(status_code=204)
        renditions = list(row.renditions)
        delete_utterance(session, utterance_id)
    service.store.forget(renditions)
    return Response(status_code=204)


def require_utterance(row: UtteranceRow | None) -> UtteranceRow:
    """Return a row that must be there.

    Raises:
        ServiceError: it is not.
    """
    if row is None:
        raise _unknown()
    return row


def _unknown() -> ServiceError:
    return ServiceError("unknown_utterance", 404, "there is no utterance with this id")


def _utterance(service: Service, utterance_id: str) -> UtteranceAnswer:
    with service.database.read() as session:
        row = require_utterance(find_utterance(session, utterance_id))
        parts = [
            PartAnswer(**{name: getattr(part, name) for name in PartAnswer.model_fields})
            for part in row.parts
        ]
        return UtteranceAnswer(**_summary(row), parts=parts)


def _summary(row: UtteranceRow) -> dict[str, Any]:
    names = ("id", "text", "n_chars", "options", "seed", "state", "seconds", "error_code")
    times = ("error", "created_at", "last_used_at")
    return {name: getattr(row, name) for name in (*names, *times)} | {
        "voice": row.model_version.voice_id,
        "version": row.model_version_id,
        "renditions": [
            RenditionAnswer(
                format=each.format,
                sample_rate=each.sample_rate,
                bytes=each.n_bytes,
                sha256=each.sha256,
            )
            for each in row.renditions
        ],
    }
