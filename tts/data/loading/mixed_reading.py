"""Texts that are read anew in every epoch: words as letters here and as phones there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tts.text import Tokenizer


@dataclass(frozen=True)
class MixedReading:
    """Reads texts anew in every epoch: words as letters here and as phones there.

    Attributes:
        tokenizer: with ``p_arpabet`` between 0 and 1, and quiet.
        names: ids of the utterances.
        texts: what they say.
        seed: of the draw; the epoch and the utterance are its other parts, so that neither the
            number of workers nor a resumed run changes it.
    """

    tokenizer: Tokenizer
    names: Sequence[str]
    texts: Sequence[str]
    seed: int

    def __call__(self, epoch: int, index: int) -> list[int]:
        """Symbol ids of one utterance in one epoch."""
        draw = f"{self.seed}/{epoch}/{self.names[index]}"
        return self.tokenizer.encode(self.texts[index], draw=draw)


def mixed_reading(
    tokenizer: Tokenizer, names: Sequence[str], texts: Sequence[str], seed: int
) -> MixedReading | None:
    """What reads the texts of a training; None if they are read the same way every time."""
    if not 0.0 < tokenizer.p_arpabet < 1.0:
        return None
    return MixedReading(tokenizer.quiet(), names, texts, seed)
