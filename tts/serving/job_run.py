"""Speaks one job of the queue, from its lease to its end (``JobRun``)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tts.audio.pcm import Waveform, pcm_bytes
from tts.core.download import sha256
from tts.core.errors import InputError, one_line
from tts.core.files import working_folder
from tts.serving.data.database import Database
from tts.serving.data.jobs import (
    Lease,
    complete_job,
    fail_job,
    held_job,
    renew_lease,
    return_job,
)
from tts.serving.data.lexicon import language_of, lexicon_at
from tts.serving.data.models import PartRow
from tts.serving.data.usage import count_usage
from tts.serving.data.utterances import (
    find_rendition,
    find_utterance,
    is_kept,
    mark_spoken,
    save_part,
    save_rendition,
)
from tts.serving.errors import ServiceError
from tts.serving.job_speech import BeginSpeech, JobSpeech, JobText
from tts.serving.sounds import KEPT_FORMAT, write_kept
from tts.serving.store import SoundStore

_log = logging.getLogger(__name__)

#: A job whose workers die, or that fails for no reason of its text, is taken so often.
MOST_ATTEMPTS = 3
#: Ends that are no fault of the text: the job goes back to the queue.
PASSING_CODES = ("cancelled", "busy", "shutting_down")
#: The parts of a longer text can be heard before its end only if its lane is the interactive one.
MOST_CHARS_HEARD = 10_000
#: Heartbeats in the time of a lease.
_BEATS = 4


class _LeaseLostError(Exception):
    """Says that the job belongs to somebody else, or is to be cancelled."""


class JobRun:
    """Speaks one job, and writes what comes of it while it has its lease.

    Args:
        database: has job and utterance.
        store: gets the sound.
        lease: of the job.
        lease_seconds: the lease is renewed for so long.
        most_attempts: a job that fails for no reason of its text is taken so often.
    """

    def __init__(
        self,
        database: Database,
        store: SoundStore,
        lease: Lease,
        lease_seconds: float,
        most_attempts: int = MOST_ATTEMPTS,
    ) -> None:
        self._database = database
        self._store = store
        self._lease = lease
        self._lease_seconds = lease_seconds
        self._most_attempts = most_attempts
        self._speech: JobSpeech | None = None
        self._is_left = threading.Event()
        self._is_over = threading.Event()
        self._n_parts = self._units_done = 0
        self._n_samples = 0
        self._compute_seconds = 0.0
        self._has_ended = True
        self._is_heard = False

    def leave(self) -> None:
        """Stop speaking and give the job back; called from another thread."""
        self._is_left.set()
        if (speech := self._speech) is not None:
            speech.cancel()

    def run(self, begin: BeginSpeech) -> bool:
        """Speak the job, and end it well or badly.

        Returns:
            Whether it has ended; otherwise it went back to the queue, or belongs to another worker.

        Raises:
            SQLAlchemyError: the database does not answer; the lease will expire.
        """
        with self._heart():
            try:
                self._speak(begin)
            except _LeaseLostError:
                self._give_back()
            except ServiceError as error:
                self._end(error)
            except SQLAlchemyError:
                raise
            except Exception:
                _log.exception("job %s failed", self._lease.job_id)
                message = "the service failed while it spoke this text; its log says why"
                self._fail("internal_error", message, self._most_attempts)
        return self._has_ended

    def _speak(self, begin: BeginSpeech) -> None:
        text = self._text()
        if text is None:
            return  # deleted, and the job with it
        if self._was_spoken(text):
            return
        try:
            speech = self._speech = begin(text)
        except InputError as error:
            raise ServiceError("invalid_request", 422, one_line(error)) from None
        if self._was_spoken(text):  # it was kept after the first look, and before it was begun
            speech.cancel()
            return
        if self._is_left.is_set():  # before there was anything to cancel
            raise _LeaseLostError
        self._note(speech, [])
        # a process that answers requests may hand on the parts of what it was asked for at once
        self._is_heard = text.lane == "interactive" or len(text.text) <= MOST_CHARS_HEARD
        with working_folder("tacoglow-speech") as folder:
            file = folder / f"speech.{KEPT_FORMAT}"
            write_kept(file, self._blocks(speech), text.sample_rate)
            self._keep(text, file)

    def _blocks(self, speech: JobSpeech) -> Iterator[Waveform]:
        """Yield the samples of a speech, and write down its parts meanwhile."""
        unheard: list[bytes] = []
        for piece in speech.pieces():
            if self._is_left.is_set():
                raise _LeaseLostError
            self._n_samples += len(piece.samples)
            self._compute_seconds += piece.compute_seconds
            if self._is_heard:
                unheard.append(pcm_bytes(piece.samples, 16))
            if piece.parts:
                if self._is_heard:
                    samples = b"".join(unheard)
                    self._store.save_part(self._lease.utterance_id, self._units_done, samples)
                    unheard.clear()
                self._units_done += 1
                self._note(speech, piece.parts)
            yield piece.samples

    def _was_spoken(self, text: JobText) -> bool:
        """Return whether the text was spoken for somebody else meanwhile; then the job is done."""
        utterance = text.utterance_id
        with self._database.read() as session:
            row = find_utterance(session, utterance)
            kept = find_rendition(session, utterance, KEPT_FORMAT, text.sample_rate)
        if row is None or row.state != "spoken" or kept is None or not self._store.has(kept):
            return False
        with self._database.write() as session:
            if not complete_job(session, self._lease, len(row.parts)):
                raise _LeaseLostError
        return True

    def _note(self, speech: JobSpeech, parts: Sequence[PartRow]) -> None:
        """Write down parts, and how far the job is; it may have become urgent meanwhile."""
        with self._database.write() as session:
            job = held_job(session, self._lease)
            if job is None or job.cancel_requested:
                raise _LeaseLostError
            if job.lane != self._lease.lane:
                speech.hurry()
            job.parts_total = max(speech.n_units, self._units_done)
            job.parts_done = self._units_done
            for part in parts:
                part.utterance_id, part.number = self._lease.utterance_id, self._n_parts
                save_part(session, part)
                self._n_parts += 1

    def _keep(self, text: JobText, file: Path) -> None:
        """Put the whole sound into the store, and end the job, in one transaction."""
        with self._database.write() as session:
            if renew_lease(session, self._lease, self._lease_seconds) != "held":
                raise _LeaseLostError
        utterance, seconds = text.utterance_id, self._n_samples / text.sample_rate
        self._store.put_file(utterance, KEPT_FORMAT, text.sample_rate, file)
        digest, size = sha256(file), file.stat().st_size
        with self._database.write() as session:
            if not complete_job(session, self._lease):
                raise _LeaseLostError
            # who has listened to the same sound may have kept and counted it
            was_kept = is_kept(session, utterance, KEPT_FORMAT, text.sample_rate)
            save_rendition(session, utterance, KEPT_FORMAT, text.sample_rate, size, digest)
            self._remove_later_parts(session)
            mark_spoken(session, utterance, seconds)
            if not was_kept:
                count_usage(
                    session,
                    self._lease.api_key_id,
                    seconds=seconds,
                    compute_seconds=self._compute_seconds,
                )
        self._store.make_room()

    def _remove_later_parts(self, session: Session) -> None:
        """Remove parts of another cutting of the same text."""
        session.execute(
            delete(PartRow).where(
                PartRow.utterance_id == self._lease.utterance_id, PartRow.number >= self._n_parts
            )
        )

    def _text(self) -> JobText | None:
        with self._database.read() as session:
            row = find_utterance(session, self._lease.utterance_id)
            if row is None:
                return None
            version, voice = row.model_version, row.model_version.voice
            return JobText(
                utterance_id=row.id,
                model_version_id=version.id,
                voice_id=voice.id,
                sample_rate=voice.sample_rate,
                text=row.text,
                options=row.options,
                seed=row.seed,
                lexicon=lexicon_at(session, row.lexicon_revision, language_of(voice.language)),
                sound_revision=row.sound_revision,
                lane=self._lease.lane,
            )

    def _end(self, error: ServiceError) -> None:
        """End a job that was not spoken."""
        if self._is_left.is_set() or error.code in PASSING_CODES:
            self._give_back()
        else:
            attempts = self._most_attempts if error.status >= 500 else 1
            self._fail(error.code, error.message, attempts)

    def _give_back(self) -> None:
        self._has_ended = False
        with self._database.write() as session:
            return_job(session, self._lease)

    def _fail(self, code: str, message: str, most_attempts: int) -> None:
        with self._database.write() as session:
            fail_job(session, self._lease, code, message, most_attempts=most_attempts)

    @contextmanager
    def _heart(self) -> Iterator[None]:
        """Renew the lease in a thread during the block."""
        thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()

    def _beat(self) -> None:
        heard = time.monotonic()
        while not self._is_over.wait(self._lease_seconds / _BEATS):
            try:
                with self._database.write() as session:
                    answer = renew_lease(session, self._lease, self._lease_seconds)
            except SQLAlchemyError as error:
                _log.warning("a lease could not be renewed: %s", one_line(error))
                if time.monotonic() - heard < self._lease_seconds:
                    continue
                answer = "lost"
            heard = time.monotonic()
            if answer != "held" and not self._is_over.is_set():
                self.leave()
                return
