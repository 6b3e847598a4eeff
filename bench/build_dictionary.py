"""Builds ``tts/text/cmudict.xz``, the dictionary of the package, from CMUdict's own file.

    python -m bench.build_dictionary cmudict.dict tts/text/cmudict.xz

CMUdict's ``LICENSE`` must lie next to ``cmudict.dict``. The order of a word's pronunciations comes
from the lexicon of hibari-tts (``pip install 'tacoglow[phonemes]'``).
"""

from __future__ import annotations

import lzma
import sys
from pathlib import Path

from tts.core.files import atomic_writer
from tts.text.arpabet import commonest_pronunciation
from tts.text.dictionary import COMMENT, parse_dictionary


def build_dictionary(source: Path, licence: Path, target: Path) -> int:
    """Write the dictionary of the package, and return the number of its words.

    Args:
        source: ``cmudict.dict``.
        licence: its licence, which becomes the comment at the beginning.
        target: the file to write.

    Raises:
        InputError: hibari-tts, which knows the commonest pronunciations, is not installed.
    """
    lines = [f"{COMMENT} {line}".rstrip() for line in licence.read_text().splitlines()]
    entries = parse_dictionary(source.read_text(encoding="utf-8").splitlines())
    for word, pronunciations in entries.items():
        first = commonest_pronunciation(word, pronunciations)
        rest = [phones for phones in pronunciations if phones != first]
        lines += [f"{word} {' '.join(phones)}" for phones in (first, *rest)]
    text = "\n".join(lines) + "\n"
    with atomic_writer(target) as file:
        file.write(lzma.compress(text.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME))
    return len(entries)


if __name__ == "__main__":
    cmudict, packed_file = map(Path, sys.argv[1:])
    n_words = build_dictionary(cmudict, cmudict.with_name("LICENSE"), packed_file)
    sys.stdout.write(f"{packed_file}: {n_words} words\n")
