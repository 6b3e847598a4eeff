"""Lets equal requests share the sound that is being made for one of them (single flight).

When the last listener has left before the end, nobody needs the sound any more, and its making is
cancelled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from tts.serving.engine.ticket import Ticket


class LiveSound:
    """Counts who listens to a ticket.

    Args:
        utterance_id: what is spoken.
        ticket: gives the sound, to each listener from its beginning.
        is_followed: whether it is the sound of a job (:mod:`tts.serving.following`). A job cannot
            join it: each would wait for the other.

    Attributes:
        askers: ids of the keys that have asked for it.
    """

    def __init__(self, utterance_id: str, ticket: Ticket, is_followed: bool = False) -> None:
        self.askers: set[str] = set()
        self.utterance_id = utterance_id
        self.ticket = ticket
        self.is_followed = is_followed
        self._lock = threading.Lock()
        self._n_listeners = 0
        self._is_claimed = False

    def join(self) -> bool:
        """Add a listener; return False if there will be no whole sound, as after a cancellation."""
        with self._lock:
            if self.ticket.error is not None:
                return False
            self._n_listeners += 1
            return True

    def claim(self) -> bool:
        """Return whether the caller is the first one who wants to count this sound."""
        with self._lock:
            is_first, self._is_claimed = not self._is_claimed, True
        return is_first

    def leave(self) -> None:
        """Take a listener away, and stop the making if it was the last one."""
        with self._lock:
            self._n_listeners -= 1
            # inside the lock, so that nobody joins what is about to be cancelled
            if self._n_listeners == 0 and not self.ticket.ended:
                self.ticket.cancel()


class LiveSounds:
    """Holds the sounds that are being made, by the utterance."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sounds: dict[str, LiveSound] = {}

    def __len__(self) -> int:
        return len(self._sounds)

    def join(
        self, utterance_id: str, start: Callable[[], LiveSound], *, for_job: bool = False
    ) -> tuple[LiveSound, bool]:
        """Join the sound of an utterance, or start it.

        Args:
            utterance_id: of the utterance.
            start: begins the making; nobody else starts anything meanwhile.
            for_job: whether a job wants it, which does not join what is followed.

        Returns:
            The sound, of which the caller is a listener now, and whether it was there already.
        """
        with self._lock:
            sound = self._sounds.get(utterance_id)
            is_fit = sound is not None and not (for_job and sound.is_followed)
            if sound is not None and is_fit and sound.join():
                return sound, True
            sound = start()
            sound.join()
            self._sounds[utterance_id] = sound
            return sound, False

    def remove(self, sound: LiveSound) -> None:
        """Forget a sound, because it can be had from the store now, or there will be none."""
        with self._lock:
            if self._sounds.get(sound.utterance_id) is sound:
                del self._sounds[sound.utterance_id]
