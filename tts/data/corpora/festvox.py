"""Reads the layout of voices built with Festvox: ``etc/txt.done.data`` and ``wav/``.

CMU ARCTIC (Kominek and Black, 2003) has this layout, and so has the Russian voice in Debian's
``festvox-ru`` (620 recordings by Nickolay Shmyrev, 16 kHz).
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from tts.data.corpora.corpus import FolderCorpus, require_folder
from tts.data.corpora.manifest import Faults, ManifestRow, encoding_fault, read_text, usable_rows

_ROW = re.compile(r'\(\s*(\S+)\s+"(.*)"\s*\)\s*')
# Russian voices mark a stressed vowel by a "+" before it
_STRESS = re.compile(r"\+(\w)")


class Festvox(FolderCorpus):
    """Reads a folder with ``wav/name.wav`` and lines of ``( name "text" )``.

    The lines are in ``etc/txt.done.data``.

    Args:
        root: the folder.
        stress: what to do with a ``+`` before a vowel. True puts a combining acute accent (U+0301)
            after the vowel, False removes the ``+``, and None keeps it as a part of the text.
        package: Debian's package that installs the corpus, for messages.
        **options: the options of ``Corpus``.
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
        rows = []
        for number, line in enumerate(io.StringIO(read_text(path), newline=None), 1):
            where = f"{path.name}:{number}"
            if fault := encoding_fault(path, where, line):
                faults.append(fault)
            elif match := _ROW.fullmatch(line.strip()):
                wav = self.root / "wav" / f"{match[1]}.wav"
                rows.append(ManifestRow(match[1], str(wav), self._text(match[2]), where))
            elif line.strip():
                faults.append(f'{where}: expected ( name "text" )')
        return usable_rows(path, rows, faults)

    def _text(self, written: str) -> str:
        text = written.replace('\\"', '"')
        if self.stress is not None:
            text = _STRESS.sub(r"\1" + ("\u0301" if self.stress else ""), text)
        return " ".join(text.split())
