"""Loads text and mels for Tacotron 2, and mels and waves for WaveGlow."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tts.audio import MelConfig
from tts.core.errors import InputError
from tts.core.ranges import Count
from tts.data.corpora.corpus import Corpus
from tts.data.features.corpus_table import Rows
from tts.data.features.gta import AcousticModel, GtaMels, read_acoustic
from tts.data.features.prepared import Prepared
from tts.data.features.tokens import TokenTable, make_tokens
from tts.data.loading.datasets import (
    MelWaveDataset,
    TextMelDataset,
    collate_mel_wave,
    collate_text_mel,
)
from tts.data.loading.frame_budget import FrameBudgetBatchSampler
from tts.data.loading.mixed_reading import mixed_reading
from tts.data.loading.sampler import BucketBatchSampler, EpochBatchSampler, GlobalBatchSampler
from tts.data.loading.speech_datamodule import SpeechDataModule
from tts.data.loading.worker_loader import WorkerLoader
from tts.text import Tokenizer

_log = logging.getLogger(__name__)


class TextMelDataModule(SpeechDataModule):
    """Loads symbol ids and log-mels, on which Tacotron 2 is trained.

    Args:
        corpus: the corpus to train on.
        mel: the mel contract.
        tokenizer: turns texts into symbol ids. Unknown characters are counted over the corpus and
            reported in one line, or refused with ``on_unknown="raise"``.
        cache_dir: folder for features, which are computed once.
        bucket_batches: see ``BucketBatchSampler`` and ``FrameBudgetBatchSampler``.
        **loading: the other arguments of ``SpeechDataModule``.
    """

    def __init__(
        self,
        corpus: Corpus,
        mel: MelConfig,
        tokenizer: Tokenizer,
        cache_dir: str | Path,
        *,
        bucket_batches: Count = 8,
        **loading: Any,
    ) -> None:
        super().__init__(corpus, mel, cache_dir, **loading)
        self.tokenizer = tokenizer
        self.bucket_batches = bucket_batches
        self._tokens: TokenTable | None = None

    @property
    def _text_tokenizer(self) -> Tokenizer:
        return self.tokenizer

    def _open(self, prepared: Prepared) -> None:
        self._tokens = make_tokens(prepared, self.tokenizer, self.on_error)
        if report := self._tokens.report(self.tokenizer):
            self._log("left out, %s", report, level=logging.WARNING)

    def _usable(self, rows: Rows) -> Rows:
        return rows if self._tokens is None else self._tokens.readable(rows)

    def _dataset(self, part: str, prepared: Prepared, rows: Rows) -> TextMelDataset:
        assert self._tokens is not None
        reading = None
        if part == "train":
            names, texts = (prepared.table.column(field, rows) for field in ("name", "text"))
            reading = mixed_reading(self.tokenizer, names, texts, self.seed)
        return TextMelDataset(prepared, rows, self._tokens, reading)

    def _loader(self, part: str, batch_size: int | None, shuffle: bool) -> WorkerLoader:
        dataset = self._datasets[part]
        return WorkerLoader(
            self._with_fallbacks(dataset),
            batch_sampler=EpochBatchSampler(self._batches(dataset, batch_size, shuffle)),
            collate_fn=collate_text_mel,
            **self._loader_options(),
        )

    def _batches(
        self, dataset: TextMelDataset, batch_size: int | None, shuffle: bool
    ) -> GlobalBatchSampler:
        options = self._sampler_options(shuffle) | {"text_lengths": dataset.text_lengths}
        options["bucket_batches"] = self.bucket_batches
        if self.frames_per_batch is None:
            assert batch_size is not None
            return BucketBatchSampler(dataset.lengths, batch_size, **options)
        batches = FrameBudgetBatchSampler(
            dataset.lengths,
            self.frames_per_batch,
            batch_size=batch_size,
            names=dataset.names,
            **options,
        )
        if shuffle:
            self._log(
                "%d batches of up to %d frames in an epoch, %.1f%% of them padding",
                *(len(batches), self.frames_per_batch, 100 * batches.padding_share()),
            )
        return batches


class MelWaveDataModule(SpeechDataModule):
    """Loads segments of recordings with their log-mels, on which WaveGlow is trained.

    Args:
        corpus: the corpus to train on; its texts are not used.
        mel: the mel contract.
        cache_dir: folder for features, which are computed once.
        segment_length: number of samples of a segment; shorter recordings are padded with silence.
        mels: the mel of a segment: "recordings", computed from its samples; "gta", the frames that
            an acoustic model predicts for it, which ``tts.dump_mels`` has written.
        acoustic: the checkpoint of that model.
        **loading: the other arguments of ``SpeechDataModule``. ``batch_size`` is required: segments
            are equally long, so a budget of frames has no effect.

    Raises:
        InputError: a segment is too short for a single frame, ``batch_size`` is missing, or only
            one of ``mels="gta"`` and ``acoustic`` is given.
    """

    needs_waves = True

    def __init__(
        self,
        corpus: Corpus,
        mel: MelConfig,
        cache_dir: str | Path,
        *,
        segment_length: Count = 16000,
        mels: Literal["recordings", "gta"] = "recordings",
        acoustic: str | None = None,
        **loading: Any,
    ) -> None:
        super().__init__(corpus, mel, cache_dir, **loading)
        if (mels == "gta") != (acoustic is not None):
            raise InputError(
                "data.mels=gta: name the acoustic model that predicts the mels, acoustic=CKPT"
                if acoustic is None
                else f"acoustic={acoustic}: has no effect unless data.mels=gta"
            )
        if segment_length < mel.n_fft:
            raise InputError(
                f"segment_length={segment_length}: must be at least audio.n_fft={mel.n_fft}"
            )
        if self.batch_size is None:
            raise InputError("data.batch_size=null: set the number of segments in a batch")
        self.segment_length = segment_length
        self.acoustic = acoustic
        # predicted mels are found by the hash of the recording, which its stored mel has
        self.needs_mels = mels == "gta"
        self._gta: GtaMels | None = None

    def prepare_data(self) -> None:
        """Get or check the corpus and prepare it; Lightning calls this in one process only.

        Raises:
            InputError: the message names the file, the row or the setting at fault.
        """
        if self.frames_per_batch is not None:
            _log.warning(
                "data.frames_per_batch does not apply to segments, which are equally long: a batch "
                "has data.batch_size=%d of them",
                self.batch_size,
            )
        _ = self._model  # refuses another mel contract before anything is prepared
        super().prepare_data()
        self._open(self.opened)

    @cached_property
    def _model(self) -> AcousticModel | None:
        if self.acoustic is None:
            return None
        model, _ = read_acoustic(self.acoustic)
        model.check_mel(self.mel)
        return model

    def _open(self, prepared: Prepared) -> None:
        if self._model is None or self._gta is not None:
            return
        self._gta = GtaMels(prepared, self._model)
        everything = np.arange(len(prepared))
        if n_out := len(prepared) - len(self._gta.complete(everything, self.on_error)):
            message = "left out: %d of %d recordings have no mel of %s"
            self._log(message, n_out, len(prepared), self.acoustic, level=logging.WARNING)

    def _usable(self, rows: Rows) -> Rows:
        return rows if self._gta is None else self._gta.complete(rows, "skip")

    def _dataset(self, part: str, prepared: Prepared, rows: Rows) -> MelWaveDataset:
        return MelWaveDataset(
            prepared,
            rows,
            self.segment_length,
            seed=self.seed,
            random=part == "train",
            gta=self._gta,
        )

    def _loader(self, part: str, batch_size: int | None, shuffle: bool) -> WorkerLoader:
        dataset = self._datasets[part]
        assert batch_size is not None
        lengths = np.full(len(dataset), self.segment_length)
        batches = BucketBatchSampler(lengths, batch_size, **self._sampler_options(shuffle))
        return WorkerLoader(
            self._with_fallbacks(dataset),
            batch_sampler=EpochBatchSampler(batches),
            collate_fn=collate_mel_wave,
            **self._loader_options(),
        )
