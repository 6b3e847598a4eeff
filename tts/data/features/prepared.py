"""``Prepared``: a corpus as it was prepared, read by row.

A prepared folder has the mels and waves of recordings by the hash of their files (``Shards``), the
ids of texts by the hash of the texts, and for each corpus a ``CorpusTable`` that says which belong
together. The same folder is the cache of a training and what ``python -m tts.data.prepare`` makes:

    prepared.json                    the contract
    mels.index, mels-00000.float32   log-mels
    waves.index, waves-00000.int16   samples, where they are kept
    tokens-KEY.index, ...            ids, for each tokenizer
    corpus-KEY/                      the utterances of one corpus
    .local/                          what only this machine knows; may be deleted

A checksum tells when a disk or another programme has spoilt a mel: it is then computed again.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tts.audio import LogMel
from tts.audio.pcm import Waveform, to_float
from tts.core.errors import InputError, one_line
from tts.data.corpora.manifest import Utterance
from tts.data.features.contract import Contract, mel_of
from tts.data.features.shards import DamagedError, Shards
from tts.data.features.table import CorpusTable, Rows

_log = logging.getLogger(__name__)

HEADER, LOCAL, CORPUS = "prepared.json", ".local", "corpus-"


def mel_shards(folder: Path) -> Shards:
    """The mels of a prepared folder."""
    return Shards(folder, "mels", np.float32)


def wave_shards(folder: Path) -> Shards:
    """The samples of a prepared folder."""
    return Shards(folder, "waves", np.int16)


class Prepared:
    """A prepared corpus.

    Args:
        folder: the prepared folder.
        corpus: name of the table in it.
        sources: the utterance of each row, whose recordings are read where nothing is stored, or
            what is stored is damaged.

    Raises:
        InputError: the folder or the table is damaged.
    """

    def __init__(
        self, folder: Path, corpus: str, sources: Sequence[Utterance] | None = None
    ) -> None:
        self.folder = folder
        self.contract = read_header(folder)
        self.table = CorpusTable(folder / corpus)
        self.sources = sources
        #: where symbol ids are: here, unless the folder cannot be written
        self.token_folder = folder
        self._mels, self._waves = mel_shards(folder), wave_shards(folder)
        self._n_mels = self.contract.mel.n_mels
        self._has_warned = False
        for shards, field in ((self._mels, "mel"), (self._waves, "wave")):
            if int(self.table.rows[field].max()) >= len(shards) or not shards.is_whole():
                raise InputError(f"{folder}: {shards.name} are damaged; delete the folder")

    def __len__(self) -> int:
        return len(self.table)

    @property
    def name(self) -> str:
        """Of the corpus."""
        return str(self.table.about["name"])

    @property
    def rate(self) -> int:
        """Of the samples, Hz."""
        return self.contract.mel.sample_rate

    @property
    def has_mels(self) -> bool:
        """Whether every utterance has a mel."""
        return bool(self.table.rows["mel"].min() >= 0)

    @property
    def has_waves(self) -> bool:
        """Whether every utterance has samples, here or in its recording."""
        return self.sources is not None or bool(self.table.rows["wave"].min() >= 0)

    def part(self, name: str) -> Rows:
        """The rows of "train", "val" or "test"."""
        return self.table.part(name)

    def seconds(self, rows: Rows) -> np.ndarray[Any, np.dtype[np.float64]]:
        """How long they last."""
        return np.asarray(self.table.rows["samples"][rows] / self.rate, dtype=np.float64)

    def mel(self, row: int) -> Tensor:
        """A copy of the mel of an utterance, ``(n_mels, T_mel)``.

        Raises:
            InputError: it is damaged, and cannot be computed again.
        """
        entry = int(self.table.rows["mel"][row])
        try:
            flat = self._mels.read(entry)
        except (DamagedError, OSError):
            flat = self._computed_again(row, entry)
        return torch.from_numpy(flat.reshape(self._n_mels, -1))

    def wave(self, row: int, start: int, count: int) -> Waveform:
        """Up to ``count`` samples of an utterance, in [-1, 1].

        Raises:
            InputError: the recording cannot be read any more.
        """
        entry = int(self.table.rows["wave"][row])
        if entry < 0:
            return self._from_recording(row, start, count)
        try:
            return to_float(self._waves.slice(entry, start, count))
        except OSError as error:
            path = self._waves.path(int(self._waves.records["shard"][entry]))
            raise InputError(f"{path}: cannot be read any more ({error.strerror})") from None

    def whole_wave(self, row: int) -> Waveform:
        """All samples of an utterance, whether they are stored or not.

        Raises:
            InputError: the recording cannot be read any more.
        """
        if self.table.rows["wave"][row] < 0:
            return self.contract.samples(self._source(row, "there are no samples of").wav)[0]
        return self.wave(row, 0, int(self.table.rows["samples"][row]))

    def _from_recording(self, row: int, start: int, count: int) -> Waveform:
        import soundfile

        path = self._source(row, "there are no samples of").wav
        try:
            samples: Waveform
            samples, _ = soundfile.read(path, count, start, dtype="float32")
        except soundfile.SoundFileError as error:
            # soundfile's text begins with the path, which a message has once
            reason = one_line(error).split("': ")[-1]
            if not path.exists():
                reason = "it is gone"
            raise InputError(f"{path}: cannot be read any more ({reason})") from None
        return samples

    def _source(self, row: int, trouble: str) -> Utterance:
        if self.sources is None:
            name = self.table.string(row, "name")
            raise InputError(
                f"{self.folder}: {trouble} {name!r}; prepare the corpus again from its recordings"
            )
        return self.sources[row]

    def _computed_again(self, row: int, entry: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Compute a damaged mel again, and put it where it belongs."""
        stored = int(self.table.rows["wave"][row]) >= 0
        if stored:
            path, samples = self.folder, self.whole_wave(row)
        else:
            path = self._source(row, "damaged is the mel of").wav
            samples, _ = self.contract.samples(path)
        flat = mel_of(samples, LogMel(self.contract.mel)).ravel()
        if len(flat) != self._mels.records["length"][entry]:
            raise InputError(f"{path}: has changed since its mel was computed; run again")
        if not self._has_warned:
            place = self._mels.path(int(self._mels.records["shard"][entry]))
            name = self.table.string(row, "name")
            _log.warning("%s: the mel of %r is damaged, computing such mels again", place, name)
            self._has_warned = True
        with contextlib.suppress(OSError):
            self._mels.repair(entry, flat)
        return flat


def read_header(folder: Path) -> Contract:
    """The contract of a prepared folder.

    Raises:
        InputError: the folder is none.
    """
    try:
        return Contract.from_dict(json.loads((folder / HEADER).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = error if isinstance(error, InputError) else f"no sound {HEADER} in it"
        raise InputError(f"{folder}: not a prepared folder: {reason}") from None
