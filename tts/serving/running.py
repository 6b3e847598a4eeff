"""Holds what runs in one process of the service, by its role, and ends it gracefully."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping

from tts.serving.data.database import Database
from tts.serving.data.recipe import software_of_sound
from tts.serving.engine.engine import SpeechEngine
from tts.serving.engine.limits import EngineLimits
from tts.serving.engine.reading_voice import ReadingVoice, load_reading_voices
from tts.serving.engine.voices import load_voices
from tts.serving.engine_jobs import EngineJobs
from tts.serving.metrics import Metrics
from tts.serving.ordering import OrderDesk
from tts.serving.queued import QueuedSpeaker
from tts.serving.service import Service
from tts.serving.settings import Settings
from tts.serving.speaking import LiveSpeaker
from tts.serving.starting import register
from tts.serving.store import SoundStore
from tts.serving.worker import Worker

#: Jobs of the queue that one process speaks at a time; the engine decodes them together.
_PARALLEL_JOBS = 4


class Running:
    """Loads the voices, and starts what the role of this process needs.

    Args:
        settings: of the service.
        database: of the service.

    Attributes:
        service: what the routes answer for.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        store = SoundStore.open(settings.store, database, settings.limits.store_bytes)
        voices: Mapping[str, ReadingVoice]
        if settings.speaks:
            voices = speaking = load_voices(settings.voices, settings.device)
        else:
            voices = load_reading_voices(settings.voices)
        metrics = Metrics()
        most_read = settings.limits.text_chars
        desk = OrderDesk(database, voices, software_of_sound(), most_read)
        desk.versions = register(database, voices)
        self._engine: SpeechEngine | None = None
        self._worker: Worker | None = None
        self._speaker: LiveSpeaker | QueuedSpeaker
        if settings.speaks:
            engine = self._engine = SpeechEngine(
                speaking, _engine_limits(settings), metrics.stepped
            )
            self._speaker = LiveSpeaker(engine, desk, database, store, metrics)
            self._worker = Worker(
                database,
                store,
                EngineJobs(engine, desk, self._speaker.sounds, metrics, settings.limits.text_chars),
                parallel=_PARALLEL_JOBS,
                lease_seconds=settings.lease_seconds,
            )
            self._speaker.adopt = self._worker.adopt
            self._worker.start()
        else:
            most = settings.limits.interactive
            self._speaker = QueuedSpeaker(desk, database, store, most)
        self.service = Service(settings, database, store, desk, self._speaker, metrics)
        if self._worker is not None:
            worker = self._worker
            self.service.on_job, self.service.takes_jobs = worker.hint, lambda: worker.is_alive

    def stop_taking(self) -> None:
        """Take no more jobs from the queue; called when a signal comes, by its handler."""
        # the handler must not wait for locks that the interrupted code may hold
        if self._worker is not None:
            threading.Thread(target=self._stop_worker, name="stop", daemon=True).start()

    def close(self) -> None:
        """End what is being said within the limit, and put the rest back."""
        self._stop_worker()
        if self._engine is not None:
            self._engine.close(self._settings.drain_seconds)
        self._speaker.close()

    def wait_for_signal(self) -> None:
        """Wait for SIGTERM or SIGINT; to be stopped is no failure."""
        stopped = threading.Event()
        before = {
            number: signal.signal(number, lambda *_: stopped.set())
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            # without a limit, Python would not look at signals on every system
            while not stopped.wait(1.0):
                pass
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop_worker(self) -> None:
        if self._worker is not None:
            self._worker.stop(self._settings.drain_seconds)


def _engine_limits(settings: Settings) -> EngineLimits:
    limits = settings.limits
    return EngineLimits(
        batch_size=settings.batch_size,
        exact=settings.exact,
        threads=settings.threads,
        interactive=limits.interactive,
        batch=max(limits.batch, _PARALLEL_JOBS),
        sentence_seconds=limits.sentence_seconds,
        drain_seconds=settings.drain_seconds,
    )
