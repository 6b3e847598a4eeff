"""Reads a prepared corpus by row: mels, samples and the facts of each utterance.

A checksum tells when a disk or another program has damaged a mel, which is then computed again.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts.audio import LogMel
from tts.audio.channels import to_mono
from tts.audio.pcm import Waveform, to_float
from tts.core.errors import InputError, one_line
from tts.data.corpora.manifest import Utterance
from tts.data.features.contract import compute_mel
from tts.data.features.corpus_table import CorpusTable, Rows
from tts.data.features.prepared_folder import mel_shards, read_header, wave_shards
from tts.data.features.shards import DamagedError

_log = logging.getLogger(__name__)


class Prepared:
    """Gives access to the rows of a prepared corpus.

    Args:
        folder: the prepared folder.
        corpus: name of the table in it.
        sources: the utterance of each row. Its recording is read where nothing is stored, or where
            a stored mel is damaged.

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
        #: holds the symbol ids: another folder if this one cannot be written
        self.token_folder = folder
        self._mels, self._waves = mel_shards(folder), wave_shards(folder)
        self._has_warned = False
        for shards, column in ((self._mels, "mel"), (self._waves, "wave")):
            if int(self.table.rows[column].max()) >= len(shards) or not shards.is_whole():
                raise InputError(f"{folder}: {shards.name} are damaged; delete the folder")

    def __len__(self) -> int:
        return len(self.table)

    @property
    def name(self) -> str:
        """Return the name of the corpus."""
        return str(self.table.about["name"])

    @property
    def rate(self) -> int:
        """Return the rate of the samples in Hz."""
        return self.contract.mel.sample_rate

    @property
    def has_mels(self) -> bool:
        """Return whether every utterance has a mel."""
        return bool(self.table.rows["mel"].min() >= 0)

    @property
    def has_waves(self) -> bool:
        """Return whether every utterance has samples, here or in its recording."""
        return self.sources is not None or bool(self.table.rows["wave"].min() >= 0)

    def part(self, name: str) -> Rows:
        """Return the rows of "train", "val" or "test"."""
        return self.table.part(name)

    def seconds(self, rows: Rows) -> NDArray[np.float64]:
        """Return the duration of some rows in seconds."""
        return np.asarray(self.table.rows["samples"][rows] / self.rate, dtype=np.float64)

    def mel(self, row: int) -> Tensor:
        """Return the mel ``(n_mels, T_mel)`` of an utterance.

        Raises:
            InputError: it is damaged and cannot be computed again.
        """
        entry = int(self.table.rows["mel"][row])
        try:
            flat = self._mels.read(entry)
        except (DamagedError, OSError):
            flat = self._compute_again(row, entry)
        return torch.from_numpy(flat.reshape(self.contract.mel.n_mels, -1))

    def wave(self, row: int, start: int, count: int) -> Waveform:
        """Return up to ``count`` samples of an utterance, in [-1, 1], from ``start`` on.

        Raises:
            InputError: the samples or the recording cannot be read any more.
        """
        entry = int(self.table.rows["wave"][row])
        if entry < 0:
            return self._read_recording(row, start, count)
        try:
            return to_float(self._waves.read_part(entry, start, count))
        except OSError as error:
            path = self._waves.path(int(self._waves.records["shard"][entry]))
            raise InputError(f"{path}: cannot be read any more ({error.strerror})") from None

    def whole_wave(self, row: int) -> Waveform:
        """Return all samples of an utterance, whether they are stored or not.

        Raises:
            InputError: the samples or the recording cannot be read any more.
        """
        if self.table.rows["wave"][row] < 0:
            return self.contract.samples(self._source(row, "there are no samples of {}").wav)[0]
        return self.wave(row, 0, int(self.table.rows["samples"][row]))

    def _read_recording(self, row: int, start: int, count: int) -> Waveform:
        import soundfile

        path = self._source(row, "there are no samples of {}").wav
        try:
            samples, _ = soundfile.read(path, count, start, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            # the text of soundfile begins with the path, which this message already names
            reason = one_line(error).split("': ")[-1]
            if not path.exists():
                reason = "it is gone"
            raise InputError(f"{path}: cannot be read any more ({reason})") from None
        return to_mono(samples, self.contract.processing.mono)

    def _source(self, row: int, problem: str) -> Utterance:
        if self.sources is None:
            problem = problem.format(repr(self.table.string(row, "name")))
            raise InputError(
                f"{self.folder}: {problem}; prepare the corpus again from its recordings"
            )
        return self.sources[row]

    def _compute_again(self, row: int, entry: int) -> NDArray[Any]:
        """Compute a damaged mel again, and write it to its place where that is possible."""
        if int(self.table.rows["wave"][row]) >= 0:
            path, samples = self.folder, self.whole_wave(row)
        else:
            path = self._source(row, "the mel of {} is damaged").wav
            samples, _ = self.contract.samples(path)
        flat = compute_mel(samples, LogMel(self.contract.mel)).ravel()
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
