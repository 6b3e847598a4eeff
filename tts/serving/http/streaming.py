"""Sends sound while it is made, and notices at once when the client has left."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tts.audio.stream_encoder import StreamEncoder
from tts.serving.errors import ServiceError
from tts.serving.http.middleware import CutSound
from tts.serving.live import LiveSound

Result = TypeVar("Result")
#: Bytes of a piece of a whole file in an event.
_PIECE = 1 << 15


class LiveAnswer(Response):
    """Sends the pieces of a body as they come, and stops when the client leaves.

    If the source fails, the body ends without its last chunk, so that no client takes a cut file
    for a whole one.

    Args:
        pieces: the body.
        headers: of the answer.
        media_type: of the answer.
        status: of the answer.
        on_end: awaited when the answer has ended in whatever way.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        headers: Mapping[str, str],
        media_type: str,
        status: int = 200,
        on_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.status_code = status
        self._on_end = on_end
        self.background = None
        self._pieces = pieces
        # bytes have no character set; Starlette would add one to text types
        self.init_headers({**headers, "Content-Type": media_type})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        try:
            await unless_left(receive, self._send(send))
        except ServiceError as error:
            raise CutSound(error.code) from None
        except ClientDisconnect:
            raise CutSound("the client has left") from None
        finally:
            try:
                await self._pieces.aclose()
            finally:
                # a generator that was never begun would not run its own end
                if self._on_end is not None:
                    await self._on_end()

    async def _send(self, send: Send) -> None:
        status, headers = self.status_code, list(self.raw_headers)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        async for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def unless_left(receive: Receive, work: Awaitable[Result]) -> Result:
    """Await something as long as the client is there.

    Args:
        receive: of a request whose body has been read.
        work: is cancelled when the client leaves.

    Raises:
        ClientDisconnect: the client has left.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_until_left(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def kept_in_thread(work: Callable[[], Result], give_back: Callable[[Result], None]) -> Result:
    """Return the result of a function that runs in a thread and takes something for the caller.

    A thread cannot be stopped. If the caller is cancelled meanwhile, its result is given back as
    soon as it is there.

    Args:
        work: runs in a thread.
        give_back: gets a result that nobody waits for any more.
    """
    lock, taken, is_left = threading.Lock(), list[Result](), threading.Event()

    def take() -> None:
        result = work()
        with lock:
            taken.append(result)
            if not is_left.is_set():
                return
        give_back(result)

    try:
        await run_in_threadpool(take)
    except asyncio.CancelledError:
        with lock:
            is_left.set()
            is_there = bool(taken)
        if is_there:
            give_back(taken[0])
        raise
    return taken[0]


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class FilePiece(NamedTuple):
    """Holds a piece of a sound file.

    Attributes:
        data: its bytes.
        words: marks ``{"word", "start", "end"}`` of words that became known with it, in seconds of
            the whole sound.
    """

    data: bytes
    words: Sequence[Mapping[str, Any]] = ()


async def encoded(sound: LiveSound, encoder: StreamEncoder) -> AsyncGenerator[FilePiece, None]:
    """Yield a sound file while its sound is made; the caller has joined the sound."""
    words: list[Mapping[str, Any]] = []
    async with aclosing(sound.ticket.stream()) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            words += [
                {"word": word, "start": start, "end": end}
                for part in chunk.parts
                for word, start, end in part.words
            ]
            if data := await run_in_threadpool(encoder.feed, chunk.samples):
                yield FilePiece(data, words)
                words = []
    data = await run_in_threadpool(encoder.finish)
    if data or words:
        yield FilePiece(data, words)


async def with_first(
    first: FilePiece, rest: AsyncGenerator[FilePiece, None]
) -> AsyncGenerator[FilePiece, None]:
    """Yield a piece that was taken already, then the others."""
    yield first
    async with aclosing(rest):
        async for piece in rest:
            yield piece


async def in_pieces(
    data: bytes, words: Sequence[Mapping[str, Any]]
) -> AsyncGenerator[FilePiece, None]:
    """Yield a whole file in pieces that fit into events, all its words with the first one."""
    for start in range(0, len(data), _PIECE):
        yield FilePiece(data[start : start + _PIECE], () if start else words)


async def as_bytes(pieces: AsyncGenerator[FilePiece, None]) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a sound file."""
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece.data


async def as_events(
    pieces: AsyncGenerator[FilePiece, None], n_chars: int, *, with_words: bool
) -> AsyncGenerator[bytes, None]:
    """Yield sound as server-sent events: ``speech.audio.delta`` ..., ``speech.audio.done``.

    Args:
        pieces: of the sound file.
        n_chars: length of the text; OpenAI counts tokens here, and a character counts as one.
        with_words: whether events ``speech.audio.words`` come before the sound of their words.
    """
    async with aclosing(pieces):
        async for piece in pieces:
            if with_words and piece.words:
                told = {"type": "speech.audio.words", "words": piece.words}
                yield event("speech.audio.words", told)
            if not piece.data:
                continue
            audio = base64.b64encode(piece.data).decode("ascii")
            yield event("speech.audio.delta", {"type": "speech.audio.delta", "audio": audio})
    usage = {"input_tokens": n_chars, "output_tokens": 0, "total_tokens": n_chars}
    yield event("speech.audio.done", {"type": "speech.audio.done", "usage": usage})


def event(name: str, content: Mapping[str, Any]) -> bytes:
    """Return a server-sent event (WHATWG HTML, section 9.2)."""
    return f"event: {name}\ndata: {json.dumps(content)}\n\n".encode()
