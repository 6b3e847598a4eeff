"""Lets the worker speak its jobs with the engine of this process."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tts.core.errors import InputError, one_line
from tts.serving.data.lexicon import language_of
from tts.serving.data.recipe import Recipe
from tts.serving.engine.engine import SpeechEngine
from tts.serving.errors import ServiceError
from tts.serving.job_run import MOST_CHARS_HEARD
from tts.serving.job_speech import JobText, SoundPiece
from tts.serving.live import LiveSound, LiveSounds
from tts.serving.metrics import Metrics
from tts.serving.ordering import Order, OrderDesk
from tts.serving.speaking import count_ticket, part_row

#: Seconds before a job is given back for which the engine has no room.
_BUSY_PAUSE = 0.5


class EngineJobs:
    """Begins to speak jobs.

    Args:
        engine: speaks.
        desk: makes requests of texts, and knows which voices and software there are now.
        sounds: what is being made at once; an equal job joins it, and is joined.
        metrics: counts.
        most_shared: characters of the longest text that can also be asked for at once. The sound of
            a longer one, such as a book, is read once and forgotten.
    """

    def __init__(
        self,
        engine: SpeechEngine,
        desk: OrderDesk,
        sounds: LiveSounds,
        metrics: Metrics,
        most_shared: int = MOST_CHARS_HEARD,
    ) -> None:
        self._most_shared = most_shared
        self._engine = engine
        self._desk = desk
        self._sounds = sounds
        self._metrics = metrics

    def __call__(self, text: JobText) -> EngineSpeech:
        """Begin to speak a job.

        Raises:
            ServiceError: the voice is not the one that was asked for any more, or it cannot speak
                the text.
        """
        desk = self._desk
        recipe = Recipe(
            text.model_version_id,
            text.text,
            text.options,
            text.seed,
            0,
            text.sound_revision,
            kept_as=text.utterance_id,
        )
        voice = desk.voices.get(text.voice_id)
        is_current = desk.versions.get(text.voice_id) == text.model_version_id
        if voice is None or not is_current or text.sound_revision != desk.sound_revision:
            raise ServiceError(
                "gone", 410, "the voice or the software has changed since; ask for the text anew"
            )
        language = language_of(voice.entry.language)
        order = Order(recipe, text.voice_id, text.sample_rate, language)
        is_awaited = text.lane == "interactive"
        is_shared = is_awaited or len(text.text) <= self._most_shared
        request = desk.request(
            order,
            "interactive" if is_awaited else "batch",
            lexicon=text.lexicon,
            keep_sound=is_shared,
        )

        def start() -> LiveSound:
            return LiveSound(text.utterance_id, self._engine.submit(request))

        try:
            if is_shared:
                sound, _ = self._sounds.join(text.utterance_id, start, for_job=True)
            else:
                sound = start()
                sound.join()
        except InputError as error:
            raise ServiceError("invalid_request", 422, one_line(error)) from None
        except ServiceError as error:
            if error.code == "busy":
                # the job goes back to the queue, from where this worker would take it at once
                time.sleep(_BUSY_PAUSE)
            raise
        return EngineSpeech(sound, self._engine, self._sounds, self._metrics)


class EngineSpeech:
    """Gives the sound of a job (:class:`tts.serving.job_speech.JobSpeech`).

    Args:
        sound: what is being made.
        engine: makes it.
        sounds: forgets it at its end.
        metrics: counts it.
    """

    def __init__(
        self, sound: LiveSound, engine: SpeechEngine, sounds: LiveSounds, metrics: Metrics
    ) -> None:
        self._sound = sound
        self._engine = engine
        self._sounds = sounds
        self._metrics = metrics
        self._has_left = False

    @property
    def n_units(self) -> int:
        """Return the number of units into which the text was cut."""
        return self._sound.ticket.units_total

    def pieces(self) -> Iterator[SoundPiece]:
        """Yield the sound.

        Raises:
            ServiceError: the text was not spoken.
        """
        ticket = self._sound.ticket
        try:
            for chunk in ticket.chunks():
                parts = [part_row("", 0, part) for part in chunk.parts]
                seconds = sum(part.compute_seconds for part in chunk.parts)
                yield SoundPiece(chunk.samples, parts, seconds)
            if self._sound.claim():
                count_ticket(self._metrics, ticket)
        except ServiceError as error:
            if self._sound.claim():
                self._metrics.failed(error.code)
            raise
        finally:
            self.cancel()
            self._sounds.remove(self._sound)

    def hurry(self) -> None:
        """Come before long texts from now on."""
        self._engine.hurry(self._sound.ticket)

    def cancel(self) -> None:
        """Stop speaking, unless somebody else listens."""
        if not self._has_left:
            self._has_left = True
            self._sound.leave()
