"""Defines why a request was not spoken; each error is a ``ServiceError`` with its own code."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tts.core.errors import listed, printable_name, shortened
from tts.serving.errors import ServiceError


class OverloadedError(ServiceError):
    """Reports that a lane has as many requests as it may have.

    Args:
        lane: name of the lane.
        retry_after: when there will probably be room, seconds.
    """

    def __init__(self, lane: str, retry_after: float) -> None:
        self.lane = lane
        self.retry_after = max(1, math.ceil(retry_after))
        super().__init__(
            "busy",
            503,
            f"the {lane} queue is full; try again in {self.retry_after} s",
            headers={"Retry-After": str(self.retry_after)},
        )


class UnknownVoiceError(ServiceError):
    """Reports a voice that the engine does not have; another voice never speaks in its place.

    Args:
        name: the voice that was asked for.
        known: the voices that there are.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            "voice_not_found",
            404,
            f"there is no voice {printable_name(name)!r}; choose from {listed(known, 40)}",
            param="voice",
        )


class SlowSentenceError(ServiceError):
    """Reports a unit that took longer than the limit allows.

    Args:
        text: the unit.
        seconds: the limit.
    """

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(
            "sentence_too_slow",
            504,
            f"{shortened(text, 60)!r} was given up after {seconds:g} s",
            param="input",
        )


class CouldNotSpeakError(ServiceError):
    """Reports a unit whose attention did not follow the text in any attempt.

    Args:
        part: number of the unit, from 0.
        text: the unit.
        reason: what is wrong with the best attempt.
    """

    def __init__(self, part: int, text: str, reason: str) -> None:
        self.part, self.reason = part, reason
        super().__init__(
            "could_not_speak",
            422,
            f"part {part + 1}, {shortened(text, 60)!r}: {reason}; word it differently, or turn "
            "the guard off to get the sound as it is",
            param="input",
        )


class SpeakingCancelledError(ServiceError):
    """Reports a request that its ticket cancelled."""

    def __init__(self) -> None:
        super().__init__("cancelled", 409, "the request was cancelled")


class NotSpokenError(ServiceError):
    """Reports a request that the engine did not finish before it closed; it can be asked again."""

    def __init__(self) -> None:
        super().__init__(
            "shutting_down",
            503,
            "the service stops before this is spoken; ask again",
            headers={"Retry-After": "5"},
        )


class EngineFaultError(ServiceError):
    """Reports a fault of the program; the log has the details."""

    def __init__(self) -> None:
        super().__init__("internal_error", 500, "the speech engine failed; the log says why")
