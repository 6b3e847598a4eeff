"""Defines ``Corpus``: recordings with their texts, checked, split and named.

A corpus lists its utterances and splits them for training; it reads no audio. Checkpoints, logs and
pictures name a corpus by ``Corpus.name``. A new layout is a subclass that reads manifest rows; the
numbering of speakers, the handling of faulty rows and the split are the same for all layouts.
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

from tts.core.errors import InputError, listed
from tts.core.ranges import Share
from tts.data.corpora.manifest import Faults, ManifestRow, OnError, Utterance
from tts.data.corpora.splits import Split, hash_split, held_out_ids, split_by_ids

#: Our file in a corpus. Its "name" is shown wherever the corpus is named, so that speech which a
#: machine rendered stays marked as synthetic.
DESCRIPTION = "corpus.json"
# Faults that the log shows in full
_N_SHOWN = 3
# The beginning of a fault: "metadata.csv:12: "
_PLACE = re.compile(r"([^:]+):(\d+): ")

_log = logging.getLogger(__name__)


class Corpus(ABC):
    """Holds recordings with their texts.

    Args:
        root: the folder of the corpus.
        val_fraction: share of the validation set, for corpora without a split of their own.
        test_fraction: share of the test set, for the same corpora.
        on_error: what to do with rows that cannot be used: "raise" stops at the first, "skip"
            leaves them out.
        n_speakers: number of speakers that the corpus must have; None: any number.
        only_speakers: names of the speakers to use; None: all.
        held_out: a file with an id at the beginning of each line (lines of ``id|text`` are
            accepted), or "shipped" for the sentences that ``python -m tts.evaluation`` uses. These
            utterances are the validation set and are never trained on. With "choosing" other
            sentences are the validation set, and those of "shipped" the test set. None: the split
            is the corpus's own.
    """

    def __init__(
        self,
        root: str | Path,
        val_fraction: Share = 0.05,
        test_fraction: Share = 0.0,
        *,
        on_error: OnError = "raise",
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
        """Return the name by which checkpoints, logs and pictures refer to the corpus."""

    @abstractmethod
    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        """Read the rows that can be used; add a line to ``faults`` for each row that cannot."""

    def prepare(self) -> None:
        """Check that all files of the manifest exist, and log the rows that are left out.

        Raises:
            InputError: the corpus cannot be used; the message names the file or the row.
        """
        if faults := self.faults():
            shown = f"{'; '.join(faults[:_N_SHOWN])}{'; ...' if len(faults) > _N_SHOWN else ''}"
            _log.warning("%s: left out %d row(s): %s", self.root, len(faults), shown)

    def utterances(self) -> list[Utterance]:
        """Return all utterances in the order of the manifest.

        Raises:
            InputError: the corpus cannot be used; the message names the file or the row.
        """
        return list(self._utterances)

    def faults(self) -> list[str]:
        """Return a line for each row that was left out; empty unless ``on_error`` is "skip".

        Raises:
            InputError: the corpus cannot be used; the message names the file or the row.
        """
        _ = self._utterances
        return list(self._faults)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Return the names of the speakers by number; empty if the corpus names no speaker.

        Raises:
            InputError: the corpus cannot be used; the message names the file or the row.
        """
        _ = self._utterances
        return self._speakers

    def split(self) -> Split:
        """Return the utterances of "train", "val" and "test"; the last two may be empty.

        Raises:
            InputError: the corpus cannot be used, or nothing is left to train on.
        """
        split = self._split() if self.held_out is None else self._hold_out(str(self.held_out))
        if not split["train"]:
            raise InputError(
                f"{self.root}: none of the {len(self._utterances)} utterance(s) is left to train "
                "on; add recordings, or lower data.val_fraction"
            )
        return split

    def fingerprint(self) -> str:
        """Return 12 hexadecimal digits that identify ids, texts and speakers in any folder."""
        digest = hashlib.sha256()
        for utterance in sorted(self._utterances, key=lambda utterance: utterance.id):
            row = [utterance.id, utterance.text, utterance.speaker]
            digest.update(json.dumps(row).encode())
        return digest.hexdigest()[:12]

    def _hold_out(self, held_out: str) -> Split:
        test = held_out_ids("shipped") if held_out == "choosing" else frozenset()
        split = split_by_ids(self._utterances, held_out_ids(held_out), test)
        if not split["val"]:
            raise InputError(
                f"data.held_out={held_out}: none of these ids is in {self.root}; check the file"
            )
        return split

    def _split(self) -> Split:
        return hash_split(self._utterances, self.val_fraction, self.test_fraction)

    @cached_property
    def _utterances(self) -> list[Utterance]:
        return self._read()

    def _read(self) -> list[Utterance]:
        unsorted: Faults = []
        rows = self._read_rows(unsorted)
        faults = sort_faults(unsorted)
        if faults and self.on_error == "raise":
            more = f" (and {len(faults) - 1} more; data.on_error=skip leaves such rows out)"
            raise InputError(f"{faults[0]}{more if len(faults) > 1 else ''}")
        if not rows:
            raise InputError(f"{self.root}: no row can be used, first {faults[0]}")
        refuse_equal_ids(rows)
        rows = self._choose_speakers(rows)
        self._speakers, self._faults = sorted_speakers(rows), faults
        self._check_speakers()
        numbers = {name: number for number, name in enumerate(self._speakers)}
        return [
            Utterance(row.id, Path(row.wav), row.text, row.where, numbers.get(row.speaker, 0))
            for row in rows
        ]

    def _choose_speakers(self, rows: list[ManifestRow]) -> list[ManifestRow]:
        if self.only_speakers is None:
            return rows
        speakers = {row.speaker for row in rows}
        if missing := [name for name in self.only_speakers if name not in speakers]:
            known = listed(list(sorted_speakers(rows)), 10) or "none with a name"
            raise InputError(
                f"data.only_speakers: there is no {missing[0]!r} in {self.root}; there are {known}"
            )
        return [row for row in rows if row.speaker in self.only_speakers]

    def _check_speakers(self) -> None:
        n_speakers = max(len(self._speakers), 1)
        if self.n_speakers not in (None, n_speakers):
            raise InputError(
                f"data.n_speakers={self.n_speakers}: {self.root} has {n_speakers} speaker(s); set "
                f"data.n_speakers={n_speakers}"
                + (", or choose some with data.only_speakers=[...]" if n_speakers > 1 else "")
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.root)!r})"


class FolderCorpus(Corpus):
    """Takes its name from its folder, unless ``corpus.json`` in the folder states another."""

    @property
    def name(self) -> str:
        """Return the name in ``corpus.json``, or else the name of the folder."""
        return described_name(self.root) or self.root.resolve().name


def sorted_speakers(rows: Sequence[ManifestRow]) -> tuple[str, ...]:
    """Return the names of the speakers in the order of their numbers.

    Names are sorted as text; if all of them are whole numbers, by size.
    """
    names = {row.speaker for row in rows if row.speaker}
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def refuse_equal_ids(rows: Sequence[ManifestRow]) -> None:
    """Refuse two rows of one id, which the reader of the manifest should not have returned.

    Raises:
        InputError: there are some; the message names the first two.
    """
    first: dict[str, ManifestRow] = {}
    for row in rows:
        if (other := first.setdefault(row.id, row)) is not row:
            raise InputError(
                f"{row.where}: {row.id!r} is the id of {other.where}, too; rename one recording, "
                "or one part of a joined corpus"
            )


def sort_faults(faults: Faults) -> Faults:
    """Sort the faults of each file by line; files stay in the order of their first fault."""
    places = [match.groups() if (match := _PLACE.match(fault)) else (fault, 0) for fault in faults]
    files = {file: number for number, (file, _) in reversed(list(enumerate(places)))}
    keys = [(files[file], int(line)) for file, line in places]
    return [faults[i] for i in sorted(range(len(faults)), key=keys.__getitem__)]


def described_name(root: Path) -> str | None:
    """Return the name that ``corpus.json`` in a folder states; None if there is none."""
    try:
        name = json.loads((root / DESCRIPTION).read_text(encoding="utf-8")).get("name")
    except (OSError, ValueError, AttributeError):
        return None
    return name if isinstance(name, str) else None


def require_folder(root: Path, hint: str) -> None:
    """Refuse a folder that does not exist.

    Raises:
        InputError: there is no such folder; the message ends with the hint.
    """
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder; {hint}")
