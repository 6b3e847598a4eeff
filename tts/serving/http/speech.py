"""Answers OpenAI's ``POST /v1/audio/speech``: sound while it is made, or from the store."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tts.core.errors import shortened
from tts.serving.allowance import Caller
from tts.serving.errors import ServiceError
from tts.serving.http.models import MODELS
from tts.serving.http.negotiation import JSON_BODY
from tts.serving.http.schemas import SpeechRequest, problem_answers
from tts.serving.http.security import MaySpeak, TheService
from tts.serving.http.streaming import (
    FilePiece,
    LiveAnswer,
    as_bytes,
    as_events,
    encoded,
    in_pieces,
    kept_in_thread,
    unless_left,
    with_first,
)
from tts.serving.ordering import Order
from tts.serving.renditions import Kept
from tts.serving.service import Service
from tts.serving.sounds import SoundChoice, choose_sound

router = APIRouter(
    tags=["OpenAI"],
    responses=problem_answers(400, 401, 403, 413, 415, 422, 429, 503, 504, openai=True),
)

_SOUND = {
    "audio/*": {"schema": {"type": "string", "format": "binary"}},
    "text/event-stream": {"schema": {"type": "string"}},
}


@dataclass(frozen=True)
class _Asked:
    """Holds a request that was checked."""

    body: SpeechRequest
    order: Order
    choice: SoundChoice


@router.post(
    "/v1/audio/speech",
    response_class=Response,
    responses={200: {"content": _SOUND, "description": "Sound, or events with sound"}},
    dependencies=[JSON_BODY],
)
async def create_speech(
    body: SpeechRequest, request: Request, caller: MaySpeak, service: TheService
) -> Response:
    """Speak a text; the sound is sent sentence by sentence while it is made."""
    begin = time.perf_counter()
    asked = await run_in_threadpool(_checked, service, body)
    if body.seed is not None:
        kept = await run_in_threadpool(_kept, service, asked, caller)
        if kept is not None:
            service.metrics.asked(len(asked.order.recipe.text), "hit")
            answer = await run_in_threadpool(_whole, service, asked, kept)
            service.metrics.first_sound(time.perf_counter() - begin, "hit")
            return answer
    limits = await run_in_threadpool(service.admit, asked.order, caller)
    answer, cache = await unless_left(request.receive, _live(service, asked, caller, limits))
    service.metrics.first_sound(time.perf_counter() - begin, cache)
    return answer


def _checked(service: Service, body: SpeechRequest) -> _Asked:
    if body.model not in MODELS:
        message = (
            f"model: there is no {shortened(body.model, 60)!r}; choose from {', '.join(MODELS)}"
        )
        raise ServiceError("model_not_found", 400, message, "model")
    limit = service.settings.limits.text_chars
    try:
        order = service.desk.take(
            body.input,
            body.voice_id,
            body.wishes(),
            most_chars=limit,
            text_name="input",
            hint="; send a longer one to POST /v1/utterances",
        )
    except ServiceError as error:
        if error.code == "voice_not_found":
            error.status = 400  # as OpenAI answers it
        raise
    return _Asked(
        body, order, choose_sound(body.response_format, body.sample_rate, order.voice_rate)
    )


def _kept(service: Service, asked: _Asked, caller: Caller) -> Kept | None:
    """Return the file of an equal request, if it was spoken before and can still be had."""
    if not service.is_spoken(asked.order.id):
        return None
    service.note_asker(asked.order.id, caller)
    maker = service.renditions
    return maker.sound(maker.find_spoken(asked.order.id), asked.choice, caller.key_id)


def _whole(service: Service, asked: _Asked, kept: Kept) -> Response:
    _, content = kept
    data = content if isinstance(content, bytes) else content.read_bytes()
    headers = _headers(asked, "hit")
    if asked.body.stream_format == "sse":
        words = service.renditions.words(asked.order.id) if asked.body.words else ()
        events = _events(asked, in_pieces(data, words))
        return LiveAnswer(events, headers, "text/event-stream")
    return Response(data, 200, headers, asked.choice.content_type)


async def _live(
    service: Service, asked: _Asked, caller: Caller, limits: dict[str, str]
) -> tuple[Response, str]:
    """Return the answer when its first sound is there, so that errors before it are answers."""
    order, choice = asked.order, asked.choice
    (sound, was_there) = await kept_in_thread(
        lambda: service.speaker.listen(order, caller.key_id), lambda joined: joined[0].leave()
    )
    try:
        if was_there:
            await run_in_threadpool(service.note_asker, order.id, caller)
        # an equal request that has just been spoken is on its way into the store
        record = sound.ticket.record if was_there else None
        cache = "hit" if record is not None else "joined" if was_there else "miss"
        service.metrics.asked(len(order.recipe.text), cache)
        n_samples = None if record is None else record.n_samples
        pieces = encoded(sound, choice.encoder(order.voice_rate, n_samples))
        first = await anext(pieces, FilePiece(b""))
    except BaseException:
        sound.leave()
        raise
    body, media_type = as_bytes(with_first(first, pieces)), choice.content_type
    if asked.body.stream_format == "sse":
        body, media_type = _events(asked, with_first(first, pieces)), "text/event-stream"
    headers = {**_headers(asked, cache), **limits}

    async def end() -> None:
        sound.leave()
        await pieces.aclose()

    return LiveAnswer(body, headers, media_type, on_end=end), cache


def _events(asked: _Asked, pieces: AsyncGenerator[FilePiece, None]) -> AsyncGenerator[bytes, None]:
    return as_events(pieces, len(asked.order.recipe.text), with_words=asked.body.words)


def _headers(asked: _Asked, cache: str) -> dict[str, str]:
    headers = {
        "X-Utterance-Id": asked.order.id,
        "X-Sample-Rate": str(asked.choice.sample_rate),
        # one that joined the making of another has waited as well
        "X-Cache": "hit" if cache == "hit" else "miss",
        "Cache-Control": "no-store",
    }
    if asked.body.instructions:
        headers["X-Ignored"] = "instructions"
    return headers
