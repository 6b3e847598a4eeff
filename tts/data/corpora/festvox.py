"""``Festvox``: ``etc/txt.done.data`` and ``wav/``, as voices built with Festvox have them.

So have CMU ARCTIC (Kominek and Black, 2003) and the Russian voice in Debian's ``festvox-ru`` (620
recordings by Nickolay Shmyrev, 16 kHz).
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from tts.data.corpora.corpus import FolderCorpus, require_folder
from tts.data.corpora.manifest import Faults, ManifestRow, encoding_fault, read_text, usable_rows

_ROW = re.compile(r'\(\s*(\S+)\s+"(.*)"\s*\)\s*')
# "+" before a stressed vowel, as Russian voices have it
_STRESS = re.compile(r"\+(\w)")


class Festvox(FolderCorpus):
    """A folder with ``etc/txt.done.data``, lines of ``( name "text" )``, and ``wav/name.wav``.

    Args:
        root: the folder.
        stress: what becomes of a ``+`` before a vowel: True puts a combining acute accent
            (U+0301) behind the vowel, False leaves it out; None: this is no mark, but text.
        package: Debian's package that installs the corpus, for messages.
        **options: those of ``Corpus``.
    """

    def __init__(
        self,
        root: str | Path,
        stress: bool | None = None,
        package: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        self.stress, self.package = stress, package

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        path = self.root / "etc" / "txt.done.data"
        install = f"run: apt-get install {self.package}, or " if self.package else ""
        require_folder(path.parent, f"{install}set data.root to a folder with etc/ and wav/")
        found = []
        for number, line in enumerate(io.StringIO(read_text(path), newline=None), 1):
            where = f"{path.name}:{number}"
            if fault := encoding_fault(path, where, line):
                faults.append(fault)
            elif match := _ROW.fullmatch(line.strip()):
                wav = self.root / "wav" / f"{match[1]}.wav"
                found.append(ManifestRow(match[1], str(wav), self._text(match[2]), where))
            elif line.strip():
                faults.append(f'{where}: expected ( name "text" )')
        return usable_rows(path, found, faults)

    def _text(self, written: str) -> str:
        text = written.replace('\\"', '"')
        if self.stress is not None:
            text = _STRESS.sub(r"\1" + ("\u0301" if self.stress else ""), text)
        return " ".join(text.split())
