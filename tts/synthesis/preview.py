"""Prints how texts will be read: their pieces, words and symbols, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.core.errors import InputError
from tts.core.output import print_result
from tts.synthesis.input import Line
from tts.text import Tokenizer
from tts.text.preview import preview
from tts.text.tokenizer import SpeakUnknown

if TYPE_CHECKING:
    from tts.inference.reader import DecodingUnit


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

    description = read_complete(acoustic, "Tacotron2").description
    tokenizer = Tokenizer.from_dict(description["tokenizer"])
    if lexicon is not None:
        tokenizer = tokenizer.with_lexicon(lexicon)
    tokenizer, speakers = tokenizer.for_speaking(on_unknown), _speakers(description)
    n_refused = 0
    for number, line in enumerate(lines):
        if number:
            print_result("\n")
        try:
            blocks = list(_pieces(tokenizer, line, max_chars, speakers))
        except InputError as error:
            n_refused += 1
            blocks = [f"{preview(line.text, tokenizer)}\nrefused  {error}"]
        blocks = [line.where.rstrip(" :"), *blocks] if line.where else blocks
        print_result("\n".join(blocks) + "\n")
    return n_refused


def _speakers(description: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the speakers, or their numbers; none if there is one voice."""
    n_speakers = description["network_config"].get("n_speakers", 1)
    names = description["speakers"] or map(str, range(n_speakers))
    return tuple(names) if n_speakers > 1 else ()


def _pieces(
    tokenizer: Tokenizer, line: Line, max_chars: int, speakers: tuple[str, ...]
) -> Iterator[str]:
    """Yield a preview of each piece of a text.

    Raises:
        InputError: the text cannot be spoken.
    """
    from tts.inference.reader import TextReader

    # The preview itself lists characters that are left out, so the reader must not log them.
    loses_phones = any(len(shown) > 1 for shown in tokenizer.unknown(line.text))
    is_strict = loses_phones or tokenizer.on_unknown == "raise"
    reader = TextReader(tokenizer if is_strict else tokenizer.quiet(), max_chars, speakers)
    pieces = reader.read(line.text, speaker=0)
    if pieces[0].silence_before:
        yield f"a pause of {pieces[0].silence_before:g} s"
    for number, piece in enumerate(pieces, start=1):
        if len(pieces) > 1 or piece.pause is not None:
            who = f" by {speakers[piece.speaker]}" if piece.speaker else ""
            yield f"piece {number} of {len(pieces)}{who}{_pause_after(piece)}"
        yield str(preview(piece.text, tokenizer))


def _pause_after(piece: DecodingUnit) -> str:
    if piece.pause is not None:
        return f", then a pause of {piece.pause:g} s"
    return f", then the pause of a {piece.after.value}" if piece.after else ""
