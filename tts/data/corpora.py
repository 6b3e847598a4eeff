"""Corpora: folders of recordings with their texts, checked, split and named.

A corpus says what there is and which part of it is trained on; it reads no audio. Whatever names
one (a checkpoint, a log, a picture) uses ``Corpus.name``.
"""

from __future__ import annotations

import hashlib
import json
import logging
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path

from tts.data.manifest import Utterance, by_id, read_filelist, read_metadata
from tts.data.splits import Split, hash_split, is_ljspeech, ljspeech_split
from tts.errors import InputError

# A file of ours beside metadata.csv; its "name" keeps "synthetic" in every later mention
DESCRIPTION = "corpus.json"

_log = logging.getLogger(__name__)


class Corpus(ABC):
    """Recordings with their texts.

    Args:
        root: the folder that holds them.
        val_fraction: share that is validated on, where the corpus has no split of its own.
        test_fraction: share that is kept for the test, likewise.
    """

    def __init__(
        self, root: str | Path, val_fraction: float = 0.05, test_fraction: float = 0.0
    ) -> None:
        self.root = Path(root).expanduser()
        self.val_fraction = val_fraction
        self.test_fraction = test_fraction

    @property
    @abstractmethod
    def name(self) -> str:
        """What the corpus is called wherever it is mentioned."""

    @abstractmethod
    def _read(self) -> list[Utterance]:
        """Parse the manifest."""

    def prepare(self) -> None:
        """Make sure that everything the manifest names is there.

        Raises:
            InputError: naming the file or the row at fault.
        """
        _ = self._utterances

    def utterances(self) -> list[Utterance]:
        """Give all utterances in the manifest's order.

        Raises:
            InputError: naming the file or the row at fault.
        """
        return list(self._utterances)

    def split(self) -> Split:
        """Give the utterances of "train", "val" and "test"; the last two may be empty.

        Raises:
            InputError: naming the file or the row at fault, or nothing is left to train on.
        """
        split = self._split()
        if not split["train"]:
            raise InputError(
                f"{self.root}: none of the {len(self._utterances)} utterance(s) is left to train "
                "on; add recordings, or lower data.val_fraction"
            )
        return split

    def fingerprint(self) -> str:
        """Give 12 hexadecimal digits that name the ids and texts, wherever the corpus lies."""
        digest = hashlib.sha256()
        for utterance in sorted(self._utterances, key=lambda utterance: utterance.id):
            row = [utterance.id, utterance.text, utterance.speaker]
            digest.update(json.dumps(row).encode())
        return digest.hexdigest()[:12]

    def _split(self) -> Split:
        return hash_split(self._utterances, self.val_fraction, self.test_fraction)

    @cached_property
    def _utterances(self) -> list[Utterance]:
        return self._read()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.root)!r})"


class LJSpeech(Corpus):
    """A folder in the layout of LJ Speech: ``metadata.csv`` and ``wavs/``.

    LJ Speech itself, or a part of it, is split as NVIDIA does. A corpus of other recordings in
    this layout is split by ``hash_split``.
    """

    @property
    def name(self) -> str:
        """Either "LJ Speech", or what ``corpus.json`` says, or the name of the folder."""
        if is_ljspeech(self._utterances):
            return "LJ Speech"
        return described_name(self.root) or self.root.resolve().name

    def _read(self) -> list[Utterance]:
        if not self.root.is_dir():
            raise InputError(f"{self.root}: there is no such folder; set data.root to the corpus")
        if not (self.root / "metadata.csv").is_file():
            raise InputError(
                f"{self.root}: no metadata.csv in it; set data.root to a folder with metadata.csv "
                "and wavs/"
            )
        return read_metadata(self.root / "metadata.csv")

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


class Filelist(Corpus):
    """Text files of ``wav|text``, as NVIDIA's repositories and many after them use.

    Args:
        root: what relative paths, those of the lists and of the recordings, are relative to.
        train: the list to train on.
        val: the list to validate on; without it, a part of ``train`` is held back.
        test: the list to test on; without it, ``test_fraction`` of ``train``.
        wav_root: folder of the recordings, where it is not ``root``; takes the place of the
            ``DUMMY/`` in NVIDIA's lists.
        val_fraction: share of ``train`` that is validated on when ``val`` is not given.
        test_fraction: share of ``train`` that is kept for the test when ``test`` is not given.
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
    ) -> None:
        super().__init__(root, val_fraction, test_fraction)
        given = {"train": train, "val": val, "test": test}
        self.lists = {name: self.root / path for name, path in given.items() if path is not None}
        self.wav_root = None if wav_root is None else self.root / Path(wav_root).expanduser()

    @property
    def name(self) -> str:
        """What ``corpus.json`` says, or the name of the folder."""
        return described_name(self.root) or self.root.resolve().name

    def _read(self) -> list[Utterance]:
        found: dict[str, Utterance] = {}
        for utterances in self._given.values():
            found.update({utterance.id: utterance for utterance in utterances})
        return list(found.values())

    def _split(self) -> Split:
        split = hash_split(
            self._given["train"],
            0.0 if "val" in self.lists else self.val_fraction,
            0.0 if "test" in self.lists else self.test_fraction,
        )
        return split | {name: self._given[name] for name in ("val", "test") if name in self.lists}

    @cached_property
    def _given(self) -> Split:
        """Read the lists; an utterance that is trained on may be in no other."""
        given = {
            name: read_filelist(path, self.root, self.wav_root) for name, path in self.lists.items()
        }
        for name in ("val", "test"):
            by_id([*given["train"], *given.get(name, [])])
        return given


def described_name(root: Path) -> str | None:
    """Give the name that ``corpus.json`` in a folder states, if there is one."""
    try:
        name = json.loads((root / DESCRIPTION).read_text(encoding="utf-8")).get("name")
    except (OSError, ValueError, AttributeError):
        return None
    return name if isinstance(name, str) else None
