"""Reads folders in the layout of LJ Speech, and downloads LJ Speech itself.

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
# Size of the archive and of its content together, rounded up
_BYTES = 2_800_000_000 + 3_900_000_000

_log = logging.getLogger(__name__)


class LJSpeech(Corpus):
    """Reads a folder in the layout of LJ Speech: ``metadata.csv`` and ``wavs/``.

    LJ Speech itself, or a part of it, has NVIDIA's split. Other recordings in this layout are split
    by ``hash_split``.

    Args:
        root: the folder.
        val_fraction: share of the validation set, unless the corpus is LJ Speech.
        test_fraction: share of the test set, under the same condition.
        download: whether to download LJ Speech into ``root`` if that is missing or empty.
        **options: the other options of ``Corpus``.
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
        """Return "LJ Speech", or else the name in ``corpus.json``, or that of the folder."""
        if self._is_to_be_downloaded() or is_ljspeech(self._utterances):
            return NAME
        return described_name(self.root) or self.root.resolve().name

    def prepare(self) -> None:
        """Download LJ Speech if that is requested and needed, and check that all files exist.

        Raises:
            InputError: LJ Speech cannot be downloaded, or the corpus cannot be used.
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
            # a small part of LJ Speech may contain none of the 100 validation clips
            others = hash_split(split["train"], self.val_fraction)
            split |= {"train": others["train"], "val": others["val"]}
            _log.warning(
                "%s: none of LJ Speech's validation clips is here; validating on %d others",
                self.root,
                len(split["val"]),
            )
        return split
