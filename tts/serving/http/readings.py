"""Shows how a text will be read, without sound."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from tts.core.errors import InputError, one_line
from tts.inference.reader import DecodingUnit, TextReader
from tts.serving.errors import ServiceError
from tts.serving.http.negotiation import ACCEPTS_JSON, JSON_BODY
from tts.serving.http.schemas import ReadingRequest, problem_answers
from tts.serving.http.security import MayUse, TheService
from tts.text.preview import Preview, preview

router = APIRouter(prefix="/v1/readings", tags=["readings"])


class WordReading(BaseModel):
    """Says how a word is pronounced, where it was looked up."""

    word: str
    phones: str


class SentenceReading(BaseModel):
    """Says how a piece of the text is read; `after` names the pause that follows it."""

    text: str
    reading: str
    words: list[WordReading]
    symbols: list[str]
    after: str | None


class UnreadCharacter(BaseModel):
    """Names a character that the voice cannot read, and its place in the text."""

    text: str
    offset: int


class ReadingAnswer(BaseModel):
    """Says how a text is read, and which characters are left out or refused."""

    voice: str
    sentences: list[SentenceReading]
    unknown: list[UnreadCharacter]


@router.post(
    "",
    responses=problem_answers(400, 401, 403, 404, 406, 410, 413, 415, 429),
    dependencies=[JSON_BODY, ACCEPTS_JSON],
)
def create_reading(body: ReadingRequest, caller: MayUse, service: TheService) -> ReadingAnswer:
    """Return how a text will be read."""
    order = service.desk.take(
        body.text,
        body.voice,
        body.wishes(),
        most_chars=service.settings.limits.text_chars,
        text_name="text",
    )
    service.allowance.take(caller, len(order.recipe.text))
    request = service.desk.request(order, "interactive")
    voice = service.desk.voices[order.voice_id]
    try:
        with voice.reading():
            reader = voice.reader(request)
            unknown = [
                UnreadCharacter(text=each.text, offset=each.offset)
                for each in reader.unknown_characters(request.text)
            ]
            # what cannot be read is listed here and refused when it is to be spoken
            lenient = TextReader(reader.tokenizer.quiet(), reader.max_chars)
            sentences = [
                _sentence(preview(unit.text, lenient.tokenizer), unit)
                for unit in lenient.read(request.text)
            ]
    except InputError as error:
        raise ServiceError("nothing_to_say", 400, f"text: {one_line(error)}", "text") from None
    return ReadingAnswer(voice=order.voice_id, sentences=sentences, unknown=unknown)


def _sentence(shown: Preview, unit: DecodingUnit) -> SentenceReading:
    return SentenceReading(
        text=unit.text,
        reading=shown.cleaned,
        words=[WordReading(word=word, phones=phones) for word, phones in shown.words],
        symbols=list(shown.symbols),
        after=None if unit.after is None else unit.after.value,
    )
