"""Says how words are to be read; a change holds for everything that is asked for afterwards."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from tts.serving.data.lexicon import (
    current_revision,
    find_entry,
    language_of,
    lexicon_entries,
    remove_reading,
    set_reading,
)
from tts.serving.errors import ServiceError
from tts.serving.http.negotiation import ACCEPTS_JSON, JSON_BODY
from tts.serving.http.schemas import LexiconRequest, problem_answers
from tts.serving.http.security import MayAdminister, MayUse, TheService

router = APIRouter(
    prefix="/v1/lexicon",
    tags=["lexicon"],
    responses=problem_answers(401, 403, 406),
    dependencies=[ACCEPTS_JSON],
)

Word = Annotated[
    str,
    Path(
        min_length=1,
        max_length=100,
        pattern="^([A-Za-z]+('[A-Za-z]+)*'?|[0-9A-Za-z가-힣]*[A-Za-z가-힣][0-9A-Za-z가-힣]*)$",
    ),
]
Language = Annotated[str, Query(min_length=2, max_length=16, pattern="^[A-Za-z-]+$")]


class LexiconAnswer(BaseModel):
    """Says how a word is read, and since which revision of the lexicon."""

    word: str
    reading: str
    language: str
    revision: int


class LexiconListAnswer(BaseModel):
    """Lists the words whose reading was set."""

    revision: int
    words: list[LexiconAnswer]


@router.get("")
def list_words(caller: MayUse, service: TheService) -> LexiconListAnswer:
    """List all words whose reading was set."""
    with service.database.read() as session:
        words = [
            LexiconAnswer(
                word=row.word, reading=row.reading, language=row.language, revision=row.since
            )
            for row in lexicon_entries(session)
        ]
        return LexiconListAnswer(revision=current_revision(session), words=words)


@router.get("/{word}", responses=problem_answers(404))
def get_word(
    word: Word, caller: MayUse, service: TheService, language: Language = "en"
) -> LexiconAnswer:
    """Return how a word is read, if that was set."""
    with service.database.read() as session:
        row = find_entry(session, word.lower(), language_of(language))
    if row is None:
        raise _unknown(word)
    return LexiconAnswer(
        word=row.word, reading=row.reading, language=row.language, revision=row.since
    )


@router.put("/{word}", responses=problem_answers(400, 413, 415), dependencies=[JSON_BODY])
def set_word(
    word: Word, body: LexiconRequest, caller: MayAdminister, service: TheService
) -> LexiconAnswer:
    """Say how a word is to be read."""
    reading = " ".join(body.reading.split())
    service.desk.check_entry(word.lower(), reading, body.language)
    with service.database.write() as session:
        row, _ = set_reading(session, word.lower(), language_of(body.language), reading)
    return LexiconAnswer(
        word=row.word, reading=row.reading, language=row.language, revision=row.since
    )


@router.delete("/{word}", status_code=204, responses=problem_answers(404))
def delete_word(
    word: Word, caller: MayAdminister, service: TheService, language: Language = "en"
) -> Response:
    """Forget how a word is to be read."""
    with service.database.write() as session:
        if not remove_reading(session, word.lower(), language_of(language)):
            raise _unknown(word)
    return Response(status_code=204)


def _unknown(word: str) -> ServiceError:
    return ServiceError("unknown_word", 404, f"nobody has said how to read {word!r}")
