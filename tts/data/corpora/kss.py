"""Reads KSS, the Korean Single Speaker speech dataset (Kyubyong Park, 2018).

It has 12,853 recordings of one speaker, about twelve hours at 44.1 kHz, under CC BY-NC-SA 4.0. Each
line of ``transcript.v.1.4.txt`` holds a path, the script, the script with numbers and letters in
Hangul, the same in decomposed letters, the seconds of the recording, and an English translation.
"""

from __future__ import annotations

import logging
import os
import unicodedata
from pathlib import Path
from typing import Any, Literal, get_args

from tts.core.errors import InputError
from tts.data.corpora.corpus import Corpus, described_name, require_folder
from tts.data.corpora.manifest import Faults, ManifestRow, recording_id, rows_by_bar, usable_rows

#: The columns that hold the text.
TextColumn = Literal["script", "expanded", "decomposed"]

_COLUMNS = "path|script|expanded|decomposed|seconds|English"
_LICENCE = (
    "%s: KSS is licensed under CC BY-NC-SA 4.0: name its author (Kyubyong Park); weights that are "
    "trained on it must not be used commercially either, and are shared under the same licence"
)

_log = logging.getLogger(__name__)


class KSS(Corpus):
    """Reads the folder of KSS: a transcript of six columns, and the recordings in ``1/`` to ``4/``.

    Args:
        root: the folder.
        transcript: name of the transcript in it.
        text: the column of the text. "expanded" has numbers in words, as the speaker read them;
            "script" has them as they were written; "decomposed" is "expanded" in single letters.
        **options: the options of ``Corpus``.

    Raises:
        InputError: there is no such column.
    """

    def __init__(
        self,
        root: str | Path,
        transcript: str = "transcript.v.1.4.txt",
        text: TextColumn = "expanded",
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        columns = get_args(TextColumn)
        if text not in columns:
            raise InputError(f"data.text={text}: it must be one of {', '.join(columns)}")
        self.transcript = self.root / transcript
        self._column = columns.index(text) + 1
        self._has_stated = False

    @property
    def name(self) -> str:
        """Return "KSS", or the name in ``corpus.json``."""
        return described_name(self.root) or "KSS"

    def prepare(self) -> None:
        """Check that all files exist, and state the licence.

        Raises:
            InputError: the corpus cannot be used; the message names the file or the row.
        """
        super().prepare()
        if not self._has_stated:
            self._has_stated = True
            _log.warning(_LICENCE, self.root)

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        require_folder(self.root, f"set data.root to the folder of {self.transcript.name}")
        if not self.transcript.is_file():
            others = sorted(path.name for path in self.root.glob("transcript*.txt"))
            hint = f"set data.transcript={others[-1]}" if others else "set data.root to KSS"
            raise InputError(f"{self.root}: no {self.transcript.name} in it; {hint}")
        folder = os.path.normpath(self.root)
        rows = []
        for where, fields in rows_by_bar(self.transcript, faults, (6,), _COLUMNS):
            wav = os.path.normpath(os.path.join(folder, fields[0])) if fields[0] else ""
            text = unicodedata.normalize("NFC", fields[self._column])
            rows.append(ManifestRow(recording_id(wav, folder), wav, text, where))
        return usable_rows(self.transcript, rows, faults)
