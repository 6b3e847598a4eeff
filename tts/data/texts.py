"""The texts of a corpus as symbol ids, and a report of the characters that have none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tts.data.manifest import Utterance
from tts.errors import InputError
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
    names: tuple[str, ...]
    texts: tuple[str, ...]
    seed: int

    def __call__(self, epoch: int, index: int) -> list[int]:
        """Symbol ids of one utterance in one epoch."""
        draw = f"{self.seed}/{epoch}/{self.names[index]}"
        return self.tokenizer.encode(self.texts[index], draw=draw)


def mixed_reading(
    tokenizer: Tokenizer, utterances: Sequence[Utterance], seed: int
) -> MixedReading | None:
    """What reads the texts of a training; None if they are read the same way every time."""
    if not 0.0 < tokenizer.p_arpabet < 1.0:
        return None
    names, texts = tuple(u.id for u in utterances), tuple(u.text for u in utterances)
    return MixedReading(tokenizer.quiet(), names, texts, seed)


def encode_texts(tokenizer: Tokenizer, utterances: Sequence[Utterance]) -> list[list[int]]:
    """Read all texts; what the table does not have is reported for the corpus as a whole.

    Raises:
        InputError: nothing in a text can be pronounced, naming its row.
    """
    quiet = tokenizer.quiet()
    texts = []
    for utterance in utterances:
        try:
            texts.append(quiet.encode(utterance.text))
        except InputError as error:
            raise InputError(f"{utterance.where}: {error}") from None
    return texts


def unknown_characters(tokenizer: Tokenizer, utterances: Sequence[Utterance]) -> str:
    """Say in one line which characters of a corpus have no symbol; "" if all have one.

    Raises:
        InputError: there are some, and the tokenizer is told to raise; or a phone is unknown.
    """
    if tokenizer.on_unknown == "ignore":
        return ""
    found = [(u.where, unknown) for u in utterances if (unknown := tokenizer.unknown(u.text))]
    if not found:
        return ""
    counts: Counter[str] = Counter()
    for _, unknown in found:
        counts.update(unknown)
    listed = ", ".join(f"{shown!r} x{count}" for shown, count in counts.most_common())
    report = f"not in the symbol table: {listed}; first in {found[0][0]}"
    # A phone in braces is a mistake of the writer under either policy
    if tokenizer.on_unknown == "raise" or any(len(shown) > 1 for shown in counts):
        raise InputError(f"{report}; spell these out, or set tokenizer.on_unknown=ignore")
    return report
