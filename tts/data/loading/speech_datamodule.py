"""Holds what the two DataModules share, from the corpus to the options of a loader.

``prepare_data`` prepares the corpus in one process; ``setup`` opens the prepared corpus in every
process. The loaders distribute the batches to the ranks themselves, so the trainer needs
``use_distributed_sampler=False``.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakSet

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
    Timeout,
    check_arguments,
    legal_arguments,
)
from tts.data.corpora.corpus import Corpus
from tts.data.corpora.manifest import OnError
from tts.data.features.contract import Contract
from tts.data.features.corpus_table import PARTS, Rows
from tts.data.features.preparation import Preparation
from tts.data.features.preparation_report import PreparationReport
from tts.data.features.prepared import Prepared
from tts.data.features.prepared_corpus import AlreadyPrepared, PreparedCorpus
from tts.data.features.recordings import slug
from tts.data.loading.fallbacks import FallbackDataset
from tts.data.loading.open_files import provide_open_files
from tts.data.loading.start_batch import TrainingPosition
from tts.data.loading.worker_loader import WorkerLoader
from tts.text import Tokenizer

_log = logging.getLogger(__name__)


class SpeechDataModule(LightningDataModule):
    """Prepares a corpus, checks and splits it, and makes a loader for each part.

    Args:
        corpus: the corpus to train on.
        mel: the mel contract.
        cache_dir: folder for features, which are computed once.
        batch_size: number of training items in a batch of one rank.
        val_batch_size: the same for validation and test; ``batch_size`` by default.
        frames_per_batch: limit of the padded frames in a batch of one rank, see
            ``FrameBudgetBatchSampler``; ``batch_size`` is then an upper bound, or None.
        num_workers: number of processes of each loader; 0 loads in the training process.
        worker_timeout: seconds to wait for a batch of these processes, after which the run ends.
        seed: seed of batches and segments.
        resample: accept recordings at another rate than ``mel.sample_rate``.
        min_seconds: leave shorter recordings out of the training; validation uses all recordings.
        max_seconds: leave longer recordings out of the training, and do not read those that last
            ten times as long (and more than a minute).
        on_error: what happens if a recording cannot be read: "raise" stops the run; "skip" leaves
            it out and logs that. If the training has begun, "skip" replaces it by another one.
        processing: how the samples are changed before features are computed.
        prepared: a folder to prepare instead of one in ``cache_dir``. It gets all features that a
            training needs without the recordings: mels, and samples in 16 bits.
        verify: read every recording again, to find changes that keep a file's size and date.

    Raises:
        InputError: neither ``batch_size`` nor ``frames_per_batch``, or an unknown ``on_error``.
    """

    #: Whether training reads the mels of whole recordings.
    needs_mels = True
    #: Whether training reads segments of samples.
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
        worker_timeout: Timeout = 600.0,
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
        self.worker_timeout = worker_timeout
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
        self._open_loaders: WeakSet[WorkerLoader] = WeakSet()

    def prepare_data(self) -> None:
        """Get or check the corpus and prepare it; Lightning calls this in one process only.

        Raises:
            InputError: the message names the file, the row or the setting at fault.
        """
        provide_open_files(self.num_workers)
        # the corpus has already logged the faults of its rows
        if summary := self.prepare().summary(self.corpus.faults()):
            _log.warning("%s", summary)

    def prepare(self) -> PreparationReport:
        """Get or check the corpus, prepare it, and return a report.

        Raises:
            InputError: the message names the file, the row or the setting at fault.
        """
        self.corpus.prepare()
        self._prepared, report = self._preparation().run(self.corpus)
        self._training_rows(self._prepared)
        return report

    @property
    def opened(self) -> Prepared:
        """Return the prepared corpus, which a process opens if another process has prepared it.

        Raises:
            InputError: the message names the file, the row or the setting at fault.
        """
        if self._prepared is None:
            self._prepared = self._preparation().open(self.corpus)
        return self._prepared

    def setup(self, stage: str | None = None) -> None:
        """Make the datasets of all parts, once for all stages.

        Raises:
            InputError: the message names the file, the row or the setting at fault.
        """
        if self._datasets:
            return
        provide_open_files(self.num_workers)
        prepared = self.opened
        self._open(prepared)
        parts = {part: self._usable(prepared.part(part)) for part in PARTS}
        n_all = len(parts["train"])
        parts["train"] = self._training_rows(prepared)
        if n_out := n_all - len(parts["train"]):
            self._log("%d of %d recordings are too short or too long to train on", n_out, n_all)
        self._train_names = prepared.table.column("name", parts["train"])
        self._datasets = {
            part: self._dataset(part, prepared, rows) for part, rows in parts.items() if len(rows)
        }
        sizes = ", ".join(f"{len(rows)} {part}" for part, rows in parts.items())
        self._log("%s: %s", self.corpus.name, sizes)

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the training batches: new ones in each epoch, unless the trainer overfits a few.

        Raises:
            InputError: an utterance is longer than ``frames_per_batch``; the message names it.
        """
        loader = self._position.take_loader() or self._train_loader()
        self._position.describe(loader, self._train_names)
        return loader

    def state_dict(self) -> dict[str, Any]:
        """Return the settings that decide the batches, for a checkpoint."""
        return self._position.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the settings of the resumed run, to compare those of this run with them."""
        self._position.load_state_dict(state_dict)

    def resume_at(self, epoch: int, batch: int) -> int:
        """Let the next training loader begin at a batch of an epoch, and read nothing before it.

        Returns:
            The batch at which it begins: ``batch``, unless the number of batches has changed.
        """
        loader = self._train_loader()
        batch, changed = self._position.prepare(loader, self._train_names, epoch, batch)
        if changed:
            place = f"epoch {epoch}, batch {batch} of {len(loader)}"
            message = "resuming at %s, but other batches follow than before: %s"
            self._log(message, place, changed, level=logging.WARNING)
        return batch

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Return the validation batches, or an empty list if the corpus holds none back."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Return the test batches, or an empty list if the corpus holds none back."""
        return self._evaluation_loader("test")

    def teardown(self, stage: str) -> None:
        """End the processes of all loaders, when a stage has ended."""
        for loader in list(self._open_loaders):
            loader.close()

    def on_exception(self, exception: BaseException) -> None:
        """End the processes of all loaders; Lightning leaves some alive when a run is stopped."""
        self.teardown("")

    @property
    def _text_tokenizer(self) -> Tokenizer | None:
        """The tokenizer that reads the texts; None if training does not use them."""
        return None

    def _open(self, prepared: Prepared) -> None:
        """Open what else a subclass needs, in every process, before the datasets are made."""

    def _usable(self, rows: Rows) -> Rows:
        """Return those of some rows that can be trained on."""
        return rows

    @abstractmethod
    def _dataset(self, part: str, prepared: Prepared, rows: Rows) -> Any:
        """Return the dataset of "train", "val" or "test"."""

    @abstractmethod
    def _loader(self, part: str, batch_size: int | None, shuffle: bool) -> WorkerLoader:
        """Return the loader of a part that is not empty."""

    def _new_loader(self, part: str, batch_size: int | None, shuffle: bool) -> WorkerLoader:
        loader = self._loader(part, batch_size, shuffle)
        self._open_loaders.add(loader)
        return loader

    def _train_loader(self) -> WorkerLoader:
        overfits = getattr(self.trainer, "overfit_batches", 0) > 0
        return self._new_loader("train", self.batch_size, shuffle=not overfits)

    def _evaluation_loader(self, part: str) -> DataLoader[Any] | list[Any]:
        if part not in self._datasets:
            self._log("%s: no utterances for %r", self.corpus.name, part, level=logging.WARNING)
            return []
        return self._new_loader(part, self.val_batch_size, shuffle=False)

    def _sampler_options(self, shuffle: bool) -> dict[str, Any]:
        """Return the options that all batch samplers have; without a trainer, those of one rank."""
        options = {"shuffle": shuffle, "seed": self.seed}
        if self.trainer is not None:
            options["rank"] = self.trainer.global_rank
            options["world_size"] = self.trainer.world_size
            options["accumulate"] = getattr(self.trainer, "accumulate_grad_batches", 1)
        return options

    def _with_fallbacks(self, dataset: Any) -> Any:
        """Return a dataset that treats unreadable utterances as ``on_error`` says."""
        return dataset if self.on_error == "raise" else FallbackDataset(dataset)

    def _loader_options(self) -> dict[str, Any]:
        on_gpu = self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"
        return {
            "num_workers": self.num_workers,
            "timeout": self.worker_timeout,
            "pin_memory": on_gpu,
            # Each pass over a loader draws a seed for its workers. With the global generator, the
            # number of passes would change the random numbers that the network draws.
            "generator": torch.Generator().manual_seed(self.seed),
        }

    def _preparation(self) -> Preparation | AlreadyPrepared:
        contract = Contract(self.mel, self.processing, complete=self.prepared is not None)
        tokenizer, on_error = self._text_tokenizer, self.on_error
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
            max_seconds=self.max_seconds,
            on_error=on_error,
            verify=self.verify,
        )

    def _training_rows(self, prepared: Prepared) -> Rows:
        """Return the training rows that are neither too short nor too long."""
        rows = self._usable(prepared.part("train"))
        longest = float("inf") if self.max_seconds is None else self.max_seconds
        seconds = prepared.seconds(rows)
        kept: Rows = rows[(seconds >= self.min_seconds) & (seconds <= longest)]
        if not len(kept):
            raise InputError(
                f"data.min_seconds={self.min_seconds}, data.max_seconds={self.max_seconds}: none "
                f"of {len(rows)} training recordings is between these limits; widen them"
            )
        return kept

    def _log(self, message: str, *values: object, level: int = logging.INFO) -> None:
        """Log from one process only; errors are raised in all of them."""
        if self.trainer is None or self.trainer.is_global_zero:
            _log.log(level, message, *values)
