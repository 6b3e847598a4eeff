"""Gives the items of a training set, and collates them into batches.

``TextMelDataset`` pairs symbol ids with stored mels. ``MelWaveDataset`` cuts a segment from a
recording, or from its samples where they are stored, and computes the mel of that segment alone,
mirrored at its own ends, as NVIDIA's WaveGlow does. With predicted mels it takes their frames
instead, and a segment begins where a frame begins. A generator of its own, with seed, epoch and
index as the key, chooses the segment: the choice does not depend on the number of workers, the
other items or the global generators.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from tts.audio import LogMel
from tts.data.features.corpus_table import Rows
from tts.data.features.gta import GtaMels
from tts.data.features.prepared import Prepared
from tts.data.features.tokens import TokenTable
from tts.data.loading.batch import MelWaveBatch, TextMelBatch
from tts.data.loading.mixed_reading import MixedReading

Key = int | tuple[int, int]


class TextMelItem(NamedTuple):
    """Holds an utterance: id, symbol ids ``(T_text,)``, mel ``(n_mels, T_mel)`` and speaker."""

    name: str
    text: Tensor
    mel: Tensor
    skipped: tuple[str, ...] = ()
    speaker: int = 0


class MelWaveItem(NamedTuple):
    """Holds a segment: its utterance's id, mel ``(n_mels, T_mel)`` and samples ``(T_wave,)``."""

    name: str
    mel: Tensor
    wave: Tensor
    skipped: tuple[str, ...] = ()


class TextMelDataset(Dataset[TextMelItem]):
    """Gives the utterances for an acoustic model.

    Args:
        prepared: a corpus with mels.
        rows: the utterances to give.
        tokens: the symbol ids of its texts.
        reading: gives other symbol ids in every epoch; the lengths remain those of ``tokens``.
    """

    def __init__(
        self,
        prepared: Prepared,
        rows: Rows,
        tokens: TokenTable,
        reading: MixedReading | None = None,
    ) -> None:
        self.prepared, self.rows, self.tokens, self.reading = prepared, rows, tokens, reading
        self.names: Sequence[str] = prepared.table.column("name", rows)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Return the number of frames of each utterance, for bucketing."""
        return self.prepared.table.rows["frames"][self.rows].astype(np.int64)

    @property
    def text_lengths(self) -> NDArray[np.int64]:
        """Return the number of symbols of each utterance."""
        return self.tokens.lengths(self.rows)

    def fallbacks(self, key: Key) -> Iterator[Key]:
        """Yield the key itself, then the keys of shorter utterances, then those of longer ones.

        A batch that keeps to a budget of frames still does so with a shorter utterance in it. The
        utterances of the most similar length come first.
        """
        yield key
        epoch, index = _epoch_and_index(key)
        ranked = np.argsort(self.lengths, kind="stable").tolist()
        place = ranked.index(index)
        yield from ((epoch, other) for other in [*ranked[:place][::-1], *ranked[place + 1 :]])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Key) -> TextMelItem:
        """Return an utterance.

        Args:
            key: ``(epoch, index)``, or the index alone for epoch 0.
        """
        epoch, index = _epoch_and_index(key)
        row = int(self.rows[index])
        ids = self.tokens[row] if self.reading is None else self.reading(epoch, index)
        text, mel = torch.as_tensor(ids, dtype=torch.int64), self.prepared.mel(row)
        speaker = int(self.prepared.table.rows["speaker"][row])
        return TextMelItem(self.names[index], text, mel, speaker=speaker)


class MelWaveDataset(Dataset[MelWaveItem]):
    """Gives segments for a vocoder.

    Args:
        prepared: a corpus with samples, of its own or in its recordings.
        rows: the utterances to give.
        segment_length: samples of a segment; shorter recordings are padded with zeros on the
            right.
        seed: seed of the choice of segments.
        random: draw another segment in each epoch; otherwise always give the one in the middle.
        gta: mels of an acoustic model, which replace those of the segments.
    """

    def __init__(
        self,
        prepared: Prepared,
        rows: Rows,
        segment_length: int,
        *,
        seed: int = 0,
        random: bool = True,
        gta: GtaMels | None = None,
    ) -> None:
        self.prepared, self.rows, self.gta = prepared, rows, gta
        self.names: Sequence[str] = prepared.table.column("name", rows)
        self.segment_length = segment_length
        self.seed = seed
        self.random = random
        self.log_mel = LogMel(prepared.contract.mel)

    def __len__(self) -> int:
        return len(self.rows)

    def fallbacks(self, key: Key) -> Iterator[Key]:
        """Return the key itself, then the keys of the utterances that follow."""
        epoch, index = _epoch_and_index(key)
        return ((epoch, (index + k) % len(self)) for k in range(len(self)))

    def __getitem__(self, key: Key) -> MelWaveItem:
        """Return a segment.

        Args:
            key: ``(epoch, index)``, or the index alone for epoch 0.
        """
        epoch, index = _epoch_and_index(key)
        row = int(self.rows[index])
        n_samples = int(self.prepared.table.rows["samples"][row])
        start = self._start(epoch, index, max(n_samples - self.segment_length, 0))
        samples = self.prepared.wave(row, start, self.segment_length)
        wave = torch.from_numpy(np.pad(samples, (0, self.segment_length - len(samples))))
        mel = self.log_mel(wave)[0] if self.gta is None else self._predicted(self.gta, row, start)
        return MelWaveItem(self.names[index], mel, wave)

    def _predicted(self, gta: GtaMels, row: int, start: int) -> Tensor:
        """Return the predicted frames ``(n_mels, T_mel)`` of a segment, padded with silence."""
        config = self.log_mel.config
        n_frames, first = config.n_frames(self.segment_length), start // config.hop_length
        mel = gta.mel(row)[:, first : first + n_frames]
        return F.pad(mel, (0, n_frames - mel.shape[1]), value=config.silence)

    def _start(self, epoch: int, index: int, last: int) -> int:
        """Return the first sample of a segment, at most ``last``."""
        step = 1 if self.gta is None else self.log_mel.config.hop_length
        if not self.random:
            return last // 2 // step * step
        generator = np.random.default_rng([self.seed, epoch, index])
        return step * int(generator.integers(last // step + 1))


def _epoch_and_index(key: Key) -> tuple[int, int]:
    return key if isinstance(key, tuple) else (0, key)


def collate_text_mel(items: Sequence[TextMelItem]) -> TextMelBatch:
    """Pad utterances with zeros on the right and stack them."""
    texts, text_lengths = _padded([item.text for item in items])
    mels, mel_lengths = _padded([item.mel for item in items])
    names = tuple(item.name for item in items)
    speakers = torch.tensor([item.speaker for item in items])
    return TextMelBatch(texts, text_lengths, mels, mel_lengths, names, _skipped(items), speakers)


def collate_mel_wave(items: Sequence[MelWaveItem]) -> MelWaveBatch:
    """Stack segments, which are equally long."""
    names = tuple(item.name for item in items)
    mels = torch.stack([item.mel for item in items])
    waves = torch.stack([item.wave for item in items])
    return MelWaveBatch(mels, waves, names, _skipped(items))


def _skipped(items: Sequence[TextMelItem] | Sequence[MelWaveItem]) -> tuple[str, ...]:
    return tuple(message for item in items for message in item.skipped)


def _padded(tensors: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Stack tensors ``(..., T)`` to ``(B, ..., max T)``, and return their lengths ``(B,)``."""
    lengths = torch.tensor([tensor.shape[-1] for tensor in tensors])
    stacked = tensors[0].new_zeros(len(tensors), *tensors[0].shape[:-1], int(lengths.max()))
    for row, tensor in zip(stacked, tensors, strict=True):
        row[..., : tensor.shape[-1]] = tensor
    return stacked, lengths
