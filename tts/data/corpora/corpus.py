"""``Corpus``: recordings with their texts, checked, split and named.

A corpus says what there is and which part of it is trained on; it reads no audio. Whatever names
one (a checkpoint, a log, a picture) uses ``Corpus.name``. A new layout is a subclass that gives
entries; numbers of speakers, faulty rows and the split are the same for all.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from tts.core.errors import InputError, listed
from tts.core.ranges import Share
from tts.data.corpora.manifest import Faults, ManifestRow, Utterance
from tts.data.corpora.splits import Split, hash_split, held_out_ids

# A file of ours in a corpus; its "name" keeps "synthetic" in every later mention
DESCRIPTION = "corpus.json"
_SHOWN = 3
# "metadata.csv:12: "
_PLACE = re.compile(r"([^:]+):(\d+): ")

_log = logging.getLogger(__name__)


class Corpus(ABC):
    """Recordings with their texts.

    Args:
        root: the folder that holds them.
        val_fraction: share that is validated on, where the corpus has no split of its own.
        test_fraction: share that is kept for the test, likewise.
        on_error: what becomes of rows that cannot be used: "raise" stops, "skip" leaves them out.
        n_speakers: number of speakers that there have to be; None: any.
        only_speakers: names of the speakers to use; None: all.
        held_out: a file of ids, one at the beginning of each line (``id|text`` will do), or
            "shipped" for the sentences that ``python -m tts.evaluation`` judges by: they are
            validated on, and never trained on. None: the split is the corpus's own.
    """

    def __init__(
        self,
        root: str | Path,
        val_fraction: Share = 0.05,
        test_fraction: Share = 0.0,
        *,
        on_error: Literal["raise", "skip"] = "raise",
        n_speakers: int | None = None,
        only_speakers: Sequence[str | int] | None = None,
        held_out: str | Path | None = None,
    ) -> None:
        self.root = Path(root).expanduser()
        self.val_fraction = val_fraction
        self.test_fraction = test_fraction
        self.on_error = on_error
        self.n_speakers = n_speakers
        self.only_speakers = (
            None if only_speakers is None else [str(name) for name in only_speakers]
        )
        self.held_out = held_out
        self._faults: Faults = []
        self._speakers: tuple[str, ...] = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """What the corpus is called wherever it is mentioned."""

    @abstractmethod
    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        """Read the manifest: what can be used, and a line for each row that cannot."""

    def prepare(self) -> None:
        """Make sure that everything the manifest names is there; log what is left out.

        Raises:
            InputError: naming the file or the row at fault.
        """
        if faults := self.faults():
            shown = f"{'; '.join(faults[:_SHOWN])}{'; ...' if len(faults) > _SHOWN else ''}"
            _log.warning("%s: left out %d row(s): %s", self.root, len(faults), shown)

    def utterances(self) -> list[Utterance]:
        """Give all utterances in the manifest's order.

        Raises:
            InputError: naming the file or the row at fault.
        """
        return list(self._utterances)

    def faults(self) -> list[str]:
        """Give a line for each row that was left out; there are none unless they are skipped.

        Raises:
            InputError: naming the file or the row at fault.
        """
        _ = self._utterances
        return list(self._faults)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the speakers, by their numbers; empty where nobody is named.

        Raises:
            InputError: naming the file or the row at fault.
        """
        _ = self._utterances
        return self._speakers

    def split(self) -> Split:
        """Give the utterances of "train", "val" and "test"; the last two may be empty.

        Raises:
            InputError: naming the file or the row at fault, or nothing is left to train on.
        """
        split = self._split() if self.held_out is None else self._hold_out(str(self.held_out))
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

    def _hold_out(self, held_out: str) -> Split:
        names = held_out_ids(held_out)
        split: Split = {"train": [], "val": [], "test": []}
        for utterance in self._utterances:
            split["val" if utterance.id in names else "train"].append(utterance)
        if not split["val"]:
            raise InputError(f"data.held_out={held_out}: none of these ids is in {self.root}")
        return split

    def _split(self) -> Split:
        return hash_split(self._utterances, self.val_fraction, self.test_fraction)

    @cached_property
    def _utterances(self) -> list[Utterance]:
        return self._read()

    def _read(self) -> list[Utterance]:
        found: Faults = []
        entries = self._read_rows(found)
        faults = sort_faults(found)
        if faults and self.on_error == "raise":
            more = f" (and {len(faults) - 1} more; data.on_error=skip leaves such rows out)"
            raise InputError(f"{faults[0]}{more if len(faults) > 1 else ''}")
        if not entries:
            raise InputError(f"{self.root}: no row can be used, first {faults[0]}")
        entries = self._chosen(entries)
        self._speakers, self._faults = speaker_names(entries), faults
        self._check_speakers()
        numbers = {name: number for number, name in enumerate(self._speakers)}
        return [
            Utterance(
                entry.id, Path(entry.wav), entry.text, entry.where, numbers.get(entry.speaker, 0)
            )
            for entry in entries
        ]

    def _chosen(self, entries: list[ManifestRow]) -> list[ManifestRow]:
        if self.only_speakers is None:
            return entries
        there = {entry.speaker for entry in entries}
        if missing := [name for name in self.only_speakers if name not in there]:
            known = listed(list(speaker_names(entries)), 10) or "none with a name"
            raise InputError(
                f"data.only_speakers: there is no {missing[0]!r} in {self.root}; there are {known}"
            )
        return [entry for entry in entries if entry.speaker in self.only_speakers]

    def _check_speakers(self) -> None:
        found = max(len(self._speakers), 1)
        if self.n_speakers not in (None, found):
            raise InputError(
                f"data.n_speakers={self.n_speakers}: {self.root} has {found} speaker(s); set "
                f"data.n_speakers={found}"
                + (", or choose some with data.only_speakers=[...]" if found > 1 else "")
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.root)!r})"


class FolderCorpus(Corpus):
    """A corpus that is called like its folder, unless ``corpus.json`` in it says otherwise."""

    @property
    def name(self) -> str:
        """What ``corpus.json`` says, or the name of the folder."""
        return described_name(self.root) or self.root.resolve().name


def speaker_names(entries: Sequence[ManifestRow]) -> tuple[str, ...]:
    """Names of the speakers in the order of their numbers: sorted, whole numbers by size."""
    names = {entry.speaker for entry in entries if entry.speaker}
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def sort_faults(faults: Faults) -> Faults:
    """Sort faults of the same file by their lines; files stay in the order of their first."""
    places = [match.groups() if (match := _PLACE.match(fault)) else (fault, 0) for fault in faults]
    files = {file: number for number, (file, _) in reversed(list(enumerate(places)))}
    keys = [(files[file], int(line)) for file, line in places]
    return [faults[i] for i in sorted(range(len(faults)), key=keys.__getitem__)]


def described_name(root: Path) -> str | None:
    """Give the name that ``corpus.json`` in a folder states, if there is one."""
    try:
        name = json.loads((root / DESCRIPTION).read_text(encoding="utf-8")).get("name")
    except (OSError, ValueError, AttributeError):
        return None
    return name if isinstance(name, str) else None


def require_folder(root: Path, hint: str) -> None:
    """Refuse a corpus that is not there.

    Raises:
        InputError: with the hint.
    """
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder; {hint}")
