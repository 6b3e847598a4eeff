"""Runs the thread that speaks (``SpeechEngine``): requests come in, and tickets give sound.

One thread owns the synthesizers, because they are single-threaded and torch's threads belong to
the process. Before each task it looks at everything that waits
(:mod:`tts.serving.engine.scheduler`). It sleeps while there is nothing to do.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, Protocol

from tts.core.errors import InputError, one_line
from tts.serving.engine.errors import (
    EngineFaultError,
    NotSpokenError,
    OverloadedError,
    UnknownVoiceError,
)
from tts.serving.engine.limits import EngineLimits
from tts.serving.engine.request import Lane, SpeakingRequest
from tts.serving.engine.scheduler import LANES, Task, joining_turn, next_tasks
from tts.serving.engine.speaking import Speaking
from tts.serving.engine.ticket import Ticket
from tts.serving.engine.unit_work import DecodingRow, Speaks, UnitWork
from tts.serving.errors import ServiceError

_log = logging.getLogger(__name__)

#: Computing time of a character before anything was measured, seconds.
_FIRST_GUESS = 0.01
#: Share of the last unit in the mean of the computing time.
_NEWS = 0.1


class SpeakingVoice(Protocol):
    """Reads texts and speaks their units; see :class:`tts.serving.engine.voices.Voice`."""

    def units(self, request: SpeakingRequest) -> list[Any]:
        """Read the text of a request, and cut it into units."""

    def unit_speaker(self, request: SpeakingRequest) -> Speaks:
        """Return what decodes and vocodes the units of a request."""


class SpeechEngine:
    """Speaks requests in one thread, in an order that is fair.

    Args:
        voices: the voices by their ids, from :func:`tts.serving.engine.voices.load_voices`.
        limits: what it may take on.
        on_step: called after each decoder step, once for a batch; its argument tells whether
            somebody waits for what was decoded.
    """

    def __init__(
        self,
        voices: Mapping[str, SpeakingVoice],
        limits: EngineLimits | None = None,
        on_step: Callable[[bool], None] = lambda is_awaited: None,
    ) -> None:
        self.voices, self.limits = voices, limits or EngineLimits()
        self._on_step = on_step
        self._changed = threading.Condition()
        self._speakings: list[Speaking] = []
        self._orders = count()
        self._is_closing = False
        self._seconds_per_char = _FIRST_GUESS
        self._thread = threading.Thread(target=self._run, name="speech engine", daemon=True)
        self._thread.start()

    def __enter__(self) -> SpeechEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, request: SpeakingRequest) -> Ticket:
        """Read a text and queue it; returns at once, except for the time to read a long text.

        Args:
            request: the request.

        Returns:
            The ticket, which gives sound, progress and record.

        Raises:
            UnknownVoiceError: there is no such voice.
            OverloadedError: the lane is full.
            NotSpokenError: the engine is closing.
            InputError: the text cannot be read, or an option is not legal.
        """
        if request.voice not in self.voices:
            raise UnknownVoiceError(request.voice, list(self.voices))
        voice = self.voices[request.voice]
        self._check_room(request.lane)  # before the text is read
        units, speaker = voice.units(request), voice.unit_speaker(request)
        ticket = Ticket(request, speaker.sample_rate, [unit.text for unit in units], self._wake)
        with self._changed:
            self._check_room(request.lane)
            lane = LANES.index(request.lane)
            speaking = Speaking(
                ticket,
                units,
                speaker,
                limits=self.limits,
                turn=joining_turn([s.turn for s in self._unfinished() if s.lane == lane]),
                order=next(self._orders),
                on_step=self._on_step,
            )
            self._speakings.append(speaking)
            self._changed.notify_all()
        return ticket

    def hurry(self, ticket: Ticket) -> None:
        """Move a request to the interactive lane, because somebody waits for it now."""
        with self._changed:
            turn = joining_turn([s.turn for s in self._unfinished() if s.lane == 0])
            for speaking in self._unfinished():
                if speaking.ticket is ticket:
                    speaking.hurry(turn)
            self._changed.notify_all()

    def unfinished(self, lane: Lane) -> int:
        """Return the number of requests of a lane that wait or are being spoken."""
        with self._changed:
            return len(self._of_lane(lane))

    @property
    def is_alive(self) -> bool:
        """Return whether the engine takes requests."""
        return self._thread.is_alive() and not self._is_closing

    def retry_after(self, lane: Lane) -> float:
        """Return when a lane will probably have room, seconds."""
        with self._changed:
            left = [speaking.chars_left for speaking in self._of_lane(lane)]
        # requests take turns, so the shortest ends after all have had as many turns
        return min(left, default=0) * len(left) * self._seconds_per_char

    def close(self, drain_seconds: float | None = None) -> list[Ticket]:
        """Take no more requests, finish those that are being spoken, and end the thread.

        Args:
            drain_seconds: time that speech which is being made gets to end; None is the limit of
                ``limits``. What has no sound yet is not begun.

        Returns:
            The tickets that were not spoken; their error is :class:`NotSpokenError`.
        """
        seconds = self.limits.drain_seconds if drain_seconds is None else drain_seconds
        with self._changed:
            self._is_closing = True
            waiting = [s.ticket for s in self._unfinished() if s.ticket.started_at is None]
            running = [s.ticket for s in self._unfinished() if s.ticket.started_at is not None]
        for ticket in waiting:
            ticket.fail(NotSpokenError())
        self._wake()
        self._thread.join(seconds)
        for ticket in running:
            ticket.fail(NotSpokenError())  # does nothing if it has ended
        self._wake()
        self._thread.join()
        return [t for t in (*waiting, *running) if isinstance(t.error, NotSpokenError)]

    def _check_room(self, lane: Lane) -> None:
        if self._is_closing:
            raise NotSpokenError
        if self.unfinished(lane) >= int(getattr(self.limits, lane)):
            raise OverloadedError(lane, self.retry_after(lane))

    def _unfinished(self) -> list[Speaking]:
        return [speaking for speaking in self._speakings if not speaking.ticket.ended]

    def _of_lane(self, lane: Lane) -> list[Speaking]:
        return [s for s in self._unfinished() if s.lane == LANES.index(lane)]

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # What follows runs in the thread of the engine.

    def _run(self) -> None:
        if self.limits.threads is not None:
            import torch

            torch.set_num_threads(self.limits.threads)
        while (tasks := self._next()) is not None:
            if isinstance(tasks[0].item, UnitWork):
                self._step(tasks[0])
            else:
                self._decode([task.item for task in tasks], [task.owner for task in tasks])

    def _next(self) -> list[Task[Any]] | None:
        """Wait until there is something to do; None if the engine closes and nothing is left."""
        with self._changed:
            while True:
                self._speakings = self._unfinished()
                tasks = [task for speaking in self._speakings for task in speaking.tasks()]
                if tasks:
                    return next_tasks(tasks)
                if self._is_closing and not self._speakings:
                    return None
                self._changed.wait()

    def _step(self, task: Task[Any]) -> None:
        speaking: Speaking = task.owner
        speaking.ticket.start()
        self._guarded(speaking, lambda: speaking.step(task.item))
        self._learn(task.item)

    def _decode(self, rows: Sequence[DecodingRow], owners: Sequence[Speaking]) -> None:
        """Decode rows in one batch, and give each result to its unit."""
        for row, owner in zip(rows, owners, strict=True):
            owner.ticket.start()
            row.work.begin()
        speaker = rows[0].work.speaker

        def given_up() -> list[bool]:
            self._on_step(any(not owner.ticket.ended for owner in owners))
            return [row.work.is_given_up() for row in rows]

        try:
            results: list[Any] = speaker.decode(
                [row.unit for row in rows], [row.seed for row in rows], given_up
            )
        except Exception as error:
            fault = _as_service_error(error)
            for owner in owners:
                owner.ticket.fail(fault)
            return
        finally:
            for row in rows:
                row.work.end()
        for row, owner, result in zip(rows, owners, results, strict=True):
            if not owner.ticket.ended:
                self._guarded(owner, partial(owner.take, row, result))

    def _guarded(self, speaking: Speaking, work: Callable[[], None]) -> None:
        """Do something for a request; an error ends that request and no other."""
        try:
            work()
        except Exception as error:
            speaking.ticket.fail(_as_service_error(error))

    def _learn(self, work: UnitWork) -> None:
        """Note how long a unit took, so that clients can be told when to come again."""
        if work.is_spoken:
            measured = work.spent / max(1, len(work.unit.text))
            self._seconds_per_char += _NEWS * (measured - self._seconds_per_char)


def _as_service_error(error: Exception) -> ServiceError:
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, InputError):
        return ServiceError("invalid_input", 422, one_line(error), param="input")
    _log.error("the speech engine failed", exc_info=error)
    return EngineFaultError()
