"""Does the computing for one request: decodes units, judges them, and vocodes them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch

from tts.inference import Chunk, Options, Speech, Synthesizer
from tts.inference.decode_guard import Attempt, Rounds
from tts.inference.decoding import DecodedMel
from tts.inference.reader import DecodingUnit
from tts.inference.vocoders.griffin_lim import StreamingVocoder
from tts.models.tacotron2.stopping import GivenUp


class UnitSpeaker:
    """Speaks units with the options of one request; used by the thread of the engine.

    Args:
        synthesizer: the synthesizer.
        options: the options of the request.
        reading: a block in which this thread may read text.

    Attributes:
        options: the options of the request.
        sample_rate: of the sound, Hz.
    """

    def __init__(
        self, synthesizer: Synthesizer, options: Options, reading: AbstractContextManager[Any]
    ) -> None:
        self.options = options
        self._decoder = synthesizer.decoder(options)
        self._guard = synthesizer.guard(options)
        self._vocoder = synthesizer.utterance_vocoder(options)
        self._streamer = synthesizer.streamer(options)
        self._reading = reading
        self.sample_rate: int = self._vocoder.vocoder.mel.sample_rate

    @property
    def streams(self) -> bool:
        """Return whether sound comes before a unit is decoded."""
        return not self.options.guard and isinstance(self._vocoder.vocoder, StreamingVocoder)

    @property
    def group(self) -> Hashable:
        """Return what must be equal for units to be decoded in one batch."""
        options = self.options
        return (
            id(self._decoder.acoustic),
            options.max_steps,
            options.gate_threshold,
            options.attention_window,
            options.end_steps,
        )

    def most_together(self, batch_size: int, exact: bool) -> int:
        """Return how many units are decoded together.

        Args:
            batch_size: the most.
            exact: one where a batch changes the last digits.
        """
        return 1 if exact and not self._decoder.batches_exactly else batch_size

    def rounds(self, unit: DecodingUnit) -> Rounds:
        """Return what has to be decoded for a unit, round by round, until the guard is content."""
        return self._guard.rounds([unit], self.options.seed)

    @torch.no_grad()
    def decode(
        self, units: Sequence[DecodingUnit], seeds: Sequence[int], given_up: GivenUp
    ) -> list[DecodedMel]:
        """Decode units of equal group in one batch.

        Args:
            units: the units.
            seeds: the seed of each.
            given_up: tells for each whether nobody waits for it; looked at in every step.
        """
        return self._decoder.batch(units, seeds, given_up)

    @torch.no_grad()
    def vocode(self, attempt: Attempt) -> Speech:
        """Make the sound of a decoded unit, with the pause after it."""
        with self._reading:
            return self._vocoder(attempt)

    @torch.no_grad()
    def stream(self, unit: DecodingUnit, given_up: Callable[[], bool]) -> Iterator[Chunk]:
        """Yield the sound of a unit while it is decoded; the last chunk has its part.

        Args:
            unit: the unit.
            given_up: tells whether nobody waits for the unit; looked at in every step.
        """
        return self._streamer([unit], given_up)
