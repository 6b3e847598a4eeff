"""Makes files of utterances, from what the store has or by speaking again."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tts.audio.pcm import Waveform
from tts.serving.data.database import Database
from tts.serving.data.models import RenditionRow, UtteranceRow
from tts.serving.data.recipe import Recipe
from tts.serving.data.utterances import find_rendition, find_utterance
from tts.serving.engine.record import SpeechRecord
from tts.serving.errors import ServiceError
from tts.serving.live import LiveSound
from tts.serving.ordering import Order
from tts.serving.sounds import KEPT_FORMAT, SoundChoice, decoded_kept, encoded_whole
from tts.serving.store import SoundStore

#: The picture of waveform, mel and alignment, as a format.
PICTURE_FORMAT = "png"
#: What is kept of an utterance: its row, and its file or the bytes of it.
Kept = tuple[RenditionRow, Path | bytes]


class Speaker(Protocol):
    """Speaks orders at once."""

    def listen(self, order: Order, key_id: str) -> tuple[LiveSound, bool]:
        """Return the sound of an order while it is made, and whether it was being made already."""

    def speech(self, order: Order) -> SpeechRecord:
        """Speak an order once more, and return its record with mel and alignment."""

    def check_ready(self) -> None:
        """Check that there is room for another order.

        Raises:
            ServiceError: there is none.
        """


@dataclass(frozen=True)
class SpokenUtterance:
    """Holds what is needed to make files of an utterance.

    Attributes:
        order: which would speak it again.
        is_repeatable: whether that would give the same sound.
    """

    order: Order
    is_repeatable: bool


class RenditionMaker:
    """Makes files of utterances.

    Args:
        database: knows which there are.
        store: has them.
        speaker: speaks again what was removed to make room.
        sound_revision: from :func:`tts.serving.data.recipe.software_of_sound`.
    """

    def __init__(
        self, database: Database, store: SoundStore, speaker: Speaker, sound_revision: str
    ) -> None:
        self._sound_revision = sound_revision
        self._database = database
        self._store = store
        self._speaker = speaker

    def find_spoken(self, utterance_id: str) -> SpokenUtterance:
        """Return an utterance that was spoken.

        Raises:
            ServiceError: there is none with this id, or it has no sound yet.
        """
        with self._database.read() as session:
            row = find_utterance(session, utterance_id)
            if row is None:
                raise ServiceError("unknown_utterance", 404, "there is no utterance with this id")
            if row.state != "spoken":
                raise not_spoken(row)
            version = row.model_version
            voice = version.voice
            recipe = Recipe(
                row.model_version_id,
                row.text,
                row.options,
                row.seed,
                row.lexicon_revision,
                row.sound_revision,
                kept_as=row.id,
            )
            order = Order(recipe, voice.id, voice.sample_rate, voice.language)
            is_repeatable = version.is_current and row.sound_revision == self._sound_revision
        return SpokenUtterance(order, is_repeatable)

    def find_kept(self, utterance_id: str, format: str, sample_rate: int) -> Kept | None:
        """Return a file of an utterance, if the store has it whole."""
        with self._database.read() as session:
            row = find_rendition(session, utterance_id, format, sample_rate)
        if row is None:
            return None
        content = self._store.path(row) if self._store.is_folder else self._store.load(row)
        return None if content is None else (row, content)

    def words(self, utterance_id: str) -> list[dict[str, Any]]:
        """Return when the words of an utterance are heard: marks ``{"word", "start", "end"}``."""
        with self._database.read() as session:
            row = find_utterance(session, utterance_id)
            return [] if row is None else [mark for part in row.parts for mark in part.words]

    def sound(self, utterance: SpokenUtterance, choice: SoundChoice, key_id: str) -> Kept:
        """Return the sound of an utterance in a format and rate, and keep it.

        Raises:
            ServiceError: the sound was removed, and cannot be made again as it was.
        """
        order = utterance.order
        kept = self.find_kept(order.id, choice.format, choice.sample_rate)
        if kept is not None:
            return kept
        wave = self._wave(utterance, key_id)
        content = encoded_whole(wave, order.voice_rate, choice)
        row = self._store.save(order.id, choice.format, choice.sample_rate, content)
        return row, content

    def picture(self, utterance: SpokenUtterance) -> Kept:
        """Return the picture of waveform, mel and alignment; it is drawn when first asked for.

        Raises:
            ServiceError: it was not drawn before, and cannot be drawn now.
        """
        order = utterance.order
        if (kept := self.find_kept(order.id, PICTURE_FORMAT, 0)) is not None:
            return kept
        if not utterance.is_repeatable:
            raise _gone()
        speech = self._speaker.speech(order).speech
        assert speech is not None
        figure, file = speech.figure(), io.BytesIO()
        figure.savefig(file, format=PICTURE_FORMAT, dpi=120)
        content = file.getvalue()
        return self._store.save(order.id, PICTURE_FORMAT, 0, content), content

    def _wave(self, utterance: SpokenUtterance, key_id: str) -> Waveform:
        """Return the samples of an utterance at the rate of its voice."""
        order = utterance.order
        with self._database.read() as session:
            row = find_rendition(session, order.id, KEPT_FORMAT, order.voice_rate)
        content = None if row is None else self._store.load(row)
        if content is not None:
            return decoded_kept(content)[0]
        if not utterance.is_repeatable:
            raise _gone()
        sound, _ = self._speaker.listen(order, key_id)
        try:
            chunks = [chunk.samples for chunk in sound.ticket.chunks()]
        finally:
            sound.leave()
        return np.concatenate([np.zeros(0, np.float32), *chunks])


def not_spoken(row: UtteranceRow) -> ServiceError:
    """Return the error of an utterance that has no sound."""
    if row.state == "failed":
        return ServiceError("not_spoken", 409, f"it could not be spoken: {row.error}")
    if row.state == "cancelled":
        message = "its job was cancelled before it was spoken; ask for the text again"
        return ServiceError("not_spoken", 409, message)
    return ServiceError("not_spoken", 409, "it is not spoken yet; its job says how far it is")


def _gone() -> ServiceError:
    message = (
        "this was removed to make room, and the voice or the software has changed since, so that "
        "it cannot be made again as it was; ask for the text anew"
    )
    return ServiceError("gone", 410, message)
