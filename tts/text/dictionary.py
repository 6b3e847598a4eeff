"""Reads the CMU Pronouncing Dictionary, which is part of the package: ``cmudict.xz``.

Each line holds one word, ``word PH ON EM ES``. A word with several pronunciations has several
lines; the first one is the commonest without context (in CMUdict itself the first "lead" is the
metal). The first lines of the file hold the licence. This command builds it from CMUdict's own file
and the lexicon of hibari-tts:

    python -m bench.build_dictionary cmudict.dict tts/text/cmudict.xz
"""

from __future__ import annotations

import functools
import lzma
from collections.abc import Iterable
from importlib import resources

from tts.text.lexicon import Phones

COMMENT = "#"
FILE = "cmudict.xz"

Dictionary = dict[str, tuple[Phones, ...]]


@functools.cache
def dictionary() -> Dictionary:
    """Return the pronunciations of each word in small letters, the commonest first."""
    packed = resources.files("tts.text").joinpath(FILE).read_bytes()
    return parse_dictionary(lzma.decompress(packed).decode("utf-8").splitlines())


def parse_dictionary(lines: Iterable[str]) -> Dictionary:
    """Parse lines in CMUdict's format: ``word(2) PH ON EM ES # comment``."""
    entries: Dictionary = {}
    for line in lines:
        word, *phones = line.partition(COMMENT)[0].split() or [""]
        if word:
            word = word.partition("(")[0]
            entries[word] = (*entries.get(word, ()), tuple(phones))
    return entries
