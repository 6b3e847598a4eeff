"""Reads texts again in every epoch, with other words spelled as phones each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tts.text import Tokenizer


@dataclass(frozen=True)
class MixedReading:
    """Reads texts again in every epoch: some words as letters, the others as phones.

    Attributes:
        tokenizer: a quiet one, with ``p_arpabet`` between 0 and 1.
        names: ids of the utterances.
        texts: texts of the utterances.
        seed: decides the draw together with the epoch and the utterance, so that neither the number
            of workers nor a resumed run changes it.
    """

    tokenizer: Tokenizer
    names: Sequence[str]
    texts: Sequence[str]
    seed: int

    def __call__(self, epoch: int, index: int) -> list[int]:
        """Return the symbol ids of one utterance in one epoch."""
        draw = f"{self.seed}/{epoch}/{self.names[index]}"
        return self.tokenizer.encode(self.texts[index], draw=draw)


def mixed_reading(
    tokenizer: Tokenizer, names: Sequence[str], texts: Sequence[str], seed: int
) -> MixedReading | None:
    """Return the reader of a training's texts, or None if every epoch reads them alike."""
    if not 0.0 < tokenizer.p_arpabet < 1.0:
        return None
    return MixedReading(tokenizer.quiet(), names, texts, seed)
