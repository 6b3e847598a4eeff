"""``Filelist``: text files of ``wav|text``, which are their own split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tts.data.corpora.corpus import FolderCorpus
from tts.data.corpora.manifest import Faults, ManifestRow, read_filelist
from tts.data.corpora.splits import Split, hash_split


class Filelist(FolderCorpus):
    """Text files of ``wav|text``, as NVIDIA's repositories and many after them use.

    A third column names the speaker, as in the lists of NVIDIA's Mellotron.

    Args:
        root: what relative paths, those of the lists and of the recordings, are relative to.
        train: the list to train on.
        val: the list to validate on; without it, a part of ``train`` is held back.
        test: the list to test on; without it, ``test_fraction`` of ``train``.
        wav_root: folder of the recordings, where it is not ``root``; takes the place of the
            ``DUMMY/`` in NVIDIA's lists.
        val_fraction: share of ``train`` that is validated on when ``val`` is not given.
        test_fraction: share of ``train`` that is kept for the test when ``test`` is not given.
        **options: the others of ``Corpus``.
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
        found: dict[str, ManifestRow] = {}
        for part, path in self.lists.items():
            entries = read_filelist(path, self.root, self.wav_root, faults=faults)
            ids = self._parts[part] = set()
            for entry in entries:
                first = found.setdefault(entry.id, entry)
                if part != "train" and entry.id in self._parts["train"]:
                    faults.append(
                        f"{entry.where}: {entry.id!r} stands in {first.where} already, which is "
                        "trained on; remove one of the two rows"
                    )
                else:
                    ids.add(entry.id)
        return list(found.values())

    def _split(self) -> Split:
        given = {
            part: [utterance for utterance in self._utterances if utterance.id in ids]
            for part, ids in self._parts_read().items()
        }
        split = hash_split(
            given["train"],
            0.0 if "val" in given else self.val_fraction,
            0.0 if "test" in given else self.test_fraction,
        )
        return split | {part: given[part] for part in ("val", "test") if part in given}

    def _parts_read(self) -> dict[str, set[str]]:
        _ = self._utterances
        return self._parts
