"""The two ``LightningDataModule``s: text and mels for Tacotron 2, mels and waves for WaveGlow.

``prepare_data`` (one process) checks the corpus and fills the cache; ``setup`` (every process)
splits and indexes; the loaders deal batches out to the ranks themselves, so the trainer is used
with ``use_distributed_sampler=False``.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from tts.audio import MelConfig
from tts.data.corpora import Corpus
from tts.data.datasets import MelWaveDataset, TextMelDataset, collate_mel_wave, collate_text_mel
from tts.data.manifest import Utterance
from tts.data.mel_store import MelStore
from tts.data.recordings import Recording, check_rates, inspect
from tts.data.sampler import BucketBatchSampler, EpochBatchSampler
from tts.errors import InputError
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
        num_workers: processes of each loader; 0 loads in the training process.
        seed: of batches and segments.
        resample: accept recordings at another rate than ``mel.sample_rate``.
        min_seconds: leave shorter recordings out of the training; validation has them all.
        max_seconds: leave longer recordings out of the training.
    """

    def __init__(
        self,
        corpus: Corpus,
        mel: MelConfig,
        cache_dir: str | Path,
        *,
        batch_size: int = 32,
        val_batch_size: int | None = None,
        num_workers: int = 0,
        seed: int = 1234,
        resample: bool = False,
        min_seconds: float = 0.0,
        max_seconds: float | None = None,
    ) -> None:
        super().__init__()
        self.corpus = corpus
        self.mel = mel
        self.cache_dir = Path(cache_dir).expanduser()
        self.batch_size = batch_size
        self.val_batch_size = batch_size if val_batch_size is None else val_batch_size
        self.num_workers = num_workers
        self.seed = seed
        self.resample = resample
        self.min_seconds = min_seconds
        self.max_seconds = max_seconds
        self._datasets: dict[str, Any] = {}

    def prepare_data(self) -> None:
        """Make or check the corpus and fill the cache; Lightning calls it in one process only.

        Raises:
            InputError: naming the file, the row or the setting at fault.
        """
        self.corpus.prepare()
        utterances = self.corpus.utterances()
        recordings = self._inspect(utterances)
        check_rates(utterances, recordings, self.mel.sample_rate, self.resample)
        self._training_part(self.corpus.split()["train"], recordings)

    def setup(self, stage: str | None = None) -> None:
        """Index the parts of the split, once for all stages.

        Raises:
            InputError: naming the file, the row or the setting at fault.
        """
        if self._datasets:
            return
        recordings = self._inspect(self.corpus.utterances())
        split = self.corpus.split()
        n_all = len(split["train"])
        split["train"] = self._training_part(split["train"], recordings)
        if n_out := n_all - len(split["train"]):
            self._say("%d of %d recordings are too short or too long to train on", n_out, n_all)
        self._datasets = {
            name: self._dataset(name, utterances, recordings)
            for name, utterances in split.items()
            if utterances
        }
        sizes = ", ".join(f"{len(utterances)} {name}" for name, utterances in split.items())
        self._say("%s: %s", self.corpus.name, sizes)

    def train_dataloader(self) -> DataLoader[Any]:
        """Give the training batches: new ones each epoch, unless the trainer overfits a few."""
        overfits = getattr(self.trainer, "overfit_batches", 0) > 0
        return self._loader("train", self.batch_size, shuffle=not overfits)

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Give the validation batches, or an empty list when nothing is held back."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Give the test batches, or an empty list when nothing is held back."""
        return self._evaluation_loader("test")

    @abstractmethod
    def _dataset(
        self, part: str, utterances: Sequence[Utterance], recordings: Mapping[str, Recording]
    ) -> Any:
        """Make the dataset of "train", "val" or "test"."""

    @abstractmethod
    def _loader(self, part: str, batch_size: int, shuffle: bool) -> DataLoader[Any]:
        """Make the loader of a part that is not empty."""

    def _evaluation_loader(self, part: str) -> DataLoader[Any] | list[Any]:
        if part not in self._datasets:
            self._say("%s: no utterances for %r", self.corpus.name, part, level=logging.WARNING)
            return []
        return self._loader(part, self.val_batch_size, shuffle=False)

    def _batches(
        self, lengths: Sequence[int], batch_size: int, **options: Any
    ) -> BucketBatchSampler:
        """Deal items out to this rank: rank 0 of 1 when there is no trainer."""
        rank, world_size = 0, 1
        if self.trainer is not None:
            rank, world_size = self.trainer.global_rank, self.trainer.world_size
        return BucketBatchSampler(
            lengths, batch_size, seed=self.seed, rank=rank, world_size=world_size, **options
        )

    def _loader_options(self) -> dict[str, Any]:
        on_gpu = self.trainer is not None and self.trainer.strategy.root_device.type == "cuda"
        return {
            "num_workers": self.num_workers,
            "persistent_workers": self.num_workers > 0,
            "pin_memory": on_gpu,
            # Each pass over a loader draws a seed for its workers: not from the global generator,
            # or the number of passes would change what the network draws from it
            "generator": torch.Generator().manual_seed(self.seed),
        }

    def _inspect(self, utterances: Sequence[Utterance]) -> dict[str, Recording]:
        return inspect(utterances, self.cache_dir, self.corpus.name)

    def _training_part(
        self, utterances: Sequence[Utterance], recordings: Mapping[str, Recording]
    ) -> list[Utterance]:
        """Leave out what is too short or too long."""
        longest = float("inf") if self.max_seconds is None else self.max_seconds
        kept = [u for u in utterances if self.min_seconds <= recordings[u.id].seconds <= longest]
        if not kept:
            raise InputError(
                f"min_seconds={self.min_seconds}, data.max_seconds={self.max_seconds}: none "
                f"of {len(utterances)} training recordings is between them; widen them"
            )
        return kept

    def _say(self, message: str, *values: object, level: int = logging.INFO) -> None:
        """Log from one process; what goes wrong is raised in all of them."""
        if self.trainer is None or self.trainer.is_global_zero:
            _log.log(level, message, *values)


class TextMelDataModule(SpeechDataModule):
    """Symbol ids and log-mels: what Tacotron 2 is trained on.

    Args:
        corpus: what to train on.
        mel: the mel contract.
        tokenizer: text to symbol ids. Characters it does not know are counted over the corpus
            and reported in one line, or refused if it is told to raise.
        cache_dir: folder for the mels.
        bucket_batches: see ``BucketBatchSampler``.
        **loading: the other arguments of ``SpeechDataModule``.
    """

    def __init__(
        self,
        corpus: Corpus,
        mel: MelConfig,
        tokenizer: Tokenizer,
        cache_dir: str | Path,
        *,
        bucket_batches: int = 8,
        **loading: Any,
    ) -> None:
        super().__init__(corpus, mel, cache_dir, **loading)
        self.tokenizer = tokenizer
        self.bucket_batches = bucket_batches
        self._store: MelStore | None = None

    def prepare_data(self) -> None:
        """Make or check the corpus, and compute its mels.

        Raises:
            InputError: naming the file, the row or the setting at fault.
        """
        super().prepare_data()
        # before the mels: a text that cannot be read should not cost their computation
        _encode(self.tokenizer, self.corpus.utterances())
        self._open_store()

    def setup(self, stage: str | None = None) -> None:
        """Read all texts and index the parts of the split, once for all stages.

        Raises:
            InputError: naming the file, the row or the setting at fault.
        """
        if not self._datasets:
            self._store = self._open_store()
            if report := _unknown_characters(self.tokenizer, self.corpus.utterances()):
                self._say("left out, %s", report, level=logging.WARNING)
        super().setup(stage)

    def _open_store(self) -> MelStore:
        utterances = self.corpus.utterances()
        return MelStore.build(utterances, self.mel, self.cache_dir, self.corpus.name)

    def _dataset(
        self, part: str, utterances: Sequence[Utterance], recordings: Mapping[str, Recording]
    ) -> TextMelDataset:
        assert self._store is not None
        names = [utterance.id for utterance in utterances]
        return TextMelDataset(names, _encode(self.tokenizer, utterances), self._store)

    def _loader(self, part: str, batch_size: int, shuffle: bool) -> DataLoader[Any]:
        dataset = self._datasets[part]
        batches = self._batches(
            dataset.lengths, batch_size, shuffle=shuffle, bucket_batches=self.bucket_batches
        )
        return DataLoader(
            dataset,
            batch_sampler=batches,
            collate_fn=collate_text_mel,
            **self._loader_options(),
        )


class MelWaveDataModule(SpeechDataModule):
    """Segments of recordings with their log-mels: what WaveGlow is trained on.

    Args:
        corpus: what to train on; its texts are not used.
        mel: the mel contract.
        cache_dir: folder for the lengths of the recordings.
        segment_length: samples of a segment; shorter recordings are padded with silence.
        **loading: the other arguments of ``SpeechDataModule``.

    Raises:
        InputError: a segment is too short for a single frame.
    """

    def __init__(
        self,
        corpus: Corpus,
        mel: MelConfig,
        cache_dir: str | Path,
        *,
        segment_length: int = 16000,
        **loading: Any,
    ) -> None:
        super().__init__(corpus, mel, cache_dir, **loading)
        if segment_length < mel.n_fft:
            raise InputError(
                f"segment_length={segment_length}: must be at least audio.n_fft={mel.n_fft}"
            )
        self.segment_length = segment_length

    def _dataset(
        self, part: str, utterances: Sequence[Utterance], recordings: Mapping[str, Recording]
    ) -> MelWaveDataset:
        return MelWaveDataset(
            utterances,
            recordings,
            self.mel,
            self.segment_length,
            seed=self.seed,
            random=part == "train",
        )

    def _loader(self, part: str, batch_size: int, shuffle: bool) -> DataLoader[Any]:
        dataset = self._datasets[part]
        batches = self._batches([self.segment_length] * len(dataset), batch_size, shuffle=shuffle)
        return DataLoader(
            dataset,
            batch_sampler=EpochBatchSampler(batches),
            collate_fn=collate_mel_wave,
            **self._loader_options(),
        )


def _encode(tokenizer: Tokenizer, utterances: Sequence[Utterance]) -> list[list[int]]:
    """Read all texts; what the table does not have was reported for the corpus as a whole."""
    quiet = Tokenizer(tokenizer.symbols, tokenizer.cleaner, on_unknown="ignore")
    texts = []
    for utterance in utterances:
        try:
            texts.append(quiet.encode(utterance.text))
        except InputError as error:
            raise InputError(f"{utterance.where}: {error}") from None
    return texts


def _unknown_characters(tokenizer: Tokenizer, utterances: Sequence[Utterance]) -> str:
    """Say in one line which characters of a corpus have no symbol, or refuse them."""
    if tokenizer.on_unknown == "ignore":
        return ""
    found = [(u.where, unknown) for u in utterances if (unknown := tokenizer.unknown(u.text))]
    if not found:
        return ""
    counts: Counter[str] = Counter()
    for _, unknown in found:
        counts.update(unknown)
    listed = ", ".join(f"{shown!r} x{count}" for shown, count in counts.most_common())
    report = f"not in the symbol table: {listed}; first in {found[0][0]}"
    # A phone in braces is a mistake of the writer under either policy
    if tokenizer.on_unknown == "raise" or any(len(shown) > 1 for shown in counts):
        raise InputError(f"{report}; spell these out, or set tokenizer.on_unknown=ignore")
    return report
