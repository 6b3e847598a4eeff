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
    """

    def __init__(self, utterance_id: str, ticket: Ticket) -> None:
        self.utterance_id = utterance_id
        self.ticket = ticket
        self._lock = threading.Lock()
        self._n_listeners = 0

    def join(self) -> bool:
        """Add a listener; return False if there will be no whole sound, as after a cancellation."""
        with self._lock:
            if self.ticket.error is not None:
                return False
            self._n_listeners += 1
            return True

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

    def join(self, utterance_id: str, start: Callable[[], LiveSound]) -> tuple[LiveSound, bool]:
        """Join the sound of an utterance, or start it.

        Args:
            utterance_id: of the utterance.
            start: begins the making; nobody else starts anything meanwhile.

        Returns:
            The sound, of which the caller is a listener now, and whether it was there already.
        """
        with self._lock:
            sound = self._sounds.get(utterance_id)
            if sound is not None and sound.join():
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
