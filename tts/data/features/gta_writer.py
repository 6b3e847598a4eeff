"""Computes the mels that an acoustic model predicts for a corpus, and stores the missing ones.

The network is not part of this module: the caller passes a function that predicts a batch.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts.core.errors import InputError
from tts.core.files import atomic_writer
from tts.core.locks import wait_for_lock
from tts.core.progress import progress
from tts.data.features.corpus_table import Rows
from tts.data.features.gta import (
    DISTANCE_SCALE,
    GTA_FORMAT,
    AcousticModel,
    GtaMels,
    dropout_seed,
    entry_keys,
    gta_shards,
)
from tts.data.features.prepared import Prepared
from tts.data.features.prepared_folder import LOCAL
from tts.data.features.shards import ShardWriter
from tts.data.features.tokens import TokenTable

if TYPE_CHECKING:
    from rich.table import Table

#: Predicts the mels of a batch, given symbol ids, mels of the recordings, seeds and voices, as
#: ``tts.inference.teacher_forcing.teacher_forced`` does.
Predict = Callable[[list[Tensor], list[Tensor], list[int], list[int]], list[Tensor]]


@dataclass
class GtaReport:
    """Says which predicted mels there are, and what was computed now.

    Attributes:
        corpus: name of the corpus.
        acoustic: the checkpoint.
        folder: where the mels are.
        left_out: the recordings without a mel: file, line and fault.
        utterances: number of utterances that have a mel.
        frames: number of their frames.
        distance: mean absolute difference to the mels of the recordings.
        n_computed: number of mels that were computed now.
        seconds: duration of that.
    """

    corpus: str
    acoustic: str
    folder: str
    left_out: list[str] = field(default_factory=list)
    utterances: int = 0
    frames: int = 0
    distance: float = 0.0
    n_computed: int = 0
    seconds: float = 0.0

    def faults(self) -> list[str]:
        """Return what was left out."""
        return self.left_out

    def table(self) -> Table:
        """Return the report as a table for the terminal."""
        from rich.table import Table

        table = Table(title=self.corpus, show_header=False, title_justify="left")
        table.add_row("acoustic", self.acoustic)
        table.add_row("utterances", str(self.utterances))
        table.add_row("frames", str(self.frames))
        table.add_row("mean distance to the recordings", f"{self.distance:.3f} (log-mels)")
        table.add_row("left out", str(len(self.left_out)))
        table.add_row("computed", str(self.n_computed))
        table.add_row("as before", str(self.utterances - self.n_computed))
        table.add_row("took", f"{self.seconds:.1f} s")
        table.add_row("folder", self.folder)
        return table


def batches_by_length(
    rows: Rows, frames: NDArray[np.int64], batch_size: int
) -> Iterator[list[int]]:
    """Yield rows of similar length, the longest first: too little memory shows at once.

    Args:
        rows: rows of a corpus.
        frames: number of frames of each row of the corpus.
        batch_size: number of rows in a batch.
    """
    longest_first = rows[np.argsort(-frames[rows], kind="stable")].tolist()
    for start in range(0, len(longest_first), batch_size):
        yield longest_first[start : start + batch_size]


class GtaWriter:
    """Computes and stores the mels of an acoustic model that are missing.

    Args:
        acoustic: the acoustic model.
        prepared: the corpus, with mels.
        tokens: its texts, as the acoustic model reads them.

    Raises:
        InputError: the corpus has a speaker whom the acoustic model does not know.
    """

    def __init__(self, acoustic: AcousticModel, prepared: Prepared, tokens: TokenTable) -> None:
        self.acoustic, self.prepared, self.tokens = acoustic, prepared, tokens
        self._keys = entry_keys(prepared, acoustic)
        self._voices = acoustic.voices(prepared.table.about["speakers"])
        self._frames = prepared.table.rows["frames"].astype(np.int64)

    def run(self, predict: Predict, batch_size: int, left_out: Sequence[str] = ()) -> GtaReport:
        """Compute and store the mels that are missing, and return a report.

        The batches are those of the whole corpus, however many of its mels are stored: the rounding
        of a mel depends on the rest of its batch, and a command that resumes after a kill has to
        end with the same bytes.

        Args:
            predict: the acoustic model with teacher forcing.
            batch_size: number of utterances that are computed together.
            left_out: what the preparation of the corpus has left out, for the report.

        Raises:
            InputError: the folder cannot be written, or a predicted mel is not finite.
        """
        begin = time.perf_counter()
        corpus, shards = self.prepared.name, gta_shards(self.prepared, self.acoustic)
        lock = shards.folder / LOCAL / f"{shards.name}.lock"
        lock.parent.mkdir(exist_ok=True)
        n_computed = 0
        with wait_for_lock(lock, f"mels of {corpus}"), shards.writing() as writer:
            with atomic_writer(shards.folder / f"{shards.name}.json") as file:
                about = {"format": GTA_FORMAT, "acoustic": self.acoustic.path.rsplit("/")[-1]}
                file.write(f"{json.dumps(about)}\n".encode())
            readable = self.tokens.readable(np.arange(len(self.prepared)))
            all_batches = batches_by_length(readable, self._frames, batch_size)
            batches = [b for b in all_batches if self._missing(b, writer)]
            total = sum(int(self._frames[batch].sum()) for batch in batches)
            with progress(f"predicting the mels of {corpus}", total) as advance:
                for batch in batches:
                    n_computed += self._store(batch, predict, writer)
                    advance(int(self._frames[batch].sum()))
        seconds = time.perf_counter() - begin
        mels = GtaMels(self.prepared, self.acoustic)
        stored = mels.entries >= 0
        return GtaReport(
            corpus,
            self.acoustic.path,
            str(shards.folder),
            list(left_out),
            utterances=int(stored.sum()),
            frames=int(self._frames[stored].sum()),
            distance=mels.distance(),
            n_computed=n_computed,
            seconds=seconds,
        )

    def _missing(self, batch: Sequence[int], writer: ShardWriter) -> list[int]:
        return [row for row in batch if self._keys[row] not in writer]

    def _store(self, batch: Sequence[int], predict: Predict, writer: ShardWriter) -> int:
        """Compute a batch, store the mels that are missing, and return their number."""
        missing = set(self._missing(batch, writer))
        targets = [self.prepared.mel(row) for row in batch]
        speakers = self.prepared.table.rows["speaker"]
        mels = predict(
            [torch.from_numpy(self.tokens[row]) for row in batch],
            targets,
            [dropout_seed(self._keys[row]) for row in batch],
            [self._voices[int(speakers[row])] for row in batch],
        )
        for row, mel, target in zip(batch, mels, targets, strict=True):
            if row not in missing:
                continue
            distance = float((mel - target).abs().mean())
            if not math.isfinite(distance):
                where = self.prepared.table.string(row, "where")
                raise InputError(f"{where}: the mel that the acoustic model predicts is not finite")
            writer.add(self._keys[row], mel.numpy(), round(DISTANCE_SCALE * distance))
        return len(missing)
