"""Says why a recording is not found: under which other name or in which other folder it lies.

A table from elsewhere often writes paths in a slightly other way than the corpus reads them. Every
row is then faulty for the same reason, which is found by a look at the files that are there.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from itertools import takewhile
from pathlib import PurePosixPath

from tts.data.corpora.names import AUDIO_SUFFIXES, PLACEHOLDER

# Files that are looked at; a corpus has its recordings among the first
_MOST_FILES = 500_000


class MissingRecordings:
    """Looks for the recordings of a corpus under other names.

    Args:
        folders: where to look, at any depth, when the first recording is missing.
        used: the recordings that rows name, which are not looked for under other names.
    """

    def __init__(self, folders: Iterable[str], used: Iterable[str]) -> None:
        self._folders = list(dict.fromkeys(os.path.normpath(folder) for folder in folders))
        self._used = used
        self._by_stem: dict[str, list[str]] | None = None

    def fault(self, wav: str) -> str:
        """Return the fault of a row whose recording is missing, and what to do.

        Args:
            wav: the path at which the recording was looked for.
        """
        missing = f"recording {wav} is missing"
        written = wav.replace("\\", "/")
        found = self._similar(written)
        if found is None:
            hint = "set data.wav_root" if PLACEHOLDER in written else "add it"
            return f"{missing}; {hint} or remove the row"
        return f"{missing}, but {found} is there: {_cause(wav, found)}"

    def _similar(self, written: str) -> str | None:
        """Return the file that resembles a path most, if there is one."""
        if self._by_stem is None:
            self._by_stem = self._list()
        candidates = self._by_stem.get(_stem(written), [])
        ranked = sorted(((_shared_parts(path, written), path) for path in candidates), reverse=True)
        if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
            # in the folders of speakers, names repeat, and nothing tells which one is meant
            return None
        return ranked[0][1]

    def _list(self) -> dict[str, list[str]]:
        by_stem: dict[str, list[str]] = {}
        seen, n_files = set(self._used), 0
        for folder in self._folders:
            for place, folders, names in os.walk(folder):
                folders.sort()
                for path in (os.path.join(place, name) for name in sorted(names)):
                    if path.lower().endswith(AUDIO_SUFFIXES) and path not in seen:
                        seen.add(path)
                        by_stem.setdefault(_stem(path), []).append(path)
                n_files += len(names)
                if n_files > _MOST_FILES:
                    return by_stem
        return by_stem


def _cause(wav: str, found: str) -> str:
    """Return how the path of a missing recording differs from a file, and what to do."""
    written = wav.replace("\\", "/")
    if PLACEHOLDER in written:
        return f"set data.wav_root={os.path.dirname(found)}, which replaces {PLACEHOLDER}"
    if written != wav:
        return "write / for each backslash in the table"
    wanted, actual = PurePosixPath(wav), PurePosixPath(found)
    if wanted.parent != actual.parent:
        return _cause_of_folder(wanted, actual)
    if unicodedata.normalize("NFC", wanted.name) == unicodedata.normalize("NFC", actual.name):
        form = "decomposed (NFD)" if unicodedata.is_normalized("NFC", wanted.name) else "composed"
        return f"its name has {form} letters on the disk; rename the file, or change the table"
    if _folded(wanted.name) == _folded(actual.name):
        return "its name has other capitals; rename the file, or change the table"
    if len(_without_endings(wanted.name)) + len(wanted.suffix) < len(wanted.name):
        return "the ending is there twice; leave it out in the table"
    return "its ending is another; rename the file, convert it, or read a table by data=csv"


def _cause_of_folder(wanted: PurePosixPath, actual: PurePosixPath) -> str:
    names = [part for part in wanted.parent.parts if part not in actual.parent.parts]
    others = [part for part in actual.parent.parts if part not in wanted.parent.parts]
    if _folded(str(wanted)) == _folded(str(actual)):
        return "a folder has other capitals or another Unicode form; rename it, or change the table"
    if not names and not others:
        last = wanted.parent.name
        return f"{last}/ is added to the name of each recording; leave {last}/ out in the table"
    if len(names) == len(others) == 1:
        return f"rename the folder {others[0]} to {names[0]}, or change the table"
    return "move the file, or change the table"


def _shared_parts(path: str, written: str) -> int:
    """Return how many folders of two paths are alike, counted from the recording."""
    pairs = zip(path.split("/")[-2::-1], written.split("/")[-2::-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: _folded(pair[0]) == _folded(pair[1]), pairs))


def _stem(path: str) -> str:
    return _folded(_without_endings(path.rsplit("/", 1)[-1]))


def _without_endings(name: str) -> str:
    # a name that is an ending alone (".wav") stays: it has no ending for Python
    while name.lower().endswith(AUDIO_SUFFIXES) and (shorter := os.path.splitext(name)[0]) != name:
        name = shorter
    return name


def _folded(text: str) -> str:
    """Return what is equal for names that differ in capitals or in their Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
