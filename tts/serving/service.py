"""Holds the parts of the speech service together (``Service``), for the routes that use them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tts.core.errors import InputError
from tts.serving.allowance import Allowance, Caller
from tts.serving.data.accounts import LANES, JobRow
from tts.serving.data.askers import has_asked, note_asker
from tts.serving.data.database import Database
from tts.serving.data.jobs import lane_loads, put_job
from tts.serving.data.keys import key_of, touch_key
from tts.serving.data.models import UtteranceRow
from tts.serving.data.usage import count_usage
from tts.serving.data.utterances import add_utterance
from tts.serving.data.voices import voice_list
from tts.serving.engine.request import Lane
from tts.serving.errors import ServiceError, busy
from tts.serving.metrics import Metrics
from tts.serving.ordering import Order, OrderDesk
from tts.serving.renditions import RenditionMaker, Speaker
from tts.serving.settings import Settings
from tts.serving.store import SoundStore

#: Seconds after which a client whose lane is full should ask again.
_AGAIN_AFTER = {"interactive": 5.0, "batch": 60.0}
#: Seconds for which the answer to the question of readiness holds.
LOOK_PAUSE = 1.0
#: Seconds for which the time of a key's last use is not written again.
_TOUCH_PAUSE = 60.0


class Service:
    """Is what the routes answer for.

    Args:
        settings: everything that can be chosen.
        database: remembers.
        store: keeps sound.
        desk: checks what is asked for.
        speaker: speaks what somebody waits for.
        metrics: counts.

    Attributes:
        renditions: makes files of what was spoken.
        allowance: limits callers.
        on_job: is called when a job was put into the queue.
        takes_jobs: returns whether the worker of this process does; None where there is none.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: SoundStore,
        desk: OrderDesk,
        speaker: Speaker,
        metrics: Metrics,
    ) -> None:
        self.settings = settings
        self.database = database
        self.store = store
        self.desk = desk
        self.speaker = speaker
        self.metrics = metrics
        self.renditions = RenditionMaker(database, store, speaker, desk.sound_revision)
        limits = settings.limits
        self.allowance = Allowance(database, limits.chars_per_minute, limits.chars_per_day)
        self.on_job: Callable[[], None] = lambda: None
        self.takes_jobs: Callable[[], bool] | None = None
        self._ready_lock = threading.Lock()
        self._ready: dict[str, str] | ServiceError = {}
        self._looked_at = -LOOK_PAUSE
        self._touched: dict[str, float] = {}
        for lane in LANES:
            metrics.watch_queue(lane, lambda lane=lane: self._queued(lane))  # type: ignore[misc]

    def find_key(self, token: str) -> Caller | None:
        """Return the caller whose key this is, or None if it is unknown or was revoked."""
        with self.database.read() as session:
            row = key_of(session, token)
        if row is None or row.revoked_at is not None:
            return None
        now = time.monotonic()
        if now - self._touched.get(row.id, -_TOUCH_PAUSE) >= _TOUCH_PAUSE:
            self._touched[row.id] = now
            with self.database.write() as session:
                touch_key(session, row.id)
        return Caller(
            row.id,
            f"key:{row.id}",
            frozenset(row.scopes),
            row.characters_per_minute,
            row.requests_per_minute,
        )

    def admit(self, order: Order, caller: Caller) -> dict[str, str]:
        """Take the characters of a text from the caller's allowance, and check that it can be read.

        In this order, because reading takes time as well.

        Returns:
            Headers that say how much is left.

        Raises:
            ServiceError: the text cannot be read, or the caller has asked for too much.
        """
        n_chars = len(order.recipe.text)
        headers = self.allowance.take(caller, n_chars)
        self.desk.check_readable(order)
        with self.database.write() as session:
            count_usage(session, caller.key_id, requests=1, characters=n_chars)
        return headers

    def put_job(self, order: Order, caller: Caller, lane: Lane) -> JobRow:
        """Put an order into the queue, or return the open job of an equal one.

        Raises:
            ServiceError: the lane is full.
        """
        with self.database.write() as session:
            if lane_loads(session)[lane].queued >= getattr(self.settings.limits, lane):
                raise busy(f"the {lane} queue is full; ask again later", _AGAIN_AFTER[lane])
            add_utterance(session, order.recipe)
            session.flush()
            job, _ = put_job(session, order.id, caller.key_id, lane)
        self.on_job()
        return job

    def note_asker(self, utterance_id: str, caller: Caller) -> None:
        """Note that a caller has asked for an utterance that exists already."""
        with self.database.read() as session:
            if has_asked(session, utterance_id, caller.key_id):
                return
        with self.database.write() as session:
            note_asker(session, utterance_id, caller.key_id)

    def may_see(self, utterance_id: str, caller: Caller) -> bool:
        """Return whether a caller sees an utterance: an own one, or any with the scope admin."""
        if caller.sees_all:
            return True
        with self.database.read() as session:
            return has_asked(session, utterance_id, caller.key_id)

    def is_spoken(self, utterance_id: str) -> bool:
        """Return whether an utterance was spoken."""
        with self.database.read() as session:
            row = session.get(UtteranceRow, utterance_id)
            return row is not None and row.state == "spoken"

    def check_ready(self) -> dict[str, str]:
        """Return what is ready, part by part.

        The question needs no key and writes into database and store, so what was found holds for a
        second.

        Raises:
            ServiceError: something is not.
        """
        with self._ready_lock:
            if time.monotonic() >= self._looked_at + LOOK_PAUSE:
                try:
                    self._ready = self._look()
                except ServiceError as error:
                    self._ready = error
                self._looked_at = time.monotonic()
            if isinstance(self._ready, ServiceError):
                raise self._ready
            return self._ready

    def _look(self) -> dict[str, str]:
        checks: dict[str, str] = {}
        try:
            self.database.check_writable()
            checks["database"] = "ok"
            self.store.check_writable()
            checks["store"] = "ok"
        except InputError:
            # the message may name folders and hosts
            part = "store" if checks else "database"
            raise ServiceError("not_ready", 503, f"the {part} cannot be written") from None
        with self.database.read() as session:
            has_voice = bool(voice_list(session))
            load = lane_loads(session)["interactive"]
        if not has_voice:
            raise ServiceError("not_ready", 503, "no voice is loaded")
        self.speaker.check_ready()
        checks["voices"] = "ok"
        if self.takes_jobs is not None:
            if not self.takes_jobs():
                raise ServiceError("not_ready", 503, "the worker takes no jobs")
            checks["worker"] = "ok"
        if not self.settings.answers:
            return checks  # a full queue is no fault of a worker
        if load.queued >= self.settings.limits.interactive:
            raise busy("the interactive queue is full", _AGAIN_AFTER["interactive"])
        checks["queue"] = "ok"
        return checks

    def _queued(self, lane: str) -> float:
        with self.database.read() as session:
            return lane_loads(session)[lane].queued
