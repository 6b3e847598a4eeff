"""Follows one request: which of its units are worked on, and the order in which sound is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tts.serving.engine.errors import CouldNotSpeakError, SlowSentenceError
from tts.serving.engine.limits import EngineLimits
from tts.serving.engine.record import SpeechRecord, SpokenPart, spoken_parts
from tts.serving.engine.scheduler import LANES, Task
from tts.serving.engine.ticket import SoundChunk, Ticket
from tts.serving.engine.unit_work import UnitWork

if TYPE_CHECKING:
    from tts.inference import Chunk, Part, Speech
    from tts.inference.decoding import DecodedMel
    from tts.inference.reader import DecodingUnit
    from tts.serving.engine.unit_work import DecodingRow, Speaks


class Speaking:
    """Holds how far one request is.

    Args:
        ticket: receives sound and record.
        units: the units of its text.
        speaker: does the computing.
        limits: of the engine.
        turn: turn of its first unit.
        order: its number among all requests.
        on_step: called after each decoder step of a stream; see
            :class:`tts.serving.engine.engine.SpeechEngine`.
    """

    def __init__(
        self,
        ticket: Ticket,
        units: Sequence[DecodingUnit],
        speaker: Speaks,
        *,
        limits: EngineLimits,
        turn: float,
        order: int,
        on_step: Callable[[bool], None],
    ) -> None:
        self.ticket, self.speaker, self.order = ticket, speaker, order
        self.lane = LANES.index(ticket.request.lane)
        self._units, self._first_turn = units, turn
        self._on_step = on_step
        self._seconds = ticket.request.sentence_seconds or limits.sentence_seconds
        self._most = speaker.most_together(limits.batch_size, limits.exact)
        self._works: list[UnitWork] = []
        self._n_begun = self._n_given = self._n_samples = 0
        self._parts: list[SpokenPart] = []
        self._speeches: list[Speech] = []

    @property
    def turn(self) -> float:
        """Return the turn of the unit that is given next."""
        return self._first_turn + self._n_given

    @property
    def chars_left(self) -> int:
        """Return the number of characters whose sound was not given yet."""
        return sum(len(unit.text) for unit in self._units[self._n_given :])

    def hurry(self, turn: float) -> None:
        """Go on in the interactive lane, at a turn of those that are there."""
        if self.lane:
            self.lane, self._first_turn = 0, turn - self._n_given

    def tasks(self) -> list[Task[Any]]:
        """Return what could be done next for this request: rows to decode, or a unit to vocode."""
        if self.ticket.ended or self.ticket.is_far_behind:
            return []
        self._begin_units()
        tasks: list[Task[Any]] = []
        for work in self._works:
            if work.chunks is not None or work.attempts:
                tasks.append(self._task(work, work))
            tasks += [self._task(row, work, together=True) for row in work.rows]
        return tasks

    def _begin_units(self) -> None:
        """Begin as many units as can be decoded together, or one more where sound is streamed."""
        while len(self._works) < self._most and self._n_begun < len(self._units):
            if self.speaker.streams and self._works:
                return
            self._works.append(
                UnitWork(
                    self._n_begun,
                    self._units[self._n_begun],
                    self.speaker,
                    self._seconds,
                    lambda: self.ticket.ended,
                    self._on_step,
                )
            )
            self._n_begun += 1

    def _task(self, item: Any, work: UnitWork, together: bool = False) -> Task[Any]:
        return Task(
            self,
            item,
            self.lane,
            # nobody waits for the beginning of a book
            is_first=self.lane == 0 and work.index == 0 and self.ticket.first_sound_at is None,
            turn=self._first_turn + work.index,
            order=self.order,
            group=self.speaker.group if together else None,
            most=self._most,
        )

    def step(self, work: UnitWork) -> None:
        """Vocode what is decoded of a unit, or take the next chunk of its stream; give the sound.

        Raises:
            ServiceError: the unit took too long, or it failed and the request is strict.
        """
        work.begin()
        try:
            if work.chunks is None:
                work.vocode()
            elif (chunk := next(work.chunks, None)) is not None:
                self._give_chunk(work, chunk)
            else:
                work.chunks = None
        finally:
            work.end()
        self.check_time(work)
        self.give()

    def take(self, row: DecodingRow, result: DecodedMel) -> None:
        """Take the result of a row that was decoded.

        Raises:
            SlowSentenceError: the unit has used up its computing time.
        """
        self.check_time(row.work)
        row.work.decoded(row, result)

    def check_time(self, work: UnitWork) -> None:
        """Refuse a unit that takes too long.

        Raises:
            SlowSentenceError: the unit has used up its computing time.
        """
        if work.is_too_slow:
            raise SlowSentenceError(work.unit.text, self._seconds)

    def give(self) -> None:
        """Give the sound of all units that are ready and come next; after the last, the record.

        Raises:
            CouldNotSpeakError: a part failed, and the request is strict.
        """
        while self._works and self._works[0].is_spoken:
            work = self._works.pop(0)
            self._n_given += 1
            if work.speeches:
                self._give_speeches(work)
        if self._n_given == len(self._units):
            self._finish()

    def _give_speeches(self, work: UnitWork) -> None:
        """Give the sound of a unit; the guard may have cut it into several parts."""
        parts: tuple[SpokenPart, ...] = ()
        n_samples = self._n_samples
        for speech in work.speeches:
            parts += spoken_parts(work.index, speech.parts, n_samples / speech.sample_rate)
            n_samples += len(speech.wave)
        self._check_parts(work, parts)
        samples = np.concatenate([speech.wave.numpy() for speech in work.speeches])
        self._add(SoundChunk(samples, self.speaker.sample_rate, work.index, parts))
        if self.ticket.request.keep_speech:
            self._speeches += work.speeches

    def _give_chunk(self, work: UnitWork, chunk: Chunk) -> None:
        parts: tuple[SpokenPart, ...] = ()
        if chunk.part is not None:
            parts = spoken_parts(work.index, [self._placed(chunk.part)], 0.0)
        self._add(SoundChunk(chunk.wave.numpy(), chunk.sample_rate, work.index, parts))

    def _placed(self, part: Part) -> Part:
        """Return the part of a stream with its place in the sound of the whole request."""
        return replace(part, start=self._n_samples / self.speaker.sample_rate - part.seconds)

    def _check_parts(self, work: UnitWork, parts: Sequence[SpokenPart]) -> None:
        if not self.ticket.request.strict:
            return
        for part in parts:
            if part.fault is not None:
                raise CouldNotSpeakError(work.index, part.text, part.fault)

    def _add(self, chunk: SoundChunk) -> None:
        self._n_samples += len(chunk.samples)
        self._parts += chunk.parts
        self.ticket.add(chunk)

    def _finish(self) -> None:
        request, speech = self.ticket.request, None
        if self._speeches:
            from tts.inference import join

            speech = join(self._speeches, request.text)
        self.ticket.finish(
            SpeechRecord(
                text=request.text,
                voice=request.voice,
                seed=self.speaker.options.seed,
                sample_rate=self.speaker.sample_rate,
                n_samples=self._n_samples,
                parts=tuple(self._parts),
                compute_seconds=sum(part.compute_seconds for part in self._parts),
                speech=speech,
            )
        )
