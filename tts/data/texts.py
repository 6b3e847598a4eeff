"""The texts of a corpus as symbol ids, and a report of the characters that have none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tts.data.manifest import Utterance
from tts.errors import InputError
from tts.text import Tokenizer


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
