"""Speaks orders at once: from the engine to all who listen, and into store and database."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, get_args

import numpy as np

from tts.audio.pcm import Waveform
from tts.serving.data.askers import note_asker
from tts.serving.data.database import Database, database_time
from tts.serving.data.jobs import find_open_job, is_heard_of, put_job
from tts.serving.data.models import PartRow
from tts.serving.data.usage import count_usage
from tts.serving.data.utterances import (
    add_utterance,
    is_kept,
    mark_failed,
    mark_spoken,
    save_part,
    save_rendition,
)
from tts.serving.engine.record import SpeechRecord, SpokenPart
from tts.serving.engine.request import Lane
from tts.serving.engine.ticket import Ticket
from tts.serving.errors import ServiceError, busy
from tts.serving.following import JobFollower
from tts.serving.job_run import PASSING_CODES
from tts.serving.live import LiveSound, LiveSounds
from tts.serving.metrics import Metrics
from tts.serving.ordering import Order, OrderDesk
from tts.serving.sounds import KEPT_FORMAT, SoundChoice, encoded_whole
from tts.serving.store import SoundStore, sha256_of
from tts.serving.threads import ThreadGroup

if TYPE_CHECKING:
    from tts.serving.engine.engine import SpeechEngine

_log = logging.getLogger(__name__)


class LiveSpeaker:
    """Speaks what somebody waits for.

    Args:
        engine: speaks.
        desk: makes requests of orders.
        database: remembers utterances.
        store: keeps their sound.
        metrics: counts.

    Attributes:
        sounds: what is being made now.
        adopt: is called with an utterance that is being spoken and whose job waits in the queue, so
            that the job is done by the same speech.
    """

    def __init__(
        self,
        engine: SpeechEngine,
        desk: OrderDesk,
        database: Database,
        store: SoundStore,
        metrics: Metrics,
    ) -> None:
        self.sounds = LiveSounds()
        self.adopt: Callable[[str], None] = lambda utterance_id: None
        self._follower = JobFollower(desk, database, store, self.sounds)
        self._engine = engine
        self._desk = desk
        self._database = database
        self._store = store
        self._metrics = metrics
        self._keepers = ThreadGroup("keep")
        for lane in get_args(Lane):
            metrics.watch_engine(lane, partial(engine.unfinished, lane))

    def listen(self, order: Order, key_id: str) -> tuple[LiveSound, bool]:
        """Return the sound of an order while it is made, and whether others have asked for it.

        The caller is a listener of it, and must leave.

        Raises:
            ServiceError: too much is waiting.
        """
        sound, was_there = self.sounds.join(order.id, lambda: self._start(order, key_id))
        sound.askers.add(key_id)
        if was_there:
            self._engine.hurry(sound.ticket)  # it may be that of a job for which nobody has waited
        return sound, was_there

    def speech(self, order: Order) -> SpeechRecord:
        """Speak an order once more, and return its record with mel and alignment.

        Raises:
            ServiceError: it cannot be spoken.
        """
        request = self._desk.request(order, "interactive", keep_speech=True)
        return self._engine.submit(request).result()

    def check_ready(self) -> None:
        """Check that there is room for another order.

        Raises:
            ServiceError: the engine has ended, or its interactive lane is full.
        """
        if not self._engine.is_alive:
            raise ServiceError("not_ready", 503, "the speech engine takes nothing on")
        lane: Lane = "interactive"
        if self._engine.unfinished(lane) >= self._engine.limits.interactive:
            raise busy(f"the {lane} lane is full", self._engine.retry_after(lane))

    def close(self) -> None:
        """Wait until everything that was spoken is kept; call it when the engine is closed."""
        self._follower.close()
        self._keepers.join()

    def _start(self, order: Order, key_id: str) -> LiveSound:
        with self._database.read() as session:
            job, now = find_open_job(session, order.id), database_time(session)
        if job is not None and job.state == "running" and is_heard_of(job, now):
            with self._database.write() as session:  # it comes before long texts now
                job, _ = put_job(session, order.id, key_id, "interactive")
            return self._follower.follow(order, job.id, is_ours=False)
        sound = self._speak(order, key_id)
        if job is not None:
            self.adopt(order.id)
        return sound

    def _speak(self, order: Order, key_id: str) -> LiveSound:
        ticket = self._engine.submit(self._desk.request(order, "interactive"))
        sound = LiveSound(order.id, ticket)
        self._keepers.start(self._keep_and_forget, sound, order, key_id)
        return sound

    def _keep_and_forget(self, sound: LiveSound, order: Order, key_id: str) -> None:
        try:
            self._keep(sound, order, key_id)
        except Exception:
            _log.exception("utterance %s could not be kept", order.id)
        finally:
            self.sounds.remove(sound)

    def _keep(self, sound: LiveSound, order: Order, key_id: str) -> None:
        ticket = sound.ticket
        try:
            chunks = [chunk.samples for chunk in ticket.chunks()]
            record = ticket.result()
        except ServiceError as error:
            if sound.claim():
                self._metrics.failed(error.code)
            if error.code not in PASSING_CODES:
                with self._database.write() as session:
                    add_utterance(session, order.recipe)
                    mark_failed(session, order.id, error.code, error.message)
                    session.flush()
                    for asker in [key_id, *sound.askers]:
                        note_asker(session, order.id, asker)
            return
        if sound.claim():
            count_ticket(self._metrics, ticket)
        wave = np.concatenate([np.zeros(0, np.float32), *chunks])
        keep_speech(self._database, self._store, order, key_id, wave, record)
        if others := sound.askers - {key_id}:
            with self._database.write() as session:
                for asker in others:
                    note_asker(session, order.id, asker)


def keep_speech(
    database: Database,
    store: SoundStore,
    order: Order,
    key_id: str,
    wave: Waveform,
    record: SpeechRecord,
) -> None:
    """Write an utterance that was spoken into store and database, in one transaction.

    Args:
        database: gets utterance, parts and usage.
        store: gets the sound in :data:`KEPT_FORMAT`.
        order: what was spoken.
        key_id: who asked for it.
        wave: ``(T_wave,)`` samples at the rate of the voice.
        record: what is known of the speech.
    """
    rate = record.sample_rate
    content = encoded_whole(wave, rate, SoundChoice(KEPT_FORMAT, rate))
    store.put(order.id, KEPT_FORMAT, rate, content)
    with database.write() as session:
        add_utterance(session, order.recipe)
        session.flush()
        note_asker(session, order.id, key_id)
        # a job of the same sound may have kept and counted it
        was_kept = is_kept(session, order.id, KEPT_FORMAT, rate)
        for number, part in enumerate(record.parts):
            save_part(session, part_row(order.id, number, part))
        digest = sha256_of(content)
        save_rendition(session, order.id, KEPT_FORMAT, rate, len(content), digest)
        mark_spoken(session, order.id, record.seconds)
        if not was_kept:
            spent = record.compute_seconds
            count_usage(session, key_id, seconds=record.seconds, compute_seconds=spent)
    store.make_room()


def part_row(utterance_id: str, number: int, part: SpokenPart) -> PartRow:
    """Return a part of an utterance as the database keeps it."""
    return PartRow(
        utterance_id=utterance_id,
        number=number,
        text=part.text,
        reading=" ".join(part.symbols),
        start=part.start,
        end=part.start + part.seconds,
        attempts=part.attempts,
        failed=part.failed,
        stop_reason=part.stop_reason,
        health=dict(part.health),
        words=_marks("word", part.words),
        symbols=_marks("symbol", part.phones),
    )


def _marks(name: str, spans: tuple[tuple[str, float, float], ...]) -> list[dict[str, str | float]]:
    return [{name: text, "start": start, "end": end} for text, start, end in spans]


def count_ticket(metrics: Metrics, ticket: Ticket) -> None:
    """Count what was spoken, and how long it waited."""
    if ticket.started_at is not None:
        metrics.waited(ticket.request.lane, ticket.started_at - ticket.submitted_at)
    if (record := ticket.record) is not None:
        metrics.spoken(record.seconds, record.compute_seconds)
