"""Gives out what is kept of an utterance: its sound, when its words are heard, and its picture."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tts.audio.timings import TIMING_FORMATS
from tts.serving.data.utterances import find_utterance
from tts.serving.http.ranges import file_answer
from tts.serving.http.schemas import HIGHEST_RATE, LOWEST_RATE, SoundFormat, problem_answers
from tts.serving.http.security import MayRead, TheService
from tts.serving.http.streaming import unless_left
from tts.serving.http.utterances import IS_VISIBLE, UtteranceId, require_utterance
from tts.serving.renditions import not_spoken
from tts.serving.sounds import choose_sound

router = APIRouter(
    prefix="/v1/utterances/{utterance_id}",
    tags=["utterances"],
    responses=problem_answers(401, 403, 404, 409),
    dependencies=[IS_VISIBLE],
)

#: An utterance never changes, but another key must not get it from a shared cache.
_CACHED = {"Cache-Control": "private, max-age=31536000, immutable"}
_SOUND = {"audio/*": {"schema": {"type": "string", "format": "binary"}}}
_PICTURE = {"image/png": {"schema": {"type": "string", "format": "binary"}}}
_MARKS = {
    "json": "application/json",
    "vtt": "text/vtt; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "textgrid": "text/plain; charset=utf-8",
}


@router.get(
    "/audio",
    response_class=Response,
    responses={
        200: {"content": _SOUND, "description": "The whole file"},
        206: {"content": _SOUND, "description": "The part that Range asks for"},
        304: {"description": "The client has it"},
        **problem_answers(400, 410, 416, 422, 503),
    },
)
async def get_audio(
    utterance_id: UtteranceId,
    request: Request,
    caller: MayRead,
    service: TheService,
    format: SoundFormat = "mp3",
    sample_rate: Annotated[int | None, Query(ge=LOWEST_RATE, le=HIGHEST_RATE)] = None,
) -> Response:
    """Return the sound of an utterance; what was removed to make room is made again."""
    maker = service.renditions
    found = await run_in_threadpool(maker.find_spoken, utterance_id)
    choice = choose_sound(format, sample_rate, found.order.voice_rate, "format")
    work = run_in_threadpool(maker.sound, found, choice, caller.key_id)
    row, content = await unless_left(request.receive, work)
    headers = {
        **_CACHED,
        "Content-Disposition": f'inline; filename="{utterance_id[:12]}.{format}"',
        "X-Sample-Rate": str(choice.sample_rate),
    }
    return file_answer(request, content, row.sha256, choice.content_type, headers)


@router.head(
    "/audio",
    response_class=Response,
    responses={200: {"description": "The headers of the file"}, 304: {"description": "Known"}},
)
async def head_audio(
    utterance_id: UtteranceId,
    request: Request,
    caller: MayRead,
    service: TheService,
    format: SoundFormat = "mp3",
    sample_rate: Annotated[int | None, Query(ge=LOWEST_RATE, le=HIGHEST_RATE)] = None,
) -> Response:
    """Return the headers of the sound of an utterance."""
    return await get_audio(utterance_id, request, caller, service, format, sample_rate)


@router.get(
    "/timings",
    response_class=Response,
    responses={200: {"content": {media.split(";")[0]: {} for media in _MARKS.values()}}},
)
def get_timings(
    utterance_id: UtteranceId,
    caller: MayRead,
    service: TheService,
    format: Literal["json", "vtt", "srt", "textgrid"] = "json",
) -> Response:
    """Return when each word is heard."""
    with service.database.read() as session:
        row = require_utterance(find_utterance(session, utterance_id))
        records = [
            {
                "text": part.text,
                "start": part.start,
                "seconds": part.end - part.start,
                "words": part.words,
                "phones": [[mark["symbol"], mark["start"], mark["end"]] for mark in part.symbols],
            }
            for part in row.parts
        ]
    if row.seconds is None:
        raise not_spoken(row)
    content = TIMING_FORMATS[format](records, row.seconds)
    headers = {"Cache-Control": "private, no-cache"}
    return Response(content.encode("utf-8", "replace"), 200, headers, _MARKS[format])


@router.get(
    "/alignment.png",
    response_class=Response,
    responses={200: {"content": _PICTURE}, 304: {"description": "The client has it"}},
)
async def get_alignment(
    utterance_id: UtteranceId, request: Request, caller: MayRead, service: TheService
) -> Response:
    """Return the picture of waveform, mel spectrogram and alignment."""
    found = await run_in_threadpool(service.renditions.find_spoken, utterance_id)
    work = run_in_threadpool(service.renditions.picture, found)
    row, content = await unless_left(request.receive, work)
    return file_answer(request, content, row.sha256, "image/png", _CACHED)
