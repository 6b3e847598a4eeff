"""``SpeechDataModule``: what the two DataModules share, from the corpus to the options of a loader.

``prepare_data`` (one process) prepares the corpus; ``setup`` (every process) opens what that made.
The loaders deal batches out to the ranks themselves, so the trainer is used with
``use_distributed_sampler=False``.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from tts.audio import MelConfig
from tts.audio.processing import Processing
from tts.core.errors import InputError
from tts.core.ranges import (
    Amount,
    CountOrZero,
    OptionalCount,
    OptionalPositive,
    check_arguments,
    legal_arguments,
)
from tts.core.signals import outlive_signals
from tts.data.corpora.corpus import Corpus
from tts.data.features.contract import Contract
from tts.data.features.corpus_table import PARTS, Rows
from tts.data.features.preparation import Preparation
from tts.data.features.preparation_report import PreparationReport
from tts.data.features.prepared import Prepared
from tts.data.features.prepared_corpus import AlreadyPrepared, PreparedCorpus
from tts.data.features.recordings import OnError, slug
from tts.data.loading.fallbacks import FallbackDataset
from tts.data.loading.resume_position import TrainingPosition
from tts.text import Tokenizer

_log = logging.getLogger(__name__)


class SpeechDataModule(LightningDataModule):
    """What both have in common: checks, split, and a loader for each part of the split.

    Args:
        corpus: what to train on.
        mel: the mel contract.
        cache_dir: folder for what is computed once.
        batch_size: training items in a batch of one rank.
        val_batch_size: the same for validation and test; ``batch_size`` if not given.
        frames_per_batch: padded frames that a batch of one rank may come to, see
            ``FrameBudgetBatchSampler``; ``batch_size`` is then an upper bound, or None.
        num_workers: processes of each loader; 0 loads in the training process.
        seed: of batches and segments.
        resample: accept recordings at another rate than ``mel.sample_rate``.
        min_seconds: leave shorter recordings out of the training; validation has them all.
        max_seconds: leave longer recordings out of the training.
        on_error: what becomes of a recording that cannot be read: "raise" stops the run; "skip"
            leaves it out, or puts another in its place if training has begun, and says so.
        processing: what is done to recordings before anything is computed of them.
        prepared: a folder that is prepared instead of one in ``cache_dir``, and made complete in
            itself: mels, and samples in 16 bits.
        verify: read every recording again, for changes that keep a file's size and date.

    Raises:
        InputError: neither ``batch_size`` nor ``frames_per_batch``, or an unknown ``on_error``.
    """

    #: Whether the mels of whole recordings are needed.
    needs_mels = True
    #: Whether segments of samples are.
    needs_waves = False

    def __init__(
        self,
        corpus: Corpus,
        mel: MelConfig,
        cache_dir: str | Path,
        *,
        batch_size: OptionalCount = 32,
        val_batch_size: OptionalCount = None,
        frames_per_batch: OptionalCount = None,
        num_workers: CountOrZero = 0,
        seed: int = 1234,
        resample: bool = False,
        min_seconds: Amount = 0.0,
        max_seconds: OptionalPositive = None,
        on_error: OnError = "raise",
        processing: Processing | None = None,
        prepared: str | Path | None = None,
        verify: bool = False,
    ) -> None:
        super().__init__()
        check_arguments(locals(), legal_arguments(type(self)), "data.")
        if batch_size is None and frames_per_batch is None:
            raise InputError("data.batch_size=null: set data.frames_per_batch, or a batch size")
        self.corpus = corpus
        self.mel = mel
        self.cache_dir = Path(cache_dir).expanduser()
        self.batch_size = batch_size
        self.val_batch_size = batch_size if val_batch_size is None else val_batch_size
        self.frames_per_batch = frames_per_batch
        self.num_workers = num_workers
        self.seed = seed
        self.resample = resample
        self.min_seconds = min_seconds
        self.max_seconds = max_seconds
        self.on_error: OnError = on_error
        self.processing = processing or Processing()
        self.prepared = None if prepared is None else Path(prepared).expanduser()
        self.verify = verify
        self._prepared: Prepared | None = None
        self._datasets: dict[str, Any] = {}
        self._train_names: Sequence[str] = []
        self._position = TrainingPosition()

    def prepare_data(self) -> None:
        """Make or check the corpus and prepare it; Lightning calls it in one process only.

        Raises:
            InputError: naming the file, the row or the setting at fault.
        """
        # the corpus has said what is wrong with its rows
        if summary := self.prepare().summary(self.corpus.faults()):
            _log.warning("%s", summary)

    def prepare(self) -> PreparationReport:
        """Make or check the corpus and prepare it, and say what was found and done.

        Raises:
            InputError: naming the file, the row or the setting at fault.
        """
        self.corpus.prepare()
        self._prepared, report = self._preparation().run(self.corpus)
        self._training_rows(self._prepared)
        return report

    @property
    def opened(self) -> Prepared:
        """The corpus as it was prepared; in other processes than that which prepared it, opened.

        Raises:
            InputError: naming the file, the row or the setting at fault.
        """
        if self._prepared is None:
            self._prepared = self._preparation().open(self.corpus)
        return self._prepared

    def setup(self, stage: str | None = None) -> None:
        """Open the parts of the split, once for all stages.

        Raises:
            InputError: naming the file, the row or the setting at fault.
        """
        if self._datasets:
            return
        prepared = self.opened
        self._open(prepared)
        parts = {part: self._usable(prepared.part(part)) for part in PARTS}
        n_all = len(parts["train"])
        parts["train"] = self._training_rows(prepared)
        if n_out := n_all - len(parts["train"]):
            self._say("%d of %d recordings are too short or too long to train on", n_out, n_all)
        self._train_names = prepared.table.column("name", parts["train"])
        self._datasets = {
            part: self._dataset(part, prepared, rows) for part, rows in parts.items() if len(rows)
        }
        sizes = ", ".join(f"{len(rows)} {part}" for part, rows in parts.items())
        self._say("%s: %s", self.corpus.name, sizes)

    def train_dataloader(self) -> DataLoader[Any]:
        """Give the training batches: new ones each epoch, unless the trainer overfits a few.

        Raises:
            InputError: an utterance is longer than ``frames_per_batch``, naming it.
        """
        loader = self._position.take_loader() or self._train_loader()
        self._position.describe(loader, self._train_names)
        return loader

    def state_dict(self) -> dict[str, Any]:
        """What decides which utterances come when, for the run that goes on from here."""
        return self._position.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep it, to be compared with this run."""
        self._position.load_state_dict(state_dict)

    def resume_at(self, epoch: int, batch: int) -> int:
        """Let the next training loader begin inside an epoch; nothing before it is read.

        Returns:
            The batch it begins with: ``batch``, unless an epoch now has another number of them.
        """
        loader = self._train_loader()
        batch, changed = self._position.prepare(loader, self._train_names, epoch, batch)
        if changed:
            place = f"epoch {epoch}, batch {batch} of {len(loader)}"
            message = "going on from %s with other batches than before: %s"
            self._say(message, place, changed, level=logging.WARNING)
        return batch

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Give the validation batches, or an empty list when nothing is held back."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Give the test batches, or an empty list when nothing is held back."""
        return self._evaluation_loader("test")

    @property
    def _reader(self) -> Tokenizer | None:
        """What reads the texts, if they are trained on."""
        return None

    def _open(self, prepared: Prepared) -> None:
        """Open what else is needed of it, in every process, before the datasets are made."""

    def _usable(self, rows: Rows) -> Rows:
        """Those of some rows that can be trained on."""
        return rows

    @abstractmethod
    def _dataset(self, part: str, prepared: Prepared, rows: Rows) -> Any:
        """Make the dataset of "train", "val" or "test"."""

    @abstractmethod
    def _loader(self, part: str, batch_size: int | None, shuffle: bool) -> DataLoader[Any]:
        """Make the loader of a part that is not empty."""

    def _train_loader(self) -> DataLoader[Any]:
        overfits = getattr(self.trainer, "overfit_batches", 0) > 0
        return self._loader("train", self.batch_size, shuffle=not overfits)

    def _evaluation_loader(self, part: str) -> DataLoader[Any] | list[Any]:
        if part not in self._datasets:
            self._say("%s: no utterances for %r", self.corpus.name, part, level=logging.WARNING)
            return []
        return self._loader(part, self.val_batch_size, shuffle=False)

    def _dealing(self, shuffle: bool) -> dict[str, Any]:
        """Options of the batch samplers that say what is this rank's: 0 of 1 without a trainer."""
        options = {"shuffle": shuffle, "seed": self.seed}
        if self.trainer is not None:
            options["rank"] = self.trainer.global_rank
            options["world_size"] = self.trainer.world_size
            options["accumulate"] = getattr(self.trainer, "accumulate_grad_batches", 1)
        return options

    def _tolerated(self, dataset: Any) -> Any:
        """The dataset as a loader gets it."""
        return dataset if self.on_error == "raise" else FallbackDataset(dataset)

    def _loader_options(self) -> dict[str, Any]:
        on_gpu = self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"
        return {
            "num_workers": self.num_workers,
            "persistent_workers": self.num_workers > 0,
            "pin_memory": on_gpu,
            "worker_init_fn": outlive_signals if self.num_workers else None,
            # Each pass over a loader draws a seed for its workers: not from the global generator,
            # or the number of passes would change what the network draws from it
            "generator": torch.Generator().manual_seed(self.seed),
        }

    def _preparation(self) -> Preparation | AlreadyPrepared:
        contract = Contract(self.mel, self.processing, complete=self.prepared is not None)
        tokenizer, on_error = self._reader, self.on_error
        if isinstance(self.corpus, PreparedCorpus):
            return AlreadyPrepared(
                contract,
                self.cache_dir,
                mels=self.needs_mels,
                waves=self.needs_waves,
                tokenizer=tokenizer,
                on_error=on_error,
            )
        folder = self.cache_dir / f"{slug(self.corpus.name)}-{contract.key()}"
        return Preparation(
            self.prepared or folder,
            contract,
            mels=self.needs_mels,
            waves=self.needs_waves,
            tokenizer=tokenizer,
            resample=self.resample,
            on_error=on_error,
            verify=self.verify,
        )

    def _training_rows(self, prepared: Prepared) -> Rows:
        """Leave out what is too short or too long."""
        rows = self._usable(prepared.part("train"))
        longest = float("inf") if self.max_seconds is None else self.max_seconds
        seconds = prepared.seconds(rows)
        kept: Rows = rows[(seconds >= self.min_seconds) & (seconds <= longest)]
        if not len(kept):
            raise InputError(
                f"data.min_seconds={self.min_seconds}, data.max_seconds={self.max_seconds}: none "
                f"of {len(rows)} training recordings is between them; widen them"
            )
        return kept

    def _say(self, message: str, *values: object, level: int = logging.INFO) -> None:
        """Log from one process; what goes wrong is raised in all of them."""
        if self.trainer is None or self.trainer.is_global_zero:
            _log.log(level, message, *values)
