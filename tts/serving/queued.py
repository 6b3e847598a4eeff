"""Lets a process without an engine answer at once: workers speak, and it reads part by part."""

from __future__ import annotations

import threading
import time

import numpy as np

from tts.audio.pcm import to_float
from tts.serving.data.accounts import JobRow
from tts.serving.data.database import Database
from tts.serving.data.jobs import cancel_job, find_job, lane_loads, put_job
from tts.serving.data.utterances import add_utterance
from tts.serving.engine.record import SpeechRecord
from tts.serving.engine.ticket import SoundChunk, Ticket
from tts.serving.errors import ServiceError, busy
from tts.serving.live import LiveSound, LiveSounds
from tts.serving.ordering import Order, OrderDesk
from tts.serving.store import SoundStore

#: Seconds between two looks at a job.
_PAUSE = 0.05
#: Seconds without any worker after which a request is given up.
_MOST_WAIT = 60.0


class QueuedSpeaker:
    """Speaks orders by jobs of the interactive lane.

    Args:
        desk: makes requests of orders.
        database: has the queue.
        store: gets the sound of parts from workers.
        most_waiting: jobs that may wait in the interactive lane.

    Attributes:
        sounds: what is being made now.
    """

    def __init__(
        self, desk: OrderDesk, database: Database, store: SoundStore, most_waiting: int
    ) -> None:
        self.sounds = LiveSounds()
        self._desk = desk
        self._database = database
        self._store = store
        self._most_waiting = most_waiting

    def listen(self, order: Order, key_id: str) -> tuple[LiveSound, bool]:
        """Return the sound of an order while it is made, and whether others have asked for it.

        Raises:
            ServiceError: too much is waiting.
        """
        return self.sounds.join(order.id, lambda: self._start(order, key_id))

    def speech(self, order: Order) -> SpeechRecord:
        """Refuse: mel and alignment do not leave the worker that made them.

        Raises:
            ServiceError: always.
        """
        raise ServiceError("no_picture", 409, "this process has no voice that could be drawn")

    def check_ready(self) -> None:
        """Do nothing: the service looks at the queue itself."""

    def close(self) -> None:
        """Do nothing: the jobs belong to the workers."""

    def _start(self, order: Order, key_id: str) -> LiveSound:
        with self._database.write() as session:
            if lane_loads(session)["interactive"].queued >= self._most_waiting:
                raise busy("the interactive queue is full; ask again later", 5)
            add_utterance(session, order.recipe)
            session.flush()
            job, _ = put_job(session, order.id, key_id, "interactive")
        request = self._desk.request(order, "interactive")
        ticket = Ticket(request, order.voice_rate, [])
        sound = LiveSound(order.id, ticket)
        threading.Thread(
            target=self._follow, args=(sound, order, job.id), name="follow", daemon=True
        ).start()
        return sound

    def _follow(self, sound: LiveSound, order: Order, job_id: str) -> None:
        """Hand on the parts of a job as they come."""
        try:
            self._hand_on(sound.ticket, order, job_id)
        except ServiceError as error:
            sound.ticket.fail(error)
        except Exception:
            sound.ticket.fail(ServiceError("internal_error", 500, "the queue cannot be read"))
            raise
        finally:
            self.sounds.remove(sound)

    def _hand_on(self, ticket: Ticket, order: Order, job_id: str) -> None:
        n_parts = n_samples = 0
        given_up = time.monotonic() + _MOST_WAIT
        while not ticket.ended:
            job = self._job(job_id)
            while n_parts < job.parts_done:
                data = self._store.load_part(order.id, n_parts)
                if data is None:
                    raise ServiceError("internal_error", 500, "a part of the sound is missing")
                samples = to_float(np.frombuffer(data, "<i2").astype(np.int16))
                ticket.add(SoundChunk(samples, order.voice_rate, n_parts))
                n_samples += len(samples)
                n_parts += 1
            if job.state == "done":
                text, seed = order.recipe.text, order.recipe.seed
                rate = order.voice_rate
                ticket.finish(SpeechRecord(text, order.voice_id, seed, rate, n_samples, (), 0.0))
                return
            if job.state in ("failed", "cancelled"):
                code, message = job.error_code or "cancelled", job.error or "the job was cancelled"
                raise ServiceError(code, 422, message, "input")
            if job.state == "queued" and time.monotonic() > given_up:
                raise busy("no worker takes the job", 10)
            time.sleep(_PAUSE)
        with self._database.write() as session:
            cancel_job(session, job_id)

    def _job(self, job_id: str) -> JobRow:
        with self._database.read() as session:
            job = find_job(session, job_id)
        if job is None:
            raise ServiceError("unknown_job", 404, "the job was deleted")
        return job
