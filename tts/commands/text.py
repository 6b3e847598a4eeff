"""Prints how a text will be read, without a model: ``python -m tts.text "Some text"``.

    python -m tts.text "Dr. Smith paid £1,200." tokenizer=english_phonemes tokenizer.lexicon=my.txt

The overrides are those of training. An argument is an override if it begins with "tokenizer" and
has no space; every other argument is a text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from tts.core.arguments import typed_text
from tts.core.errors import InputError, one_line
from tts.core.output import print_error, print_line, print_result, protect_streams
from tts.core.progress import announced

_OVERRIDE = re.compile(r"tokenizer(?:\.\w+)?=\S*")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print how the texts among the arguments are read; return the exit status, 2 for an error."""
    protect_streams()
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    texts = [a for a in arguments if not _OVERRIDE.fullmatch(a)]
    if not texts or set(texts) & {"-h", "--help"}:
        print_line(*__doc__.splitlines())
        return 0 if texts else 2
    try:
        with announced("reading"):
            previews = _previews(texts, arguments)
        print_result("\n\n".join(previews) + "\n")
    except InputError as error:
        print_error(f"error: {one_line(error)}")
        return 2
    return 0


def _previews(texts: Sequence[str], arguments: Sequence[str]) -> list[str]:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from tts.config import build_object, compose, resolved
    from tts.text.languages import check_language
    from tts.text.preview import preview

    overrides = [a for a in arguments if _OVERRIDE.fullmatch(a)]
    try:
        config = resolved(compose(overrides).tokenizer)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(one_line(error)) from None
    check_language(config)
    try:
        tokenizer = build_object(config)
    except HydraException as error:
        raise InputError(one_line(error.__cause__ or error)) from None
    return [str(preview(typed_text(text), tokenizer)) for text in texts]
