"""Prints how texts will be read: their pieces, words and symbols, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tts.core.errors import InputError
from tts.core.output import print_result
from tts.synthesis.input import Line
from tts.text import Tokenizer
from tts.text.preview import preview
from tts.text.tokenizer import SpeakUnknown


def print_previews(
    lines: Sequence[Line],
    acoustic: str | Path,
    lexicon: str | Path | None,
    max_chars: int,
    on_unknown: SpeakUnknown | None = None,
) -> int:
    """Print how texts will be read, without synthesizing them.

    Args:
        lines: the texts.
        acoustic: the checkpoint, of which only the tokenizer is used.
        lexicon: more pronunciations, or None.
        max_chars: most characters of a piece.
        on_unknown: as for speaking, see :class:`tts.inference.Options`.

    Returns:
        The number of texts that cannot be spoken.

    Raises:
        InputError: the checkpoint is not an acoustic model, or the lexicon cannot be read.
    """
    from tts.pretrained.convert import read_complete

    tokenizer = Tokenizer.from_dict(read_complete(acoustic, "Tacotron2").description["tokenizer"])
    if lexicon is not None:
        tokenizer = tokenizer.with_lexicon(lexicon)
    tokenizer = tokenizer.for_speaking(on_unknown)
    n_refused = 0
    for number, line in enumerate(lines):
        if number:
            print_result("\n")
        try:
            blocks = list(_pieces(tokenizer, line, max_chars))
        except InputError as error:
            n_refused += 1
            blocks = [f"{preview(line.text, tokenizer)}\nrefused  {error}"]
        blocks = [line.where.rstrip(" :"), *blocks] if line.where else blocks
        print_result("\n".join(blocks) + "\n")
    return n_refused


def _pieces(tokenizer: Tokenizer, line: Line, max_chars: int) -> Iterator[str]:
    """Yield a preview of each piece of a text.

    Raises:
        InputError: the text cannot be spoken.
    """
    from tts.inference.reader import TextReader

    # The preview itself lists characters that are left out, so the reader must not log them.
    loses_phones = any(len(shown) > 1 for shown in tokenizer.unknown(line.text))
    is_strict = loses_phones or tokenizer.on_unknown == "raise"
    pieces = TextReader(tokenizer if is_strict else tokenizer.quiet(), max_chars).read(line.text)
    for number, piece in enumerate(pieces, start=1):
        if len(pieces) > 1:
            after = f", then the pause of a {piece.after.value}" if piece.after else ""
            yield f"piece {number} of {len(pieces)}{after}"
        yield str(preview(piece.text, tokenizer))
