"""Computes how long each symbol of a corpus lasts, and writes arrays, TextGrids and a summary.

The network is not part of this module: the caller passes a function that gives the attention of a
batch.

Shapes: ``T_mel`` frames, ``T_text`` symbols.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts.audio.timings import textgrid
from tts.core.errors import listed
from tts.core.files import atomic_writer
from tts.core.locks import wait_for_lock
from tts.core.progress import progress
from tts.data.features.gta import dropout_seed, entry_keys
from tts.data.features.gta_writer import batches_by_length
from tts.inference.marks import Mark, marks, seconds_of
from tts.metrics import alignment_health
from tts.metrics.durations import path_agreement, path_attention, symbol_durations
from tts.metrics.word_edges import Edges, frame_levels, heard_edges
from tts.text.symbols import without_prefix
from tts.text.written_words import WrittenWord, written_words
from tts.training.duration_summary import (
    DurationRow,
    append_rows,
    problems,
    read_summary,
    write_summary,
)
from tts.training.recorded_corpus import RecordedCorpus

if TYPE_CHECKING:
    from rich.table import Table

#: Gives the attention ``(T_mel, T_text)`` of a batch, given symbol ids, mels of the recordings,
#: seeds and voices, as ``tts.inference.teacher_forcing.forced_alignments`` does.
Attend = Callable[[list[Tensor], list[Tensor], list[int], list[int]], list[Tensor]]

#: Increased whenever the meaning of the files changes.
DURATION_FORMAT = 1


@dataclass
class DurationReport:
    """Says which durations there are, and what was computed now.

    Attributes:
        corpus: name of the corpus.
        acoustic: the checkpoint.
        folder: where the files are.
        left_out: the recordings without durations: file, line and fault.
        rows: the lines of the summary by recording.
        n_computed: number of recordings that were computed now.
        seconds: duration of that.
    """

    corpus: str
    acoustic: str
    folder: str
    left_out: list[str] = field(default_factory=list)
    rows: dict[str, DurationRow] = field(default_factory=dict)
    n_computed: int = 0
    seconds: float = 0.0

    def faults(self) -> list[str]:
        """Return what was left out."""
        return self.left_out

    def table(self) -> Table:
        """Return the report as a table for the terminal."""
        from rich.table import Table

        rows, bad = list(self.rows.values()), problems(self.rows)
        frames = np.array([row.frames for row in rows])
        table = Table(title=self.corpus, show_header=False, title_justify="left")
        table.add_row("acoustic", self.acoustic)
        table.add_row("utterances", str(len(rows)))
        table.add_row("frames", str(frames.sum()))
        for title, values in (
            ("frames that disagree", [row.disagreement for row in rows]),
            ("attention on the path", [row.attention for row in rows]),
        ):
            table.add_row(title, f"{np.average(values, weights=frames):.1%}" if rows else "")
        table.add_row("bad alignments", f"{len(bad)}: {listed(bad, 5)}" if bad else "0")
        table.add_row("left out", str(len(self.left_out)))
        table.add_row("computed", str(self.n_computed))
        table.add_row("as before", str(len(rows) - self.n_computed))
        table.add_row("took", f"{self.seconds:.1f} s")
        table.add_row("folder", self.folder)
        return table


class DurationWriter:
    """Computes and writes the durations that are missing.

    Args:
        corpus: the acoustic model and its corpus.
        folder: where the files are written.

    Raises:
        InputError: the corpus has a speaker whom the acoustic model does not know.
    """

    def __init__(self, corpus: RecordedCorpus, folder: Path) -> None:
        self.corpus, self.folder = corpus, folder
        prepared, acoustic = corpus.prepared, corpus.acoustic
        self._entries = entry_keys(prepared, acoustic)
        self._voices = acoustic.voices(prepared.table.about["speakers"])
        self._frames = prepared.table.rows["frames"].astype(np.int64)
        self._names = list(prepared.table.column("name"))

    def run(self, attend: Attend) -> DurationReport:
        """Compute and write the durations that are missing, and return a report.

        Args:
            attend: the acoustic model with teacher forcing.

        Raises:
            InputError: the folder cannot be written, or holds durations of another corpus.
        """
        begin = time.perf_counter()
        corpus = self.corpus
        self.folder.mkdir(parents=True, exist_ok=True)
        with wait_for_lock(self.folder / ".lock", f"durations of {corpus.prepared.name}"):
            rows = self._finished()
            write_summary(self.folder, rows.values())
            n_before = len(rows)
            self._compute(attend, rows)
            rows = {name: rows[name] for name in self._names if name in rows}
            write_summary(self.folder, rows.values())
        return DurationReport(
            corpus.prepared.name,
            corpus.acoustic.path,
            str(self.folder),
            list(corpus.left_out),
            rows,
            n_computed=len(rows) - n_before,
            seconds=time.perf_counter() - begin,
        )

    def _compute(self, attend: Attend, rows: dict[str, DurationRow]) -> None:
        """Add what is missing to the rows, batch by batch."""
        readable = self.corpus.tokens.readable(np.arange(len(self._names)))
        batches = [
            (batch, missing)
            for batch in batches_by_length(readable, self._frames, self.corpus.batch_size)
            if (missing := [row for row in batch if self._names[row] not in rows])
        ]
        total = sum(int(self._frames[batch].sum()) for batch, _ in batches)
        with progress(f"aligning {self.corpus.prepared.name}", total) as advance:
            for batch, missing in batches:
                # the whole batch, so that a command that resumes ends with the same figures
                alignments = dict(zip(batch, self._attend(attend, batch), strict=True))
                found = [self._write(row, alignments[row]) for row in missing]
                append_rows(self.folder, found)
                rows.update((row.id, row) for row in found)
                advance(int(self._frames[batch].sum()))

    def _attend(self, attend: Attend, batch: Sequence[int]) -> list[Tensor]:
        speakers = self.corpus.prepared.table.rows["speaker"]
        return attend(
            [torch.from_numpy(self.corpus.tokens[row]) for row in batch],
            [self.corpus.prepared.mel(row) for row in batch],
            [dropout_seed(self._entries[row]) for row in batch],
            [self._voices[int(speakers[row])] for row in batch],
        )

    def _write(self, row: int, alignment: Tensor) -> DurationRow:
        """Write the files of a recording and return its line of the summary."""
        prepared, tokenizer = self.corpus.prepared, self.corpus.acoustic.tokenizer
        symbols = [tokenizer.symbols[i] for i in self.corpus.tokens[row].tolist()]
        words = written_words(prepared.table.string(row, "text"), tokenizer)
        path = symbol_durations(alignment)
        levels = frame_levels(prepared.mel(row))
        edges = heard_edges(path, symbols, [(word.first, word.last) for word in words], levels)
        n_frames, name = len(alignment), self._names[row]
        with atomic_writer(self.folder / f"{name}.npy") as file:
            np.save(file, _durations(edges, n_frames))
        mel, seconds = prepared.contract.mel, float(prepared.seconds(np.array([row]))[0])
        times = seconds_of(edges, n_frames, mel.hop_length / mel.sample_rate, seconds)
        with atomic_writer(self.folder / f"{name}.TextGrid") as file:
            file.write(_textgrid(symbols, words, times, seconds).encode())
        return DurationRow(
            name,
            n_frames,
            len(symbols),
            round(1 - path_agreement(alignment, path), 4),
            round(path_attention(alignment, path), 4),
            _problem(alignment),
            self._key(row),
        )

    def _finished(self) -> dict[str, DurationRow]:
        """Return the rows whose recordings are unchanged and whose files are there."""
        numbers = {name: row for row, name in enumerate(self._names)}
        return {
            name: row
            for name, row in read_summary(self.folder, numbers).items()
            if row.key == self._key(numbers[name])
            and all((self.folder / f"{name}.{end}").is_file() for end in ("npy", "TextGrid"))
        }

    def _key(self, row: int) -> str:
        return f"{DURATION_FORMAT}-{self.corpus.acoustic.key}-{self._entries[row].hex()}"


def _durations(edges: Edges, n_frames: int) -> NDArray[np.int64]:
    """Return ``(T_text,)`` frames; silence around the words goes to the first and last symbol."""
    edges = edges.copy()
    edges[0], edges[-1] = 0, n_frames
    return np.diff(edges)


def _textgrid(
    symbols: Sequence[str], words: Sequence[WrittenWord], times: Sequence[float], seconds: float
) -> str:
    spans = [(word.word, word.first, word.last) for word in words]
    phones = [(without_prefix(symbol), n, n) for n, symbol in enumerate(symbols)]
    tiers: list[tuple[str, tuple[Mark, ...]]] = [
        (name, marks(found, times, 0.0)) for name, found in (("words", spans), ("phones", phones))
    ]
    return textgrid(tiers, seconds)


def _problem(alignment: Tensor) -> str:
    n_frames, n_symbols = alignment.shape
    if n_frames < n_symbols:
        return "fewer frames than symbols"
    return "" if alignment_health(alignment).follows_text else "attention does not follow the text"
