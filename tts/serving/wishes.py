"""Defines what a client can want of a voice (``Wishes``); the voice decides the rest."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tts.audio.stretching import SPEEDS
from tts.serving.errors import ServiceError

if TYPE_CHECKING:
    from tts.inference import Options


@dataclass(frozen=True)
class Wishes:
    """Holds how a client wants a text to be spoken.

    Attributes:
        speed: factor of the voice's own speed.
        seed: a seed, ``"voice"`` for that of the voice, or ``"new"`` for another one each time.
        guard: ``"sentence"`` or ``"off"``; None for what the voice does.
        unknown: what is done with characters that the voice cannot read: ``"raise"``, ``"skip"`` or
            ``"spell"``; None for what the voice does.
    """

    speed: float = 1.0
    seed: int | Literal["voice", "new"] = "voice"
    guard: str | None = None
    unknown: str | None = None

    def options(self, voice: Options) -> dict[str, Any]:
        """Return the options of a recipe: these wishes, and what the voice does for the rest.

        Args:
            voice: how the voice speaks unless it is told otherwise.

        Raises:
            ServiceError: there is no such speed.
        """
        speed = float(self.speed) * voice.speed
        if not SPEEDS.allows(speed):
            message = f"speed: times that of the voice, {voice.speed:g}, it must be {SPEEDS}"
            raise ServiceError("invalid_request", 422, message, "speed")
        return {
            "speed": speed,
            "guard": self.guard or ("sentence" if voice.guard else "off"),
            "unknown": self.unknown or voice.on_unknown or "raise",
        }

    def chosen_seed(self, voice: Options) -> int:
        """Return the seed of a recipe."""
        if self.seed == "new":
            return secrets.randbits(53)
        return voice.seed if isinstance(self.seed, str) else self.seed
