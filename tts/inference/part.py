"""Defines ``Part``, one utterance of a speech, and tells when its decoding has failed.

Shapes: ``T_text`` symbols.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from tts.inference.marks import Mark, marks, seconds_of
from tts.metrics import AlignmentHealth
from tts.metrics.durations import symbol_durations
from tts.metrics.word_edges import heard_edges
from tts.text import Tokenizer
from tts.text.written_words import WrittenWord, written_words

#: Reasons why decoding ended, best first.
STOP_REASONS = ("gate", "attention", "max_steps")


def has_failed(stop_reason: str, health: AlignmentHealth) -> bool:
    """Return whether an utterance was cut off or its attention did not follow the text."""
    return stop_reason == "max_steps" or not health.follows_text


@dataclass(frozen=True, eq=False)
class Part:
    """Describes one utterance of a speech: its place, its attention, and how it ended.

    Attributes:
        text: text of this part.
        start: where it begins in the wave, seconds.
        seconds: how long it lasts, without the pause after it.
        seed: seed of its decoding; ``speak(text, seed=seed, guard=False)`` gives the same sound, at
            the same speed.
        attempts: how often this text was decoded, whole or in part, until the result was kept.
        stop_reason: ``"gate"``, ``"attention"``, or ``"max_steps"`` if it was cut off.
        health: whether the attention followed the text.
        alignments: ``(frames, T_text)`` attention weights of this part, as decoded: at speed 1.
        gate_logits: ``(frames,)`` logits of the stop probability, as decoded.
        first_frame: where it begins in the spectrogram.
        compute_seconds: time of its vocoding and its share (by frames) of the decoding of its
            batch, rejected attempts included.
        symbols: the ``T_text`` symbols of ``alignments``, where they are known.
        tokenizer: finds the words of the text among its symbols, when they are asked for.
        frame_seconds: time from one decoded frame to the next in the sound, at its speed.
        frame_levels: ``(frames,)`` level of each decoded frame in dB, which shows the pauses.
        speed: playing speed.
    """

    text: str
    start: float
    seconds: float
    seed: int
    attempts: int
    stop_reason: str
    health: AlignmentHealth
    alignments: Tensor
    gate_logits: Tensor
    first_frame: int
    compute_seconds: float
    symbols: tuple[str, ...] = ()
    tokenizer: Tokenizer | None = None
    frame_seconds: float = 0.0
    frame_levels: Tensor = field(default_factory=lambda: torch.zeros(0))
    speed: float = 1.0

    @cached_property
    def written_words(self) -> tuple[WrittenWord, ...]:
        """Return the words of the text, with their places among the symbols."""
        return () if self.tokenizer is None else tuple(written_words(self.text, self.tokenizer))

    @property
    def words(self) -> tuple[Mark, ...]:
        """Return when each written word is heard, in seconds from the beginning of the speech."""
        return self._marks([(word.word, word.first, word.last) for word in self.written_words])

    @property
    def phones(self) -> tuple[Mark, ...]:
        """Return when each symbol is heard: phones, letters, spaces and punctuation."""
        return self._marks([(symbol, n, n) for n, symbol in enumerate(self.symbols)])

    def _marks(self, spans: list[tuple[str, int, int]]) -> tuple[Mark, ...]:
        if not spans:
            return ()
        return marks(spans, self._edges, self.start)

    @cached_property
    def _edges(self) -> Sequence[float]:
        """Return the times between symbols; words and phones need the same path."""
        spans = [(word.first, word.last) for word in self.written_words]
        edges = heard_edges(
            symbol_durations(self.alignments), self.symbols, spans, self.frame_levels
        )
        n_frames = len(self.alignments)
        return seconds_of(edges, n_frames, self.frame_seconds, self.seconds)

    @property
    def failed(self) -> bool:
        """Return whether the part was cut off or does not follow its text."""
        return has_failed(self.stop_reason, self.health)

    @property
    def rescued(self) -> bool:
        """Return whether the first attempt failed and a later one did not."""
        return self.attempts > 1 and not self.failed


def worst_stop_reason(reasons: Iterable[str]) -> str:
    """Return the worst stop reason: ``"max_steps"``, else ``"attention"``, else ``"gate"``."""
    return max(reasons, key=STOP_REASONS.index)
