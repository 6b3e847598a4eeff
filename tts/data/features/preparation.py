"""Prepares a corpus: reads recordings and texts, and stores what is not stored yet.

Recordings are read in parallel. Their features are written in the order of the corpus, each one as
soon as all earlier ones are written. A killed process therefore loses only the recordings that
its threads are computing, one each, and the next process ends with the same bytes as without the
kill. One process prepares a folder at a time; others wait for it and then find the work done.

Threads are enough: decoding, hashing, resampling and the transform all release Python's global
lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tts.core.errors import InputError
from tts.core.files import atomic_writer, remove_leftovers_in
from tts.core.locks import wait_for_lock
from tts.core.parallel import n_cores, ordered_map
from tts.core.progress import progress
from tts.core.threads import torch_threads
from tts.data.corpora.corpus import Corpus
from tts.data.corpora.manifest import OnError, Utterance
from tts.data.features.contract import Contract
from tts.data.features.corpus_table import PARTS, CorpusTable, table_files
from tts.data.features.extract import FeatureExtractor, FeatureRequest, FeatureResult
from tts.data.features.preparation_report import PreparationReport
from tts.data.features.prepared import Prepared
from tts.data.features.prepared_folder import (
    CORPUS,
    LOCAL,
    claim,
    has_contract,
    mel_shards,
    wave_shards,
    write_table,
)
from tts.data.features.recording_index import IndexedFile, RecordingIndex
from tts.data.features.recordings import check_rates, make_cache
from tts.data.features.tokens import encode_texts, make_tokens
from tts.text import Tokenizer

_log = logging.getLogger(__name__)

# Entries of the recordings that could be read, by the id of the utterance.
Files = dict[str, IndexedFile]


class Preparation:
    """Prepares corpora in one folder, under one contract.

    Args:
        folder: the prepared folder; made if missing.
        contract: what is stored in it.
        mels: whether mels are needed.
        waves: whether segments of samples are needed; None: if mels are not.
        tokenizer: reads the texts, if they are needed.
        resample: accept recordings at another rate.
        max_seconds: longest recording of the training; those that are far longer are left out.
        on_error: "raise", or "skip" to continue without the recordings and texts that cannot be
            read.
        verify: read every recording again, to find changes that keep a file's size and date.
        workers: number of threads; one for each core by default.
    """

    def __init__(
        self,
        folder: Path,
        contract: Contract,
        *,
        mels: bool = True,
        waves: bool | None = None,
        tokenizer: Tokenizer | None = None,
        resample: bool = False,
        max_seconds: float | None = None,
        on_error: OnError = "raise",
        verify: bool = False,
        workers: int | None = None,
    ) -> None:
        self.folder, self.contract = folder, contract
        waves = not mels if waves is None else waves
        mels = mels or contract.complete
        self.request = FeatureRequest(contract, mels, waves, resample, max_seconds)
        self.tokenizer = tokenizer
        self.on_error, self.verify = on_error, verify
        self.workers = workers or n_cores()

    def run(self, corpus: Corpus) -> tuple[Prepared, PreparationReport]:
        """Prepare a corpus, computing only what is not stored yet.

        Raises:
            InputError: the message names the file, the row or the setting at fault.
        """
        begin = time.perf_counter()
        self.contract.processing.check()
        make_cache(self.folder / LOCAL)
        report = PreparationReport(
            corpus.name, str(self.folder), corpus.faults(), cores=self.workers
        )
        if (prepared := self._open_if_complete(corpus, self._read_index(), report)) is None:
            with wait_for_lock(self.folder / LOCAL / "lock", f"preparing {corpus.name}"):
                # earlier releases made temporary folders next to the prepared one
                for folder in (self.folder, self.folder.parent):
                    remove_leftovers_in(folder)
                claim(self.folder, self.contract)
                # read once more: another process may have prepared the corpus meanwhile
                index = self._read_index()
                prepared = self._open_if_complete(corpus, index, report)
                prepared = prepared or self._prepare(corpus, index, report)
        self._note_table(corpus, prepared.table.folder.name)
        if self.tokenizer:
            tokens = make_tokens(prepared, self.tokenizer, self.on_error)
            report.left_out += tokens.unreadable
        report.describe(prepared)
        if report.resampled:
            _log.warning("resampling to %d Hz: %s", prepared.rate, report.resampling())
        report.seconds = time.perf_counter() - begin
        return prepared, report

    def open(self, corpus: Corpus) -> Prepared:
        """Open what another process of this run has prepared, without a look at the recordings.

        Raises:
            InputError: the message names the file, the row or the setting at fault.
        """
        with contextlib.suppress(OSError, InputError):  # not prepared, or damaged since
            name = self._note(corpus).read_text(encoding="utf-8").strip()
            kept = set(CorpusTable(self.folder / name).column("name"))
            sources = [utterance for utterance in corpus.utterances() if utterance.id in kept]
            return Prepared(self.folder, name, sources)
        return self.run(corpus)[0]

    def _read_index(self) -> RecordingIndex:
        return RecordingIndex(self.folder / LOCAL / "seen.jsonl")

    def _open_if_complete(
        self, corpus: Corpus, index: RecordingIndex, report: PreparationReport
    ) -> Prepared | None:
        """Open the corpus if all its recordings are known and their features stored."""
        if self.verify or not has_contract(self.folder, self.contract):
            return None
        utterances = corpus.utterances()
        files: Files = {}
        for utterance in utterances:
            if (file := index.find(utterance.wav)) is None:
                return None
            files[utterance.id] = file
        self._check_rates(utterances, files)
        try:
            name, _ = self._table(corpus, utterances, files)
            prepared = Prepared(self.folder, name, utterances)
        except (KeyError, InputError):
            return None  # a feature is not stored yet, or the folder is damaged
        report.n_reused = len(utterances)
        return prepared

    def _prepare(
        self, corpus: Corpus, index: RecordingIndex, report: PreparationReport
    ) -> Prepared:
        utterances = corpus.utterances()
        if self.tokenizer:
            # before the mels: a text that cannot be read should not cost their computation
            texts = [(utterance.where, utterance.text) for utterance in utterances]
            encode_texts(self.folder, corpus.name, texts, self.tokenizer, self.on_error)
        files = self._read_recordings(corpus.name, utterances, index, report)
        kept = [utterance for utterance in utterances if utterance.id in files]
        self._check_rates(kept, files)
        name, table = self._table(corpus, kept, files)
        write_table(self.folder, name, table)
        if self.contract.complete:
            # a folder that needs no recordings holds one corpus, as it is now
            for other in self.folder.glob(f"{CORPUS}*"):
                if other.name != name:
                    shutil.rmtree(other, ignore_errors=True)
        return Prepared(self.folder, name, kept)

    def _read_recordings(
        self,
        name: str,
        utterances: Sequence[Utterance],
        index: RecordingIndex,
        report: PreparationReport,
    ) -> Files:
        """Read the recordings that are not known, and store the features that are missing."""
        files: Files = {}
        n_faults = len(report.left_out)
        with (
            mel_shards(self.folder).writing() as mels,
            wave_shards(self.folder).writing() as waves,
            index.writing(),
            # inside our threads, more threads of torch cost more than they give
            torch_threads(1),
        ):
            if n_lost := mels.n_lost + waves.n_lost:
                _log.warning("%s: %d entries are damaged; computing them again", name, n_lost)
            extractor = FeatureExtractor(self.request, index, mels, waves)
            new = []
            for utterance in utterances:
                file = None if self.verify else index.find(utterance.wav)
                if file is None or any(extractor.missing(file)):
                    new.append(utterance)
                else:
                    files[utterance.id] = file
            report.n_reused = len(files)
            for utterance, result in self._extract(name, new, extractor):
                if result.file is None:
                    report.left_out.append(f"{utterance.where}: {result.fault}")
                    continue
                files[utterance.id] = result.file
                is_new = extractor.store(utterance.wav, result)
                report.count(is_new, result.file.recording.seconds)
        if not files:
            raise InputError(report.left_out[n_faults])
        return files

    def _extract(
        self, name: str, utterances: Sequence[Utterance], extractor: FeatureExtractor
    ) -> Iterator[tuple[Utterance, FeatureResult]]:
        if not utterances:
            return
        # a kill loses the started recordings, so there are not more of them than threads
        paths = (utterance.wav for utterance in utterances)
        results = ordered_map(extractor.extract, paths, self.workers, self.workers - 1)
        with (
            progress(f"preparing {name}", len(utterances)) as advance,
            contextlib.closing(results),
        ):
            for utterance, result in zip(utterances, results, strict=True):
                if result.fault and self.on_error == "raise" and not result.is_too_long:
                    raise InputError(f"{utterance.where}: {result.fault}")
                yield utterance, result
                advance(1)

    def _check_rates(self, utterances: Sequence[Utterance], files: Files) -> None:
        if not self.request.resample:
            recordings = ((u, files[u.id].recording) for u in utterances)
            check_rates(recordings, self.contract.mel.sample_rate)

    def _table(
        self, corpus: Corpus, utterances: Sequence[Utterance], files: Files
    ) -> tuple[str, dict[str, bytes]]:
        """Return the name and the files of the table of some utterances, which are all stored.

        Raises:
            KeyError: one is not stored.
        """
        mels, waves = mel_shards(self.folder), wave_shards(self.folder)
        used = [files[utterance.id] for utterance in utterances]
        needs_wave = [self.request.needs_wave(file.recording) for file in used]
        columns: dict[str, NDArray[np.int64]] = {
            "mel": _entries(mels.entries, used, [self.request.mels] * len(used)),
            "wave": _entries(waves.entries, used, needs_wave),
            "rate": np.array([file.recording.sample_rate for file in used], np.int64),
            "recorded": np.array([file.recording.n_samples for file in used], np.int64),
            "frames": np.zeros(len(used), np.int64),
        }
        columns["samples"] = columns["recorded"].copy()
        for shards, entries in ((mels, columns["mel"]), (waves, columns["wave"])):
            (stored,) = np.nonzero(entries >= 0)
            records = shards.records[entries[stored]]
            columns["samples"][stored] = records["samples"]
            if shards is mels:
                columns["frames"][stored] = records["length"] // np.uint64(self.contract.mel.n_mels)
        parts = {u.id: number for number, part in enumerate(PARTS) for u in corpus.split()[part]}
        columns["part"] = np.array([parts[utterance.id] for utterance in utterances], np.int64)
        about = {
            "name": corpus.name,
            "fingerprint": corpus.fingerprint(),
            "speakers": list(corpus.speakers),
            "utterances": len(utterances),
        }
        key, contents = table_files(about, utterances, columns)
        return f"{CORPUS}{key}", contents

    def _note(self, corpus: Corpus) -> Path:
        """Return the file with the name of the table, for processes that only open it."""
        settings = (self.request.mels, self.request.waves, self.on_error)
        digest = hashlib.sha256(repr(settings).encode())
        digest.update(corpus.fingerprint().encode())
        for part, members in corpus.split().items():
            digest.update(f"\n{part}".encode())
            digest.update("\n".join(utterance.id for utterance in members).encode())
        rows = "\n".join(f"{u.id}\t{u.where}\t{u.wav}" for u in corpus.utterances())
        digest.update(rows.encode())
        return self.folder / LOCAL / f"{CORPUS}{digest.hexdigest()[:16]}"

    def _note_table(self, corpus: Corpus, name: str) -> None:
        note = self._note(corpus)
        if not note.is_file() or note.read_text(encoding="utf-8") != name:
            with atomic_writer(note) as file:
                file.write(name.encode())


def _entries(
    entries: dict[bytes, int], files: Sequence[IndexedFile], is_needed: Sequence[bool]
) -> NDArray[np.int64]:
    """Return the entry of each file, or -1 where none is needed."""
    pairs = zip(files, is_needed, strict=True)
    return np.array([entries[file.digest] if needed else -1 for file, needed in pairs], np.int64)
