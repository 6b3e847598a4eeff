"""Turns what clients ask for into orders: a recipe, whose hash is the id of the utterance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from tts.core.errors import InputError, listed, one_line, printable_name
from tts.serving.data.database import Database
from tts.serving.data.lexicon import current_revision, language_of, lexicon_at
from tts.serving.data.models import VoiceRow
from tts.serving.data.recipe import Recipe
from tts.serving.data.voices import current_version, find_voice, voice_list
from tts.serving.engine.request import Lane, SpeakingRequest
from tts.serving.errors import FieldFault, ServiceError
from tts.serving.texts import checked_text
from tts.serving.wishes import Wishes

if TYPE_CHECKING:
    from tts.inference.reader import DecodingUnit
    from tts.serving.engine.reading_voice import ReadingVoice
    from tts.text import Tokenizer

_MOST_FAULTS = 20


@dataclass(frozen=True)
class Order:
    """Holds one text that is to be spoken, and how.

    Attributes:
        recipe: everything that decides the sound.
        voice_id: the voice.
        voice_rate: rate of its sound, Hz.
        language: of the voice, which chooses the entries of the lexicon.
        text_name: the client's name of the field with the text, for messages.
    """

    recipe: Recipe
    voice_id: str
    voice_rate: int
    language: str
    text_name: str = "text"

    @property
    def id(self) -> str:
        """Return the id of the utterance."""
        return self.recipe.utterance_id


class OrderDesk:
    """Checks what is asked for.

    Args:
        database: knows voices, versions and lexicon.
        voices: read texts.
        sound_revision: from :func:`tts.serving.data.recipe.software_of_sound`.
        most_read: characters of the longest text that is searched for words of the lexicon before
            it is known whether it was spoken before.

    Attributes:
        voices: the same, by their ids.
        sound_revision: the same.
        versions: ids of the model versions of the voices, which :func:`register` fills in.
        with_lexicon: ids of the voices that take pronunciations of words.
    """

    def __init__(
        self,
        database: Database,
        voices: Mapping[str, ReadingVoice],
        sound_revision: str,
        most_read: int = 4096,
    ) -> None:
        self._most_read = most_read
        self._database = database
        self.sound_revision = sound_revision
        self.voices = voices
        self.versions: dict[str, str] = {}
        self.with_lexicon = {id for id, voice in voices.items() if _takes_lexicon(voice)}

    def take(
        self,
        text: str,
        voice_id: str,
        wishes: Wishes,
        *,
        most_chars: int,
        text_name: str,
        hint: str = "",
    ) -> Order:
        """Return an order, if text and voice are ones that there can be.

        Args:
            text: the text.
            voice_id: the voice; another one never speaks in its place.
            wishes: how it is to be spoken.
            most_chars: longest text.
            text_name: the client's name of the field with the text.
            hint: what to do with a longer text.

        Raises:
            ServiceError: the text, the voice or the speed is at fault.
        """
        text = checked_text(text, most_chars, text_name, hint)
        with self._database.read() as session:
            row = require_voice(session, voice_id)
            version = current_version(session, voice_id)
            revision = current_revision(session)
            lexicon: Mapping[str, str] = {}
            if revision and voice_id in self.with_lexicon:
                lexicon = lexicon_at(session, revision, language_of(row.language))
        voice = self.voices.get(voice_id)
        if version is None or voice is None:
            raise ServiceError(
                "voice_retired", 410, f"the voice {voice_id} speaks no more", "voice"
            )
        options, seed = wishes.options(voice.options), wishes.chosen_seed(voice.options)
        request = speaking_request(text, voice_id, options, seed, lexicon, "interactive")
        recipe = Recipe(
            version.id,
            text,
            options,
            seed,
            revision,
            self.sound_revision,
            self._needed(request, voice),
        )
        return Order(recipe, voice_id, row.sample_rate, row.language, text_name)

    def _needed(self, request: SpeakingRequest, voice: ReadingVoice) -> Mapping[str, str]:
        """Return the entries of the lexicon that a text needs; of a long text all entries."""
        lexicon = request.lexicon or {}
        if not lexicon or len(request.text) > self._most_read:
            return lexicon
        try:
            with voice.reading():
                reader = voice.reader(request)
                words = looked_up(reader.tokenizer, reader.read(request.text))
        except InputError:
            return {}  # it cannot be read, and will be refused
        return {word: lexicon[word] for word in sorted(words & lexicon.keys())}

    def request(
        self,
        order: Order,
        lane: Lane,
        *,
        lexicon: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> SpeakingRequest:
        """Return what the engine is asked for.

        Args:
            order: what is to be spoken.
            lane: of the engine.
            lexicon: how words are read; None looks it up at the revision of the order.
            extra: other fields of the request.
        """
        recipe = order.recipe
        if order.voice_id not in self.with_lexicon:
            lexicon = {}
        elif lexicon is None:
            with self._database.read() as session:
                language = language_of(order.language)
                lexicon = lexicon_at(session, recipe.lexicon_revision, language)
        return speaking_request(
            recipe.text, order.voice_id, recipe.options, recipe.seed, lexicon, lane, **extra
        )

    def check_readable(self, order: Order) -> None:
        """Check that the voice can read a text.

        Raises:
            ServiceError: nothing in it can be pronounced, or it has characters that cannot be read
                and are not to be left out; they are listed with their offsets.
        """
        request = self.request(order, "interactive")
        voice = self.voices[order.voice_id]
        name = order.text_name
        try:
            with voice.reading():
                reader = voice.reader(request)
                unknown = reader.unknown_characters(request.text)
                if unknown and order.recipe.options["unknown"] == "raise":
                    faults = [
                        FieldFault(f"/{name}", f"{each.text!r} cannot be read", each.offset)
                        for each in unknown
                    ]
                    has_sound = reader.has_sound(request.text)
                    raise _unreadable(name, faults) if has_sound else _silent(name, faults)
                if not reader.has_sound(request.text):
                    raise _silent(name, [])
                voice.units(request)
        except InputError as error:
            raise ServiceError("unreadable_text", 422, f"{name}: {one_line(error)}", name) from None

    def check_entry(self, word: str, reading: str, language: str) -> None:
        """Check that a word of the lexicon can be read as it is to be read.

        Raises:
            ServiceError: no voice of the language takes pronunciations, or one lacks a phone.
        """
        ids = [
            id
            for id in sorted(self.with_lexicon)
            if language_of(self.voices[id].entry.language) == language_of(language)
        ]
        if not ids:
            message = f"language: no voice of {language!r} looks up how words are pronounced"
            raise ServiceError("no_lexicon", 422, message, "language")
        for voice_id in ids:
            try:
                self.voices[voice_id].reader(SpeakingRequest("", voice_id, lexicon={word: reading}))
            except InputError as error:
                message = f"reading: {one_line(error)} (voice {voice_id})"
                raise ServiceError("invalid_reading", 422, message, "reading") from None


def looked_up(tokenizer: Tokenizer, units: Sequence[DecodingUnit]) -> set[str]:
    """Return the words that were looked up to read units, in small letters; numbers in words.

    Of a tokenizer that takes readings in place of phones, they are those that have a reading.
    """
    if tokenizer.takes_readings:
        from tts.text.korean.readings import words_with_readings

        return {
            word for unit in units for word in words_with_readings(unit.text, tokenizer.lexicon)
        }
    readings = [tokenizer.read(unit.text) for unit in units]
    return {
        "".join(word.letters).lower()
        for reading in readings
        for word in reading.words
        if word.phones is not None
    }


def _takes_lexicon(voice: ReadingVoice) -> bool:
    tokenizer = voice.reader(SpeakingRequest("", voice.id)).tokenizer
    return tokenizer.takes_readings or tokenizer.p_arpabet > 0


def speaking_request(
    text: str,
    voice_id: str,
    options: Mapping[str, Any],
    seed: int,
    lexicon: Mapping[str, str],
    lane: Lane,
    **extra: Any,
) -> SpeakingRequest:
    """Return what the engine is asked for to speak an utterance.

    Args:
        text: of the utterance.
        voice_id: of the voice.
        options: of the recipe.
        seed: of the recipe.
        lexicon: word -> phones.
        lane: of the engine.
        extra: other fields of the request.
    """
    has_guard = options["guard"] != "off"
    chosen = {
        "seed": seed,
        "guard": has_guard,
        "on_unknown": options["unknown"],
        "speed": options["speed"],
    }
    return SpeakingRequest(
        text,
        voice_id,
        lane=lane,
        options=chosen,
        lexicon=lexicon or None,
        strict=has_guard,
        **extra,
    )


def require_voice(session: Session, voice_id: str) -> VoiceRow:
    """Return a voice that speaks at present.

    Raises:
        ServiceError: there is none of this name; the message lists those that there are.
    """
    row = find_voice(session, voice_id)
    if row is None:
        known = listed([each.id for each in voice_list(session)], 40)
        message = f"voice: there is no {printable_name(voice_id)!r}; choose from {known}"
        raise ServiceError("voice_not_found", 404, message, "voice")
    return row


def _silent(name: str, faults: list[FieldFault]) -> ServiceError:
    message = f"{name}: nothing in the text can be pronounced"
    return ServiceError("nothing_to_say", 400, message, name, faults[:_MOST_FAULTS])


def _unreadable(name: str, faults: list[FieldFault]) -> ServiceError:
    first = faults[0]
    message = (
        f"{name}: {first.detail} by this voice (offset {first.offset}"
        f"{f', and {len(faults) - 1} more' if len(faults) > 1 else ''}); remove it, or send "
        'unknown="skip" to leave it out or "spell" to say its name'
    )
    return ServiceError("unreadable_characters", 422, message, name, faults[:_MOST_FAULTS])
