"""``Preparation``: from recordings and texts to a prepared folder, doing only what is not done yet.

Recordings are read in parallel, and what is computed of them is written in the order of the
corpus, each as soon as those before it are: a process that is killed loses what its threads had in
hand, one recording each, and the next one ends with the same bytes as if nothing had happened. One
process prepares a folder at a time; others wait, and find it done.

Threads, not processes: decoding, hashing, resampling and the transform all release the
interpreter's lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tts.core.errors import InputError
from tts.core.files import atomic_folder, atomic_writer, remove_leftovers_in
from tts.core.locks import wait_for_lock
from tts.core.parallel import n_cores, ordered_map
from tts.core.progress import progress
from tts.core.threads import torch_threads
from tts.data.corpora.corpus import Corpus
from tts.data.corpora.manifest import Utterance
from tts.data.features.contract import Contract
from tts.data.features.extract import FeatureExtractor, FeatureRequest, FeatureResult
from tts.data.features.preparation_report import PreparationReport
from tts.data.features.prepared import (
    CORPUS,
    HEADER,
    LOCAL,
    Prepared,
    mel_shards,
    read_header,
    wave_shards,
)
from tts.data.features.recording_index import IndexedFile, RecordingIndex
from tts.data.features.recordings import OnError, check_rates, make_cache
from tts.data.features.table import PARTS, CorpusTable, RecordingColumns, table_bytes
from tts.data.features.tokens import encode_texts, make_tokens
from tts.text import Tokenizer

_log = logging.getLogger(__name__)


class Preparation:
    """How a corpus is prepared.

    Args:
        folder: the prepared folder; made if missing.
        contract: what is stored in it.
        mels: whether mels are needed.
        waves: whether segments of samples are; None: if mels are not.
        tokenizer: what reads the texts, if they are needed.
        resample: accept recordings at another rate.
        on_error: "raise", or "skip" to go on without what cannot be read.
        verify: read every recording again, for changes that keep a file's size and date.
        workers: threads; one for each core by default.
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
        on_error: OnError = "raise",
        verify: bool = False,
        workers: int | None = None,
    ) -> None:
        self.folder, self.contract = folder, contract
        self.waves = not mels if waves is None else waves
        self.mels = mels or contract.complete
        self.tokenizer = tokenizer
        self.resample, self.on_error, self.verify = resample, on_error, verify
        self.workers = workers or n_cores()

    def run(self, corpus: Corpus) -> tuple[Prepared, PreparationReport]:
        """Do what is not done yet.

        Raises:
            InputError: naming the file, the row or the setting at fault.
        """
        begin = time.perf_counter()
        self.contract.processing.check()
        make_cache(self.folder / LOCAL)
        utterances = corpus.utterances()
        report = PreparationReport(
            corpus.name, str(self.folder), corpus.faults(), cores=self.workers
        )
        if (
            prepared := self._ready(corpus, utterances, RecordingIndex(self._seen), report)
        ) is None:
            with wait_for_lock(self.folder / LOCAL / "lock", f"preparing {corpus.name}"):
                # of this format and former ones
                for folder in (self.folder, self.folder.parent):
                    remove_leftovers_in(folder)
                self._check_header()
                # anew: another process may have been here
                seen = RecordingIndex(self._seen)
                prepared = self._ready(corpus, utterances, seen, report)
                prepared = prepared or self._prepare(corpus, utterances, seen, report)
        self._remember(corpus, utterances, prepared)
        if self.tokenizer:
            tokens = make_tokens(prepared, self.tokenizer, self.on_error)
            report.left_out += tokens.unreadable
        report.describe(prepared)
        if report.resampled:
            _log.warning("resampling to %d Hz: %s", prepared.rate, report.resampling())
        report.seconds = time.perf_counter() - begin
        return prepared, report

    def open(self, corpus: Corpus) -> Prepared:
        """Open what another process of this run has prepared; look at no recording.

        Raises:
            InputError: naming the file, the row or the setting at fault.
        """
        utterances = corpus.utterances()
        try:
            name = self._note(corpus, utterances).read_text(encoding="utf-8").strip()
            table = CorpusTable(self.folder / name)
            return Prepared(self.folder, name, _sources(utterances, table))
        except (OSError, InputError):
            pass  # made by nobody, or damaged since
        return self.run(corpus)[0]

    def _ready(
        self,
        corpus: Corpus,
        utterances: Sequence[Utterance],
        seen: RecordingIndex,
        report: PreparationReport,
    ) -> Prepared | None:
        """Open the corpus if there is nothing to do but that."""
        if self.verify or not self._is_ours():
            return None
        sights: dict[str, IndexedFile] = {}
        for utterance in utterances:
            if (sight := seen.find(utterance.wav)) is None:
                return None
            sights[utterance.id] = sight
        self._check_rates(utterances, sights)
        try:
            prepared = Prepared(self.folder, self._table(corpus, utterances, sights)[0], utterances)
        except (KeyError, InputError):
            return None  # something is not there yet, or damaged
        report.n_reused = len(utterances)
        return prepared

    def _prepare(
        self,
        corpus: Corpus,
        utterances: Sequence[Utterance],
        seen: RecordingIndex,
        report: PreparationReport,
    ) -> Prepared:
        texts = [(utterance.where, utterance.text) for utterance in utterances]
        if self.tokenizer:
            # before the mels: a text that cannot be read should not cost their computation
            encode_texts(self.folder, corpus.name, texts, self.tokenizer, self.on_error)
        sights = self._read_all(corpus.name, utterances, seen, report)
        kept = [utterance for utterance in utterances if utterance.id in sights]
        self._check_rates(kept, sights)
        name, files = self._table(corpus, kept, sights)
        if not _holds(self.folder / name, files):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            with atomic_folder(self.folder / name) as partial:
                for file, data in files.items():
                    (partial / file).write_bytes(data)
        if self.contract.complete:
            self._remove_others(name)
        return Prepared(self.folder, name, kept)

    def _read_all(
        self,
        name: str,
        utterances: Sequence[Utterance],
        seen: RecordingIndex,
        report: PreparationReport,
    ) -> dict[str, IndexedFile]:
        """Read what is not known, and store what is missing of it."""
        sights: dict[str, IndexedFile] = {}
        n_faults = len(report.left_out)
        mels, waves = mel_shards(self.folder), wave_shards(self.folder)
        with (
            mels.writing() as mel_writer,
            waves.writing() as wave_writer,
            seen.noting(),
            # threads that each start some more cost more than these give
            torch_threads(1),
        ):
            if n_lost := mel_writer.n_lost + wave_writer.n_lost:
                _log.warning("%s: %d entries are damaged; computing them again", name, n_lost)
            work = FeatureExtractor(self._needs, seen, mel_writer, wave_writer)
            new = [u for u in utterances if not self._is_known(u, work, sights)]
            report.n_reused = len(utterances) - len(new)
            for utterance, found in self._found(name, new, work):
                if found.sight is None:
                    report.left_out.append(f"{utterance.where}: {found.wrong}")
                    continue
                sights[utterance.id] = found.sight
                work.store(utterance, found)
                report.count(found.computed, found.sight.recording.seconds)
        if not sights:
            raise InputError(report.left_out[n_faults])
        return sights

    def _found(
        self, name: str, new: Sequence[Utterance], work: FeatureExtractor
    ) -> Iterator[tuple[Utterance, FeatureResult]]:
        if not new:
            return
        # as many in hand as there are workers: what a kill may cost
        results = ordered_map(work, new, self.workers, ahead_of_use=self.workers - 1)
        with progress(f"preparing {name}", len(new)) as advance, contextlib.closing(results):
            for utterance, found in zip(new, results, strict=True):
                if found.wrong and self.on_error == "raise":
                    raise InputError(f"{utterance.where}: {found.wrong}")
                yield utterance, found
                advance(1)

    def _is_known(
        self, utterance: Utterance, work: FeatureExtractor, sights: dict[str, IndexedFile]
    ) -> bool:
        sight = None if self.verify else work.seen.find(utterance.wav)
        if sight is None or any(work.missing(sight)):
            return False
        sights[utterance.id] = sight
        return True

    def _check_rates(self, utterances: Sequence[Utterance], sights: dict[str, IndexedFile]) -> None:
        if not self.resample:
            recordings = ((u, sights[u.id].recording) for u in utterances)
            check_rates(recordings, self.contract.mel.sample_rate)

    def _table(
        self, corpus: Corpus, utterances: Sequence[Utterance], sights: dict[str, IndexedFile]
    ) -> tuple[str, dict[str, bytes]]:
        """Name and content of the table of some utterances, all of which are stored.

        Raises:
            KeyError: one is not.
        """
        mels, waves = mel_shards(self.folder), wave_shards(self.folder)
        entries = [self._entry(sights[u.id], mels.entries, waves.entries) for u in utterances]
        numbers = np.array(entries, np.int64)
        for shards, column in ((mels, 0), (waves, 1)):
            (stored,) = np.nonzero(numbers[:, column] >= 0)
            records = shards.records[numbers[stored, column]]
            numbers[stored, RecordingColumns._fields.index("samples")] = records["samples"]
            if shards is mels:
                frames = records["length"] // np.uint64(self.contract.mel.n_mels)
                numbers[stored, RecordingColumns._fields.index("frames")] = frames
        parts = {u.id: number for number, part in enumerate(PARTS) for u in corpus.split()[part]}
        about = {
            "name": corpus.name,
            "fingerprint": corpus.fingerprint(),
            "speakers": list(corpus.speakers),
            "utterances": len(utterances),
        }
        own = [parts[utterance.id] for utterance in utterances]
        key, files = table_bytes(
            about, utterances, own, [RecordingColumns(*row) for row in numbers.tolist()]
        )
        return f"{CORPUS}{key}", files

    def _entry(
        self, sight: IndexedFile, mels: dict[bytes, int], waves: dict[bytes, int]
    ) -> RecordingColumns:
        needs_mel, needs_wave = self._needs(sight.recording)
        return RecordingColumns(
            mel=mels[sight.digest] if needs_mel else -1,
            wave=waves[sight.digest] if needs_wave else -1,
            rate=sight.recording.sample_rate,
            recorded=sight.recording.n_samples,
            samples=sight.recording.n_samples,
            frames=0,
        )

    @property
    def _needs(self) -> FeatureRequest:
        return FeatureRequest(self.contract, self.mels, self.waves, self.resample)

    def _is_ours(self) -> bool:
        try:
            return not read_header(self.folder).differences(self.contract)
        except InputError:
            return False  # nothing there, or damaged

    @property
    def _seen(self) -> Path:
        return self.folder / LOCAL / "seen.jsonl"

    def _check_header(self) -> None:
        """Write the header, or see that the folder is what it should be."""
        path = self.folder / HEADER
        if not path.exists():
            strange = sorted(p.name for p in self.folder.iterdir() if p.name != LOCAL)
            if strange and self.contract.complete:
                raise InputError(
                    f"{self.folder}: holds {strange[0]!r} and no {HEADER}; choose an empty folder"
                )
            with atomic_writer(path) as file:
                text = json.dumps(self.contract.to_dict(), indent=1, sort_keys=True)
                file.write(f"{text}\n".encode())
            return
        try:
            there = read_header(self.folder)
        except InputError as error:
            if self.contract.complete:
                raise InputError(f"{error}; delete it, or choose another data.prepared") from None
            _log.warning("%s; computing it again", error)
            _empty(self.folder)
            return self._check_header()
        if differences := there.differences(self.contract):
            raise InputError(
                f"{self.folder}: was prepared with other settings: {', '.join(differences)}; "
                "choose another data.prepared"
            )

    def _note(self, corpus: Corpus, utterances: Sequence[Utterance]) -> Path:
        """Where the name of the table of these utterances is noted."""
        digest = hashlib.sha256(repr((self.mels, self.waves, self.on_error)).encode())
        digest.update(corpus.fingerprint().encode())
        for part, members in corpus.split().items():
            digest.update(f"\n{part}".encode())
            digest.update("\n".join(utterance.id for utterance in members).encode())
        rows = "\n".join(f"{u.id}\t{u.where}\t{u.wav}" for u in utterances)
        digest.update(rows.encode())
        return self.folder / LOCAL / f"{CORPUS}{digest.hexdigest()[:16]}"

    def _remember(
        self, corpus: Corpus, utterances: Sequence[Utterance], prepared: Prepared
    ) -> None:
        note, name = self._note(corpus, utterances), prepared.table.folder.name
        if not note.is_file() or note.read_text(encoding="utf-8") != name:
            with atomic_writer(note) as file:
                file.write(name.encode())

    def _remove_others(self, name: str) -> None:
        """A folder that is complete in itself holds one corpus, as it is now."""
        for folder in self.folder.glob(f"{CORPUS}*"):
            if folder.name != name:
                shutil.rmtree(folder, ignore_errors=True)


def _sources(utterances: Sequence[Utterance], table: CorpusTable) -> list[Utterance]:
    """The utterance of each row; those that were left out have none."""
    kept = set(table.column("name"))
    return [utterance for utterance in utterances if utterance.id in kept]


def _holds(folder: Path, files: dict[str, bytes]) -> bool:
    with contextlib.suppress(OSError):
        return all((folder / file).read_bytes() == data for file, data in files.items())
    return False


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == LOCAL:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
