"""Defines what the engine gives for a request: sound as it is made, progress, and the end of it.

A ticket is written by the engine's thread, and read by any number of threads and event loops.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tts.serving.engine.errors import SpeakingCancelledError
from tts.serving.engine.record import SpeechRecord, SpokenPart
from tts.serving.engine.request import SpeakingRequest
from tts.serving.errors import ServiceError

#: Sound that a listener without ``keep_sound`` may leave unread before the engine waits, seconds.
MOST_UNREAD_SECONDS = 60.0

State = Literal["waiting", "speaking", "done", "failed", "cancelled"]


@dataclass(frozen=True, eq=False)
class SoundChunk:
    """Holds a piece of the sound of a request.

    Attributes:
        samples: ``(n,)`` float32, which may leave [-1, 1] a little; can be empty.
        sample_rate: Hz.
        unit: number of the unit of text that is heard, from 0.
        parts: in the last chunk of a unit: how the unit was spoken.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    unit: int
    parts: tuple[SpokenPart, ...] = ()


class Ticket:
    """Gives the sound of one request, chunk by chunk, and its record when it is spoken.

    Args:
        request: the request.
        sample_rate: of the sound, Hz.
        unit_texts: the units into which the text was cut.
        changed: called without arguments after :meth:`cancel`, and when a listener has read on.

    Attributes:
        request: the request.
        sample_rate: of the sound, Hz.
        unit_texts: the units into which the text was cut.
        submitted_at: when it was submitted, on the clock of ``time.monotonic``; likewise
            ``started_at``, ``first_sound_at`` and ``ended_at``, which are None until then.
    """

    def __init__(
        self,
        request: SpeakingRequest,
        sample_rate: int,
        unit_texts: Sequence[str],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.request, self.sample_rate, self.unit_texts = request, sample_rate, tuple(unit_texts)
        self.submitted_at = time.monotonic()
        self.started_at: float | None = None
        self.first_sound_at: float | None = None
        self.ended_at: float | None = None
        self._changed = changed
        self._condition = threading.Condition()
        self._callbacks: list[Callable[[], None]] = []
        self._chunks: list[SoundChunk] = []
        self._n_forgotten = self._n_unread_samples = 0
        self._has_reader = False
        self._units_done = 0
        self._record: SpeechRecord | None = None
        self._error: ServiceError | None = None

    @property
    def units_done(self) -> int:
        """Return the number of units whose sound is there."""
        return self._units_done

    @property
    def units_total(self) -> int:
        """Return the number of units into which the text was cut."""
        return len(self.unit_texts)

    @property
    def state(self) -> State:
        """Return where the request stands."""
        with self._condition:
            if isinstance(self._error, SpeakingCancelledError):
                return "cancelled"
            if self._error is not None:
                return "failed"
            if self._record is not None:
                return "done"
            return "waiting" if self.started_at is None else "speaking"

    @property
    def ended(self) -> bool:
        """Return whether nothing more will come: spoken, failed or cancelled."""
        return self._record is not None or self._error is not None

    @property
    def error(self) -> ServiceError | None:
        """Return why the request was not spoken, or None."""
        return self._error

    @property
    def record(self) -> SpeechRecord | None:
        """Return the record of the whole speech, or None while it is not spoken."""
        return self._record

    def cancel(self) -> None:
        """Stop speaking within a decoder step or two; does nothing after the end."""
        if self._end(None, SpeakingCancelledError()):
            self._changed()

    def result(self, timeout: float | None = None) -> SpeechRecord:
        """Wait for the end and return the record.

        Raises:
            ServiceError: the request was not spoken.
            TimeoutError: the end did not come in ``timeout`` seconds.
        """
        with self._condition:
            if not self._condition.wait_for(lambda: self.ended, timeout):
                raise TimeoutError(f"not spoken within {timeout} s")
        if self._error is not None:
            raise self._error
        assert self._record is not None
        return self._record

    def chunks(self) -> Iterator[SoundChunk]:
        """Yield the sound from the beginning, and wait for the rest of it.

        Raises:
            ServiceError: the request failed or was cancelled; all sound before was given.
            RuntimeError: there is another listener, and the request does not keep its sound.
        """
        with self._reading():
            position = 0
            while True:
                with self._condition:
                    self._condition.wait_for(partial(self._is_ready, position))
                if (chunk := self._take(position)) is None:
                    return
                yield chunk
                position += 1

    async def stream(self) -> AsyncIterator[SoundChunk]:
        """Yield the sound as :meth:`chunks` does, without blocking the event loop.

        Raises:
            ServiceError: the request failed or was cancelled; all sound before was given.
            RuntimeError: there is another listener, and the request does not keep its sound.
        """
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(woken.set)

        with self._reading(), self.watched(wake):
            position = 0
            while True:
                woken.clear()
                if not self._is_ready(position):
                    await woken.wait()
                    continue
                if (chunk := self._take(position)) is None:
                    return
                yield chunk
                position += 1

    @contextmanager
    def watched(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call a function after every change inside the block: new sound, progress, the end.

        Args:
            callback: called without arguments in the engine's thread; it must return at once.
        """
        with self._condition:
            self._callbacks.append(callback)
        try:
            yield
        finally:
            with self._condition:
                self._callbacks.remove(callback)

    # What follows is called by the engine.

    @property
    def is_far_behind(self) -> bool:
        """Return whether the only listener has left so much unread that the engine should wait."""
        if self.request.keep_sound:
            return False
        return self._n_unread_samples > MOST_UNREAD_SECONDS * self.sample_rate

    def start(self) -> None:
        """Note that the engine works on the request."""
        if self.started_at is None:
            self.started_at = time.monotonic()

    def add(self, chunk: SoundChunk) -> None:
        """Add sound, unless the request has ended; parts in the chunk end its unit."""
        with self._condition:
            if self.ended:
                return
            if self.first_sound_at is None and len(chunk.samples):
                self.first_sound_at = time.monotonic()
            self._chunks.append(chunk)
            self._n_unread_samples += len(chunk.samples)
            self._units_done += bool(chunk.parts)
        self._notify()

    def finish(self, record: SpeechRecord) -> None:
        """End the request well."""
        self._end(record, None)

    def fail(self, error: ServiceError) -> None:
        """End the request with an error, unless it has ended."""
        self._end(None, error)

    def _end(self, record: SpeechRecord | None, error: ServiceError | None) -> bool:
        with self._condition:
            if self.ended:
                return False
            self._record, self._error = record, error
            self.ended_at = time.monotonic()
        self._notify()
        return True

    def _notify(self) -> None:
        with self._condition:
            self._condition.notify_all()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if not self.request.keep_sound:
            with self._condition:
                if self._has_reader:
                    raise RuntimeError("keep_sound=False: the sound can be read once")
                self._has_reader = True
        yield

    def _is_ready(self, position: int) -> bool:
        return position < self._n_forgotten + len(self._chunks) or self.ended

    def _take(self, position: int) -> SoundChunk | None:
        """Return the chunk at a position that is ready; None or the error after the last one."""
        with self._condition:
            place = position - self._n_forgotten
            if place >= len(self._chunks):
                if self._error is not None:
                    raise self._error
                return None
            if self.request.keep_sound:
                return self._chunks[place]
            chunk = self._chunks.pop(place)
            self._n_forgotten += 1
            was_far_behind = self.is_far_behind
            self._n_unread_samples -= len(chunk.samples)
        if was_far_behind:
            self._changed()
        return chunk
