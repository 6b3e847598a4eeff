"""``LJSpeech``: a folder of its layout, and LJ Speech itself, which can be downloaded.

The dataset: Keith Ito and Linda Johnson, 2017, public domain.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from tts.core.download import SimpleRemoteFile
from tts.core.errors import InputError
from tts.data.corpora.corpus import Corpus, described_name, require_folder
from tts.data.corpora.manifest import Faults, ManifestRow, read_metadata
from tts.data.corpora.splits import Split, hash_split, is_ljspeech, ljspeech_split

NAME = "LJ Speech"
#: Where LJ Speech is published; its archive begins with a folder of this name.
ARCHIVE = SimpleRemoteFile(
    name=NAME,
    file="LJSpeech-1.1.tar.bz2",
    urls=("https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2",),
    sha256="be1a30453f28eb8dd26af4101ae40cbf2c50413b1bb21936cbcdc6fae3de8aa5",
)
# Of the archive and of what is in it, rounded up
_BYTES = 2_800_000_000 + 3_900_000_000

_log = logging.getLogger(__name__)


class LJSpeech(Corpus):
    """A folder in the layout of LJ Speech: ``metadata.csv`` and ``wavs/``.

    LJ Speech itself, or a part of it, is split as NVIDIA does. A corpus of other recordings in
    this layout is split by ``hash_split``.

    Args:
        root: the folder.
        val_fraction: share that is validated on, unless it is LJ Speech.
        test_fraction: share that is kept for the test, likewise.
        download: fetch LJ Speech into ``root`` if that is missing or empty.
        **options: the others of ``Corpus``.
    """

    def __init__(
        self,
        root: str | Path,
        val_fraction: float = 0.05,
        test_fraction: float = 0.0,
        download: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(root, val_fraction, test_fraction, **options)
        self.download = download

    @property
    def name(self) -> str:
        """Either "LJ Speech", or what ``corpus.json`` says, or the name of the folder."""
        if self._is_to_be_downloaded() or is_ljspeech(self._utterances):
            return NAME
        return described_name(self.root) or self.root.resolve().name

    def prepare(self) -> None:
        """Download LJ Speech if it is wanted and not there, and check that all is there.

        Raises:
            InputError: it cannot be downloaded, or naming the file or the row at fault.
        """
        if self._is_to_be_downloaded():
            from tts.data.corpora.unpacking import fetch_folder

            fetch_folder(ARCHIVE, self.root, _BYTES)
        super().prepare()

    def _is_to_be_downloaded(self) -> bool:
        empty = not self.root.exists() or (self.root.is_dir() and not any(self.root.iterdir()))
        return self.download and empty

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        hint = "set data.root to the corpus, or data.download=true to fetch LJ Speech (2.6 GB)"
        require_folder(self.root, f"{hint}; experiment=demo needs no corpus")
        if not (self.root / "metadata.csv").is_file():
            raise InputError(
                f"{self.root}: no metadata.csv in it; set data.root to a folder with metadata.csv "
                "and wavs/"
            )
        return read_metadata(self.root / "metadata.csv", faults)

    def _split(self) -> Split:
        if not is_ljspeech(self._utterances):
            return super()._split()
        split = ljspeech_split(self._utterances)
        if not split["val"] and self.val_fraction:
            # So small a part of LJ Speech that none of the 100 validation clips is in it
            part = hash_split(split["train"], self.val_fraction)
            split |= {"train": part["train"], "val": part["val"]}
            _log.warning(
                "%s: none of LJ Speech's validation clips is here; validating on %d others",
                self.root,
                len(split["val"]),
            )
        return split
