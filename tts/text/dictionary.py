"""The CMU Pronouncing Dictionary, which travels with the package: ``cmudict.xz``.

One word a line, ``word PH ON EM ES``; a word of several readings has several lines, the one that
is said without any context first (CMUdict's first "lead" is the metal). Its licence is in the first
lines of the file. Made from CMUdict's own file and the lexicon of hibari-tts by

    python -m tts.text.dictionary cmudict.dict tts/text/cmudict.xz
"""

from __future__ import annotations

import functools
import lzma
import sys
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from tts.core.files import atomic_writer
from tts.text.lexicon import Phones

COMMENT = "#"
FILE = "cmudict.xz"

Dictionary = dict[str, tuple[Phones, ...]]


@functools.cache
def dictionary() -> Dictionary:
    """Word in small letters -> its readings, the commonest first."""
    packed = resources.files("tts.text").joinpath(FILE).read_bytes()
    return parsed(lzma.decompress(packed).decode("utf-8").splitlines())


def parsed(lines: Iterable[str]) -> Dictionary:
    """Read the lines of a dictionary, in CMUdict's form: ``word(2) PH ON EM ES # comment``."""
    entries: Dictionary = {}
    for line in lines:
        word, *phones = line.partition(COMMENT)[0].split() or [""]
        if word:
            word = word.partition("(")[0]
            entries[word] = (*entries.get(word, ()), tuple(phones))
    return entries


def make(source: Path, licence: Path, target: Path) -> int:
    """Write the dictionary of the package; gives the number of its words.

    Args:
        source: ``cmudict.dict``.
        licence: of it, which becomes the comment at the beginning.
        target: the file to write.

    Raises:
        InputError: hibari-tts, which knows the commonest readings, is not installed.
    """
    from tts.text.arpabet import commonest

    lines = [f"{COMMENT} {line}".rstrip() for line in licence.read_text().splitlines()]
    entries = parsed(source.read_text(encoding="utf-8").splitlines())
    for word, readings in entries.items():
        first = commonest(word, readings)
        rest = [reading for reading in readings if reading != first]
        lines += [f"{word} {' '.join(reading)}" for reading in (first, *rest)]
    text = "\n".join(lines) + "\n"
    with atomic_writer(target) as file:
        file.write(lzma.compress(text.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME))
    return len(entries)


if __name__ == "__main__":
    cmudict, packed_file = map(Path, sys.argv[1:])
    n_words = make(cmudict, cmudict.with_name("LICENSE"), packed_file)
    sys.stdout.write(f"{packed_file}: {n_words} words\n")
