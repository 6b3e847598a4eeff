"""Reads filelists: text files of ``wav|text``, one for each part of the split."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tts.data.corpora.corpus import FolderCorpus
from tts.data.corpora.manifest import Faults, ManifestRow, read_filelist
from tts.data.corpora.splits import Split, hash_split


class Filelist(FolderCorpus):
    """Reads text files of ``wav|text``, which NVIDIA's repositories and many others use.

    A third column names the speaker, as in the lists of NVIDIA's Mellotron.

    Args:
        root: the folder that the paths of lists and recordings are relative to.
        train: the list of the training set.
        val: the list of the validation set; None: it is a share of ``train``.
        test: the list of the test set; None: it is a share of ``train``.
        wav_root: folder of the recordings, if it is not ``root``; it replaces the ``DUMMY/`` in
            NVIDIA's lists.
        val_fraction: share of ``train`` for the validation set if ``val`` is None.
        test_fraction: share of ``train`` for the test set if ``test`` is None.
        **options: the other options of ``Corpus``.
    """

    def __init__(
        self,
        root: str | Path,
        train: str | Path,
        val: str | Path | None = None,
        test: str | Path | None = None,
        wav_root: str | Path | None = None,
        val_fraction: float = 0.05,
        test_fraction: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(root, val_fraction, test_fraction, **options)
        given = {"train": train, "val": val, "test": test}
        self.lists = {name: self.root / path for name, path in given.items() if path is not None}
        self.wav_root = None if wav_root is None else self.root / Path(wav_root).expanduser()
        self._parts: dict[str, set[str]] = {}

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        rows: dict[str, ManifestRow] = {}
        for part, path in self.lists.items():
            ids = self._parts[part] = set()
            for row in read_filelist(path, self.root, self.wav_root, faults=faults):
                first = rows.setdefault(row.id, row)
                if os.path.normpath(row.wav) != os.path.normpath(first.wav):
                    faults.append(
                        f"{row.where}: {row.id!r} is the id of another recording in {first.where}; "
                        "rename one of the two"
                    )
                elif part != "train" and row.id in self._parts["train"]:
                    faults.append(
                        f"{row.where}: {row.id!r} stands in {first.where} already, which is "
                        "trained on; remove one of the two rows"
                    )
                else:
                    ids.add(row.id)
        return list(rows.values())

    def _split(self) -> Split:
        _ = self._utterances  # reading the lists fills self._parts
        given = {
            part: [utterance for utterance in self._utterances if utterance.id in ids]
            for part, ids in self._parts.items()
        }
        split = hash_split(
            given["train"],
            0.0 if "val" in given else self.val_fraction,
            0.0 if "test" in given else self.test_fraction,
        )
        return split | {part: given[part] for part in ("val", "test") if part in given}
