"""Defines what is known about a spoken text beside its sound (``SpeechRecord``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tts.inference import Part, Speech


@dataclass(frozen=True)
class SpokenPart:
    """Describes one part of a spoken text; without tensors, so that it can be kept and stored.

    Attributes:
        index: number of the unit of text that it belongs to, from 0. A unit that the guard cut has
            several parts.
        text: text of the part.
        start: where it begins in the sound, seconds.
        seconds: how long it lasts, without the pause after it.
        seed: seed of its decoding.
        attempts: how often its text was decoded.
        stop_reason: what ended the decoding: ``"gate"``, ``"attention"`` or ``"max_steps"``.
        follows_text: whether the attention followed the text.
        failed: whether it was cut off or does not follow its text.
        health: figures of the attention.
        symbols: the symbols that were spoken.
        words: written words with the seconds in which they are heard: ``(text, start, end)``.
        phones: symbols with the seconds in which they are heard.
        compute_seconds: computing time.
    """

    index: int
    text: str
    start: float
    seconds: float
    seed: int
    attempts: int
    stop_reason: str
    follows_text: bool
    failed: bool
    health: dict[str, Any]
    symbols: tuple[str, ...]
    words: tuple[tuple[str, float, float], ...]
    phones: tuple[tuple[str, float, float], ...]
    compute_seconds: float

    @property
    def fault(self) -> str | None:
        """Return what is wrong with the part, or None."""
        if not self.failed:
            return None
        if self.stop_reason == "max_steps":
            return "it was cut off, because its end did not come in time"
        return "the attention did not follow the text"


@dataclass(frozen=True)
class SpeechRecord:
    """Describes a spoken text.

    Attributes:
        text: the text.
        voice: id of the voice.
        seed: seed of the request.
        sample_rate: of the sound, Hz.
        n_samples: length of the sound.
        parts: its parts in order.
        compute_seconds: computing time of all parts.
        speech: sound, mel and alignment together, if the request asked for it.
    """

    text: str
    voice: str
    seed: int
    sample_rate: int
    n_samples: int
    parts: tuple[SpokenPart, ...]
    compute_seconds: float
    speech: Speech | None = None

    @property
    def seconds(self) -> float:
        """Return the length of the sound in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def failed(self) -> bool:
        """Return whether any part was cut off or does not follow its text."""
        return any(part.failed for part in self.parts)


def spoken_parts(index: int, parts: Sequence[Part], begin: float) -> tuple[SpokenPart, ...]:
    """Return the records of the parts of one unit.

    Args:
        index: number of the unit.
        parts: its parts, from :attr:`tts.inference.Speech.parts`.
        begin: where the unit begins in the sound, seconds.
    """
    return tuple(_spoken_part(index, part, begin) for part in parts)


def _spoken_part(index: int, part: Part, begin: float) -> SpokenPart:
    return SpokenPart(
        index=index,
        text=part.text,
        start=begin + part.start,
        seconds=part.seconds,
        seed=part.seed,
        attempts=part.attempts,
        stop_reason=part.stop_reason,
        follows_text=part.health.follows_text,
        failed=part.failed,
        health=part.health.to_dict(),
        symbols=part.symbols,
        words=tuple((m.text, begin + m.start, begin + m.end) for m in part.words),
        phones=tuple((m.text, begin + m.start, begin + m.end) for m in part.phones),
        compute_seconds=part.compute_seconds,
    )
