"""Lets a process without an engine answer at once: workers speak, and it reads part by part."""

from __future__ import annotations

from tts.serving.data.database import Database
from tts.serving.data.jobs import lane_loads, put_job
from tts.serving.data.utterances import add_utterance
from tts.serving.engine.record import SpeechRecord
from tts.serving.errors import ServiceError, busy
from tts.serving.following import JobFollower
from tts.serving.live import LiveSound, LiveSounds
from tts.serving.ordering import Order, OrderDesk
from tts.serving.store import SoundStore


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
        self._database = database
        self._most_waiting = most_waiting
        self._follower = JobFollower(desk, database, store, self.sounds)

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
        """Listen to no job any more; the jobs themselves belong to the workers."""
        self._follower.close()

    def _start(self, order: Order, key_id: str) -> LiveSound:
        with self._database.write() as session:
            if lane_loads(session)["interactive"].queued >= self._most_waiting:
                raise busy("the interactive queue is full; ask again later", 5)
            add_utterance(session, order.recipe)
            session.flush()
            job, is_new = put_job(session, order.id, key_id, "interactive")
        # a job that others have put stays when our listeners leave
        return self._follower.follow(order, job.id, is_ours=is_new)
