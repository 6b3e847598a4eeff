"""Answers a request that a client sends twice under one ``Idempotency-Key`` once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import Header
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from tts.serving.allowance import Caller
from tts.serving.data.idempotency import (
    IdempotencyKeyError,
    Remembered,
    begin_request,
    forget_request,
    remember_answer,
)
from tts.serving.errors import ServiceError
from tts.serving.service import Service

#: Status, body and headers of an answer.
Answer = tuple[int, dict[str, Any], dict[str, str]]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="The same key and body again: the same answer again, for 24 hours.",
    ),
]


async def answered_once(
    service: Service,
    caller: Caller,
    key: str | None,
    request: Mapping[str, Any],
    make: Callable[[], Awaitable[Answer]],
) -> Response:
    """Return the answer that was given under a key, or make it and remember it.

    Args:
        service: has the database.
        caller: keys belong to the API key that used them.
        key: what the client has sent, or None.
        request: what was asked for; another request under the same key is a mistake.
        make: makes the answer.

    Raises:
        ServiceError: the key belongs to another request, or to one that is being answered.
    """
    if key is None:
        return _response(*await make(), replayed=False)
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    known = await run_in_threadpool(_begin, service, caller, key, digest)
    if known.status is not None:
        answer = known.answer or {}
        return _response(known.status, answer["body"], answer["headers"], replayed=True)
    try:
        status, body, headers = await make()
    except BaseException:
        await run_in_threadpool(_forget, service, caller, key, known.token)
        raise
    content = {"body": body, "headers": headers}
    await run_in_threadpool(_remember, service, caller, key, known.token, status, content)
    return _response(status, body, headers, replayed=False)


def _response(
    status: int, body: dict[str, Any], headers: dict[str, str], *, replayed: bool
) -> Response:
    more = {"Idempotent-Replayed": "true"} if replayed else {}
    return JSONResponse(body, status, {**headers, **more})


def _begin(service: Service, caller: Caller, key: str, digest: str) -> Remembered:
    try:
        with service.database.write() as session:
            return begin_request(session, caller.key_id, key, digest)
    except IdempotencyKeyError as error:
        if error.reason == "in_progress":
            message = "the first request with this Idempotency-Key is still being answered"
            headers = {"Retry-After": "1"}
            raise ServiceError("in_progress", 409, message, headers=headers) from None
        message = "this Idempotency-Key was used for another request; make a new one"
        raise ServiceError("idempotency_key_reused", 422, message) from None


def _remember(
    service: Service, caller: Caller, key: str, token: str, status: int, answer: dict[str, Any]
) -> None:
    with service.database.write() as session:
        remember_answer(session, caller.key_id, key, token, status, answer)


def _forget(service: Service, caller: Caller, key: str, token: str) -> None:
    with service.database.write() as session:
        forget_request(session, caller.key_id, key, token)
