"""The decode guard: what went wrong is spoken again, and the best of all attempts is kept.

Attention that skips, repeats or loses itself, and a gate that does not fire, are matters of chance
in a trained network: the dropout of the pre-net decides, and another seed mostly helps. Where none
does, the text is too long or too odd for the network, and goes in smaller pieces. Only what failed
is decoded again, all of a round in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tts.inference.decoding import DecodedMel
from tts.inference.reader import DecodingUnit
from tts.inference.speech import has_failed
from tts.metrics import AlignmentHealth

#: Decodes utterances with a seed, in their order.
Decode = Callable[[Sequence[DecodingUnit], int], list[DecodedMel]]
#: Cuts an utterance into smaller ones; gives it back if it cannot be cut.
Cut = Callable[[DecodingUnit], list[DecodingUnit]]
#: How often a text is cut into halves.
MAX_CUTS = 2


@dataclass(frozen=True)
class Attempt:
    """An utterance and how it came out.

    Attributes:
        utterance: what was to be said.
        decoded: its spectrogram and alignment.
        seed: that it was decoded with.
        count: how often its text was decoded, whole or in part, this time included.
        wasted: seconds that went into attempts that were given up.
    """

    utterance: DecodingUnit
    decoded: DecodedMel
    seed: int
    count: int = 1
    wasted: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it should not be heard as it is."""
        return has_failed(self.decoded.stop_reason, self.decoded.health)


@dataclass(frozen=True)
class DecodeGuard:
    """Decodes until it is good, or nothing helps.

    Attributes:
        decode: utterances and a seed -> what they came out as.
        cut: an utterance -> smaller ones.
        attempts: seeds that are tried, the first included.
        max_cuts: how often a text is cut into halves.
    """

    decode: Decode
    cut: Cut
    attempts: int = 3
    max_cuts: int = MAX_CUTS

    def run(self, utterances: Sequence[DecodingUnit], seed: int) -> list[list[Attempt]]:
        """The attempt that was kept for each utterance, or those for its pieces."""
        return [[*kept] for kept in self._run(utterances, seed, self.max_cuts)]

    def _run(
        self, utterances: Sequence[DecodingUnit], seed: int, cuts_left: int
    ) -> list[list[Attempt]]:
        whole = self._retried(utterances, seed)
        failed = [i for i, attempt in enumerate(whole) if attempt.failed]
        pieces = {i: self.cut(utterances[i]) for i in failed} if cuts_left else {}
        pieces = {i: cut for i, cut in pieces.items() if len(cut) > 1}
        kept = [[attempt] for attempt in whole]
        flat = [piece for cut in pieces.values() for piece in cut]
        if not flat:
            return kept
        spoken = iter(self._run(flat, seed, cuts_left - 1))
        for i, cut in pieces.items():
            in_pieces = [attempt for _ in cut for attempt in next(spoken)]
            kept[i] = _better(whole[i], in_pieces)
        return kept

    def _retried(self, utterances: Sequence[DecodingUnit], seed: int) -> list[Attempt]:
        """The best of some seeds for each; the first that is good ends it."""
        best = self._decoded(utterances, seed)
        for number in range(1, self.attempts):
            failed = [i for i, attempt in enumerate(best) if attempt.failed]
            if not failed:
                break
            again = self._decoded([utterances[i] for i in failed], seed + number)
            for i, new in zip(failed, again, strict=True):
                best[i] = _best_of(best[i], new)
        return best

    def _decoded(self, utterances: Sequence[DecodingUnit], seed: int) -> list[Attempt]:
        decoded = self.decode(utterances, seed)
        return [Attempt(u, d, seed) for u, d in zip(utterances, decoded, strict=True)]


def _best_of(old: Attempt, new: Attempt) -> Attempt:
    """The better of two, which knows of the other."""
    better, worse = (new, old) if _rank(new) > _rank(old) else (old, new)
    return replace(
        better, count=old.count + 1, wasted=old.wasted + new.wasted + worse.decoded.seconds
    )


def _better(whole: Attempt, pieces: list[Attempt]) -> list[Attempt]:
    """Pieces, if any of them came out well: then more of the text can be understood."""
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


def _rank(attempt: Attempt) -> tuple[float, ...]:
    """What matters first in an utterance, larger is better."""
    health: AlignmentHealth = attempt.decoded.health
    return (
        not attempt.failed,
        attempt.decoded.stop_reason != "max_steps",
        -(health.skips + health.repeats),
        health.coverage,
        health.monotonicity,
        health.sharpness,
    )
