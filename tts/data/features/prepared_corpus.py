"""Reads a prepared folder as a corpus, so that a training needs no recordings."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from tts.audio.processing import Processing
from tts.core.errors import InputError
from tts.data.corpora.corpus import Corpus
from tts.data.corpora.manifest import Faults, ManifestRow, OnError, Utterance
from tts.data.corpora.splits import Split
from tts.data.features.contract import Contract
from tts.data.features.corpus_table import PARTS
from tts.data.features.preparation_report import PreparationReport
from tts.data.features.prepared import Prepared
from tts.data.features.prepared_folder import CORPUS, read_header
from tts.data.features.recordings import make_cache, slug
from tts.data.features.tokens import make_tokens
from tts.text import Tokenizer


class PreparedCorpus(Corpus):
    """Reads the folder that ``python -m tts.data.prepare data.prepared=FOLDER`` has made.

    Its utterances have no recordings: their ``wav`` is a path in the folder where no file lies.

    Args:
        root: the folder.
        n_speakers: the number of speakers that it must have; None: any number.
    """

    def __init__(self, root: str | Path, n_speakers: int | None = None) -> None:
        super().__init__(root, n_speakers=n_speakers)

    @cached_property
    def prepared(self) -> Prepared:
        """Return the opened folder.

        Raises:
            InputError: it is missing or damaged.
        """
        if not self.root.is_dir():
            raise InputError(f"{self.root}: there is no such folder; set data.root to the corpus")
        read_header(self.root)
        tables = [path.name for path in self.root.glob(f"{CORPUS}*") if ".tmp" not in path.name]
        if len(tables) != 1:
            raise InputError(
                f"{self.root}: holds {len(tables)} corpora, expected one; run the preparation again"
            )
        return Prepared(self.root, tables[0])

    @property
    def name(self) -> str:
        """Return the name of the corpus that was prepared."""
        return self.prepared.name

    @property
    def speakers(self) -> tuple[str, ...]:
        """Return the names of the speakers, by their numbers."""
        return tuple(self.prepared.table.about["speakers"])

    def prepare(self) -> None:
        """Open the folder.

        Raises:
            InputError: it is missing or damaged, or has another number of speakers.
        """
        self._speakers = self.speakers
        self._check_speakers()

    def faults(self) -> list[str]:
        """Return nothing: the preparation has left out what cannot be used."""
        return []

    def fingerprint(self) -> str:
        """Return the fingerprint of the corpus that was prepared."""
        return str(self.prepared.table.about["fingerprint"])

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        raise NotImplementedError("there is no manifest to read")

    def _read(self) -> list[Utterance]:
        table = self.prepared.table
        columns = (table.column(field) for field in ("name", "text", "where"))
        return [
            Utterance(name, self.root / name, text, where, speaker)
            for name, text, where, speaker in zip(
                *columns, table.rows["speaker"].tolist(), strict=True
            )
        ]

    def _split(self) -> Split:
        utterances = self._utterances
        return {
            part: [utterances[row] for row in self.prepared.part(part).tolist()] for part in PARTS
        }


class AlreadyPrepared:
    """Opens a prepared folder, of which at most the texts have to be read.

    Args:
        contract: what the training expects of the folder.
        cache_dir: where symbol ids are stored if the folder cannot be written.
        mels: whether mels are needed.
        waves: whether samples are.
        tokenizer: reads the texts, if they are needed.
        on_error: "raise", or "skip" to continue without the texts that cannot be read.
    """

    def __init__(
        self,
        contract: Contract,
        cache_dir: Path,
        *,
        mels: bool,
        waves: bool,
        tokenizer: Tokenizer | None,
        on_error: OnError,
    ) -> None:
        self.contract, self.cache_dir = contract, cache_dir
        self.mels, self.waves = mels, waves
        self.tokenizer, self.on_error = tokenizer, on_error

    def run(self, corpus: Corpus) -> tuple[Prepared, PreparationReport]:
        """Open the folder, and read its texts if this tokenizer has not read them.

        Raises:
            InputError: it was prepared for something else, or a text cannot be read.
        """
        prepared = self.open(corpus)
        report = PreparationReport(corpus.name, str(prepared.folder), n_reused=len(prepared))
        if self.tokenizer:
            tokens = make_tokens(prepared, self.tokenizer, self.on_error)
            report.left_out += tokens.unreadable
        report.describe(prepared)
        return prepared, report

    def open(self, corpus: Corpus) -> Prepared:
        """Open the folder.

        Raises:
            InputError: it was prepared for something else.
        """
        assert isinstance(corpus, PreparedCorpus)
        prepared = corpus.prepared
        wanted, there = self.contract, prepared.contract
        if wanted.processing == Processing():
            # without a processing of its own, the training takes that of the folder
            wanted = Contract(wanted.mel, there.processing)
        if differences := there.differences(wanted):
            raise InputError(
                f"{prepared.folder}: was prepared with other settings: {', '.join(differences)}; "
                "train with those, or prepare it again"
            )
        has = {"mels": prepared.has_mels, "samples": prepared.has_waves}
        for what, needed in (("mels", self.mels), ("samples", self.waves)):
            if needed and not has[what]:
                raise InputError(
                    f"{prepared.folder}: holds no {what}; prepare it with data.prepared=FOLDER"
                )
        if not os.access(prepared.folder, os.W_OK):
            prepared.token_folder = self.cache_dir / f"{slug(prepared.name)}-tokens"
            make_cache(prepared.token_folder)
        return prepared
