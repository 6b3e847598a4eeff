"""Decodes failed utterances again and keeps the best of all attempts (``DecodeGuard``).

In a trained network it is a matter of chance whether the attention skips or repeats text, or the
gate does not fire: it depends on the dropout of the pre-net, and another seed helps in most cases.
Where no seed helps, the text is too long or too unusual for the network, and the guard cuts it into
smaller pieces. Only failed utterances are decoded again, all of a round in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from tts.inference.decoding import DecodedMel
from tts.inference.part import has_failed
from tts.inference.reader import DecodingUnit
from tts.metrics import AlignmentHealth

#: Decodes utterances with a seed; the results are in the same order.
Decode = Callable[[Sequence[DecodingUnit], int], list[DecodedMel]]
#: Cuts an utterance into smaller ones; returns it alone if it cannot be cut.
Cut = Callable[[DecodingUnit], list[DecodingUnit]]
#: What a guard asks for: utterances and their seed; it is sent the results in the same order. At
#: the end it returns for each utterance the best attempt, or the best attempts of its pieces.
Rounds = Generator[tuple[Sequence[DecodingUnit], int], list[DecodedMel], "list[list[Attempt]]"]
#: How often the guard cuts a text into smaller pieces, and these again.
MAX_CUTS = 2


@dataclass(frozen=True)
class Attempt:
    """Holds the result of decoding an utterance.

    Attributes:
        utterance: the utterance that was decoded.
        decoded: its spectrogram and alignment.
        seed: seed of the decoding.
        count: how often its text was decoded, whole or in part, this time included.
        wasted: computing time of the attempts that were rejected, seconds.
    """

    utterance: DecodingUnit
    decoded: DecodedMel
    seed: int
    count: int = 1
    wasted: float = 0.0

    @property
    def failed(self) -> bool:
        """Return whether the utterance was cut off or does not follow its text."""
        return has_failed(self.decoded.stop_reason, self.decoded.health)


@dataclass(frozen=True)
class DecodeGuard:
    """Decodes utterances with several seeds, then in smaller pieces, until they are good.

    Attributes:
        decode: function that decodes utterances with a seed.
        cut: function that cuts an utterance into smaller ones.
        attempts: number of seeds to try, the first included.
        max_cuts: how often a text is cut into smaller pieces, and these again.
    """

    decode: Decode
    cut: Cut
    attempts: int = 3
    max_cuts: int = MAX_CUTS

    def run(self, utterances: Sequence[DecodingUnit], seed: int) -> list[list[Attempt]]:
        """Return for each utterance the best attempt, or the best attempts of its pieces.

        Args:
            utterances: utterances to decode.
            seed: the first seed; further attempts use the following numbers.
        """
        rounds = self.rounds(utterances, seed)
        try:
            wanted = next(rounds)
            while True:
                wanted = rounds.send(self.decode(*wanted))
        except StopIteration as end:
            kept: list[list[Attempt]] = end.value
            return kept

    def rounds(self, utterances: Sequence[DecodingUnit], seed: int) -> Rounds:
        """Do the work of :meth:`run`, and leave the decoding to the caller.

        Args:
            utterances: utterances to decode.
            seed: the first seed; further attempts use the following numbers.

        Yields:
            Utterances to decode together, and their seed; the caller sends the results.
        """
        return (yield from self._rounds(utterances, seed, self.max_cuts))

    def _rounds(self, utterances: Sequence[DecodingUnit], seed: int, cuts_left: int) -> Rounds:
        whole = yield from self._with_retries(utterances, seed)
        failed = [i for i, attempt in enumerate(whole) if attempt.failed]
        pieces = {i: self.cut(utterances[i]) for i in failed} if cuts_left else {}
        pieces = {i: cut for i, cut in pieces.items() if len(cut) > 1}
        kept = [[attempt] for attempt in whole]
        flat = [piece for cut in pieces.values() for piece in cut]
        if not flat:
            return kept
        kept_pieces = iter((yield from self._rounds(flat, seed, cuts_left - 1)))
        for i, cut in pieces.items():
            in_pieces = [attempt for _ in cut for attempt in next(kept_pieces)]
            kept[i] = _whole_or_pieces(whole[i], in_pieces)
        return kept

    def _with_retries(
        self, utterances: Sequence[DecodingUnit], seed: int
    ) -> Generator[tuple[Sequence[DecodingUnit], int], list[DecodedMel], list[Attempt]]:
        """Return for each utterance the best of several seeds, or the first good one."""
        best = _attempts(utterances, (yield utterances, seed), seed)
        for number in range(1, self.attempts):
            failed = [i for i, attempt in enumerate(best) if attempt.failed]
            if not failed:
                break
            retried = [utterances[i] for i in failed]
            again = _attempts(retried, (yield retried, seed + number), seed + number)
            for i, new in zip(failed, again, strict=True):
                best[i] = _better_attempt(best[i], new)
        return best


def _attempts(
    utterances: Sequence[DecodingUnit], decoded: Sequence[DecodedMel], seed: int
) -> list[Attempt]:
    return [Attempt(u, d, seed) for u, d in zip(utterances, decoded, strict=True)]


def _better_attempt(old: Attempt, new: Attempt) -> Attempt:
    """Return the better of two attempts, with the count and the computing time of both."""
    better, worse = (new, old) if _quality(new) > _quality(old) else (old, new)
    return replace(
        better, count=old.count + 1, wasted=old.wasted + new.wasted + worse.decoded.seconds
    )


def _whole_or_pieces(whole: Attempt, pieces: list[Attempt]) -> list[Attempt]:
    """Return the pieces if one of them is good, because then more of the text is understood."""
    if all(piece.failed for piece in pieces):
        wasted = whole.wasted + sum(piece.wasted + piece.decoded.seconds for piece in pieces)
        return [replace(whole, wasted=wasted)]
    n_symbols = sum(len(piece.utterance.ids) for piece in pieces)
    lost = whole.wasted + whole.decoded.seconds
    return [
        replace(
            piece,
            count=piece.count + whole.count,
            wasted=piece.wasted + lost * len(piece.utterance.ids) / n_symbols,
        )
        for piece in pieces
    ]


def _quality(attempt: Attempt) -> tuple[float, ...]:
    """Return what attempts are compared by: larger is better, the first entry matters most."""
    health: AlignmentHealth = attempt.decoded.health
    return (
        not attempt.failed,
        attempt.decoded.stop_reason != "max_steps",
        -(health.skips + health.repeats),
        health.coverage,
        health.monotonicity,
        health.sharpness,
    )
