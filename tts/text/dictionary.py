"""The CMU Pronouncing Dictionary, which travels with the package: ``cmudict.xz``.

One word a line, ``word PH ON EM ES``; a word of several readings has several lines, the one that
is said without any context first (CMUdict's first "lead" is the metal). Its licence is in the first
lines of the file. Made from CMUdict's own file and the lexicon of hibari-tts by

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
    """Word in small letters -> its readings, the commonest first."""
    packed = resources.files("tts.text").joinpath(FILE).read_bytes()
    return parse_dictionary(lzma.decompress(packed).decode("utf-8").splitlines())


def parse_dictionary(lines: Iterable[str]) -> Dictionary:
    """Read the lines of a dictionary, in CMUdict's form: ``word(2) PH ON EM ES # comment``."""
    entries: Dictionary = {}
    for line in lines:
        word, *phones = line.partition(COMMENT)[0].split() or [""]
        if word:
            word = word.partition("(")[0]
            entries[word] = (*entries.get(word, ()), tuple(phones))
    return entries
