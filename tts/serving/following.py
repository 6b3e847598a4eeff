"""Hands on the sound of a job that is spoken elsewhere, part by part, while it is made."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import select

from tts.audio.pcm import Waveform, to_float
from tts.serving.data.accounts import JobRow
from tts.serving.data.database import Database
from tts.serving.data.jobs import cancel_job, find_job
from tts.serving.data.models import PartRow, UtteranceRow
from tts.serving.data.utterances import find_rendition
from tts.serving.engine.errors import NotSpokenError
from tts.serving.engine.record import SpeechRecord, SpokenPart
from tts.serving.engine.ticket import SoundChunk, Ticket
from tts.serving.errors import ServiceError, busy
from tts.serving.live import LiveSound, LiveSounds
from tts.serving.ordering import Order, OrderDesk
from tts.serving.sounds import KEPT_FORMAT, decoded_kept
from tts.serving.store import SoundStore
from tts.serving.threads import ThreadGroup

#: Seconds between two looks at a job.
_PAUSE = 0.05
#: Seconds without any worker after which a request is given up.
_MOST_WAIT = 60.0


@dataclass
class _Heard:
    """Holds how far a job was handed on."""

    order: Order
    ticket: Ticket
    n_parts: int = 0
    n_rows: int = 0
    n_samples: int = 0
    given_up: float = field(default_factory=lambda: time.monotonic() + _MOST_WAIT)

    def add(self, samples: Waveform, rows: Sequence[PartRow]) -> None:
        """Give the listeners what comes next.

        Args:
            samples: ``(n,)`` of a part of the job.
            rows: what is known of the sentences of this part and later ones.
        """
        rate = self.order.voice_rate
        self.n_samples += len(samples)
        heard = [row for row in rows if row.start < self.n_samples / rate]
        parts = tuple(_spoken_part(self.n_parts, row) for row in heard)
        self.ticket.add(SoundChunk(samples, rate, self.n_parts, parts))
        self.n_parts += 1
        self.n_rows += len(heard)


class JobFollower:
    """Makes sounds of jobs that workers speak, in this process or another one.

    Args:
        desk: makes requests of orders.
        database: has the jobs.
        store: gets the sound of parts from workers.
        sounds: forgets a sound at its end.
    """

    def __init__(
        self, desk: OrderDesk, database: Database, store: SoundStore, sounds: LiveSounds
    ) -> None:
        self._desk = desk
        self._database = database
        self._store = store
        self._sounds = sounds
        self._threads = ThreadGroup("follow", daemon=True)
        self._ends = threading.Event()

    def follow(self, order: Order, job_id: str, *, is_ours: bool) -> LiveSound:
        """Return the sound of a job while it is made.

        Args:
            order: what the job speaks.
            job_id: the job.
            is_ours: whether nobody wants the job any more when the last listener has left.
        """
        request = self._desk.request(order, "interactive")
        sound = LiveSound(order.id, Ticket(request, order.voice_rate, []), is_followed=True)
        self._threads.start(self._follow, sound, order, job_id, is_ours)
        return sound

    def close(self) -> None:
        """End what is followed, and wait until nothing reads the database any more."""
        self._ends.set()
        self._threads.join()

    def _follow(self, sound: LiveSound, order: Order, job_id: str, is_ours: bool) -> None:
        """Hand on the parts of a job as they come."""
        try:
            self._hand_on(_Heard(order, sound.ticket), job_id)
            if is_ours and sound.ticket.error is not None:
                with self._database.write() as session:
                    cancel_job(session, job_id)
        except ServiceError as error:
            sound.ticket.fail(error)
        except Exception:
            sound.ticket.fail(ServiceError("internal_error", 500, "the queue cannot be read"))
            raise
        finally:
            self._sounds.remove(sound)

    def _hand_on(self, heard: _Heard, job_id: str) -> None:
        order, ticket = heard.order, heard.ticket
        while not ticket.ended:
            job = self._job(job_id)
            self._add_parts(heard, job.parts_done)
            if job.state == "done":
                self._add_rest(heard)
                text, seed = order.recipe.text, order.recipe.seed
                rate, n = order.voice_rate, heard.n_samples
                ticket.finish(SpeechRecord(text, order.voice_id, seed, rate, n, (), 0.0))
                return
            if job.state in ("failed", "cancelled"):
                code, message = job.error_code or "cancelled", job.error or "the job was cancelled"
                raise ServiceError(code, 422, message, "input")
            if job.state == "queued" and time.monotonic() > heard.given_up:
                raise busy("no worker takes the job", 10)
            if self._ends.wait(_PAUSE):
                raise NotSpokenError

    def _add_parts(self, heard: _Heard, parts_done: int) -> None:
        """Give the parts that the store has; one that is missing comes with the whole sound."""
        while heard.n_parts < parts_done:
            data = self._store.load_part(heard.order.id, heard.n_parts)
            if data is None:
                return
            samples = to_float(np.frombuffer(data, "<i2").astype(np.int16))
            heard.add(samples, self._rows(heard))

    def _add_rest(self, heard: _Heard) -> None:
        """Give what was not heard in parts, such as of a text that had been spoken before.

        Raises:
            ServiceError: the whole sound is not in the store.
        """
        order = heard.order
        with self._database.read() as session:
            row = session.get(UtteranceRow, order.id)
            kept = find_rendition(session, order.id, KEPT_FORMAT, order.voice_rate)
        if row is None or row.seconds is None:
            raise ServiceError("unknown_utterance", 404, "the utterance was deleted")
        if heard.n_samples >= round(row.seconds * order.voice_rate):
            return
        content = None if kept is None else self._store.load(kept)
        if content is None:
            raise ServiceError("internal_error", 500, "a part of the sound is missing")
        heard.add(decoded_kept(content)[0][heard.n_samples :], self._rows(heard))

    def _rows(self, heard: _Heard) -> Sequence[PartRow]:
        """Return what is known of the sentences that were not handed on yet."""
        with self._database.read() as session:
            return session.scalars(
                select(PartRow)
                .where(PartRow.utterance_id == heard.order.id, PartRow.number >= heard.n_rows)
                .order_by(PartRow.number)
            ).all()

    def _job(self, job_id: str) -> JobRow:
        with self._database.read() as session:
            job = find_job(session, job_id)
        if job is None:
            raise ServiceError("unknown_job", 404, "the job was deleted")
        return job


def _spoken_part(index: int, row: PartRow) -> SpokenPart:
    """Return a part as the engine of this process would describe it."""
    return SpokenPart(
        index=index,
        text=row.text,
        start=row.start,
        seconds=row.end - row.start,
        seed=0,
        attempts=row.attempts,
        stop_reason=row.stop_reason,
        follows_text=not row.failed,
        failed=row.failed,
        health=dict(row.health),
        symbols=tuple(row.reading.split()),
        words=tuple((mark["word"], mark["start"], mark["end"]) for mark in row.words),
        phones=tuple((mark["symbol"], mark["start"], mark["end"]) for mark in row.symbols),
        compute_seconds=0.0,
    )
