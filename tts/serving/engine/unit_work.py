"""Follows one unit from its symbols to its sound: rounds of decoding, then the vocoder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tts.inference import Chunk, Options, Speech
    from tts.inference.decode_guard import Attempt, Rounds
    from tts.inference.decoding import DecodedMel
    from tts.inference.reader import DecodingUnit
    from tts.models.tacotron2.stopping import GivenUp


class Speaks(Protocol):
    """Does the computing of one request (:class:`tts.serving.engine.unit_speaker.UnitSpeaker`)."""

    options: Options
    sample_rate: int

    @property
    def streams(self) -> bool:
        """Return whether sound comes before a unit is decoded."""

    @property
    def group(self) -> Hashable:
        """Return what must be equal for units to be decoded in one batch."""

    def most_together(self, batch_size: int, exact: bool) -> int:
        """Return how many units are decoded together."""

    def rounds(self, unit: DecodingUnit) -> Rounds:
        """Return what has to be decoded for a unit, round by round."""

    def decode(
        self, units: Sequence[DecodingUnit], seeds: Sequence[int], given_up: GivenUp
    ) -> list[DecodedMel]:
        """Decode units of equal group in one batch."""

    def vocode(self, attempt: Attempt) -> Speech:
        """Make the sound of a decoded unit."""

    def stream(self, unit: DecodingUnit, given_up: Callable[[], bool]) -> Iterator[Chunk]:
        """Yield the sound of a unit while it is decoded."""


class UnitWork:
    """Holds how far one unit is.

    Args:
        index: number of the unit in its request, from 0.
        unit: the unit.
        speaker: does the computing.
        seconds: computing time after which the unit is given up.
        is_over: tells whether nobody waits for the request any more.
        on_step: called after each decoder step of a stream; see
            :class:`tts.serving.engine.engine.SpeechEngine`.

    Attributes:
        rows: what has to be decoded before the guard can judge; not yet decoded.
        attempts: decoded and judged; not yet vocoded.
        speeches: the sound that is ready.
        spent: computing time so far, seconds.
    """

    def __init__(
        self,
        index: int,
        unit: DecodingUnit,
        speaker: Speaks,
        seconds: float,
        is_over: Callable[[], bool],
        on_step: Callable[[bool], None],
    ) -> None:
        self.index, self.unit, self.speaker = index, unit, speaker
        self.rows: list[DecodingRow] = []
        self.attempts: list[Attempt] = []
        self.speeches: list[Speech] = []
        self.chunks: Iterator[Chunk] | None = None
        self.spent = 0.0
        self._limit, self._is_over, self._on_step = seconds, is_over, on_step
        self._running_since: float | None = None
        self._results: dict[int, DecodedMel] = {}
        self._n_rows = 0
        if speaker.streams:
            self.chunks = speaker.stream(unit, self._should_stop)
        else:
            self._rounds = speaker.rounds(unit)
            self._ask(*next(self._rounds))

    @property
    def is_spoken(self) -> bool:
        """Return whether all sound of the unit is ready."""
        return self.chunks is None and not self.rows and not self.attempts

    @property
    def is_too_slow(self) -> bool:
        """Return whether the unit has used up its computing time."""
        running = self._running_since
        now = 0.0 if running is None else time.monotonic() - running
        return self.spent + now > self._limit

    def is_given_up(self) -> bool:
        """Return whether the decoder should stop: nobody waits, or it takes too long."""
        return self._is_over() or self.is_too_slow

    def begin(self) -> None:
        """Note that computing for this unit begins."""
        self._running_since = time.monotonic()

    def end(self) -> None:
        """Note that computing for this unit pauses."""
        if self._running_since is not None:
            self.spent += time.monotonic() - self._running_since
            self._running_since = None

    def decoded(self, row: DecodingRow, result: DecodedMel) -> None:
        """Take the result of a row; the last one of a round lets the guard judge."""
        self.rows.remove(row)
        self._results[row.number] = result
        if self.rows:
            return
        results = [self._results[number] for number in range(self._n_rows)]
        try:
            self._ask(*self._rounds.send(results))
        except StopIteration as end:
            ((*self.attempts,),) = end.value

    def vocode(self) -> None:
        """Make the sound of the next attempt."""
        self.speeches.append(self.speaker.vocode(self.attempts.pop(0)))

    def _should_stop(self) -> bool:
        """Count a step of the stream, and return whether it should be the last one."""
        self._on_step(not self._is_over())
        return self.is_given_up()

    def _ask(self, units: Sequence[DecodingUnit], seed: int) -> None:
        self._results.clear()
        self._n_rows = len(units)
        self.rows = [DecodingRow(self, number, unit, seed) for number, unit in enumerate(units)]


class DecodingRow:
    """Holds one row of a batch: a unit, or a piece of one, to decode from a seed.

    Args:
        work: the unit that needs it.
        number: its place in the round of the guard.
        unit: what is decoded.
        seed: of its decoding.
    """

    def __init__(self, work: UnitWork, number: int, unit: DecodingUnit, seed: int) -> None:
        self.work, self.number, self.unit, self.seed = work, number, unit, seed
