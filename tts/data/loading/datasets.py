"""Datasets and how their items become batches.

``TextMelDataset`` pairs ids with stored mels. ``MelWaveDataset`` cuts a segment from a recording,
or from its samples where they are stored, and computes the mel of just that segment, mirrored at
its own ends, as NVIDIA's WaveGlow does; or takes the frames that an acoustic model predicted for
it, and then begins where a frame does. Which segment comes from a generator of its own, keyed by
seed, epoch and index: the number of workers, the other items and the global generators have no say
in it.
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
    """One utterance: its id, symbol ids ``(T_text,)``, mel ``(n_mels, T_mel)`` and speaker."""

    name: str
    text: Tensor
    mel: Tensor
    skipped: tuple[str, ...] = ()
    speaker: int = 0


class MelWaveItem(NamedTuple):
    """One segment: its utterance's id, mel ``(n_mels, T_mel)`` and samples ``(T_wave,)``."""

    name: str
    mel: Tensor
    wave: Tensor
    skipped: tuple[str, ...] = ()


class TextMelDataset(Dataset[TextMelItem]):
    """Utterances for an acoustic model.

    Args:
        prepared: a corpus with mels.
        rows: which of its utterances.
        tokens: the symbol ids of its texts.
        reading: gives other symbol ids in every epoch; lengths are still those of ``tokens``.
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
        """Frames of each utterance, for bucketing."""
        return self.prepared.table.rows["frames"][self.rows].astype(np.int64)

    @property
    def text_lengths(self) -> NDArray[np.int64]:
        """Symbols of each utterance."""
        return self.tokens.lengths(self.rows)

    def fallbacks(self, key: Key) -> Iterator[Key]:
        """The key itself, then what may take its place: what is just shorter, then what is longer.

        A batch that keeps to a budget of frames does so with a shorter utterance in it, too.
        """
        yield key
        epoch, index = _epoch_and_index(key)
        ranked = np.argsort(self.lengths, kind="stable").tolist()
        place = ranked.index(index)
        yield from ((epoch, other) for other in [*ranked[:place][::-1], *ranked[place + 1 :]])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Key) -> TextMelItem:
        """Read an utterance.

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
    """Segments for a vocoder.

    Args:
        prepared: a corpus with samples, of its own or in its recordings.
        rows: which of its utterances.
        segment_length: samples of a segment; shorter recordings are padded with zeros on the
            right.
        seed: of the choice of segments.
        random: draw a segment for each epoch; else the one in the middle, every time.
        gta: mels of an acoustic model, to be used instead of those of the segments.
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
        """The key itself, then what may take its place: the utterances that follow."""
        epoch, index = _epoch_and_index(key)
        return ((epoch, (index + k) % len(self)) for k in range(len(self)))

    def __getitem__(self, key: Key) -> MelWaveItem:
        """Cut a segment.

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
        """The frames ``(n_mels, T_mel)`` of a segment; silence after the end of the recording."""
        config = self.log_mel.config
        n_frames, first = config.n_frames(self.segment_length), start // config.hop_length
        mel = gta.mel(row)[:, first : first + n_frames]
        return F.pad(mel, (0, n_frames - mel.shape[1]), value=config.silence)

    def _start(self, epoch: int, index: int, last: int) -> int:
        """The first sample of a segment, at most ``last``."""
        step = 1 if self.gta is None else self.log_mel.config.hop_length
        if not self.random:
            return last // 2 // step * step
        chance = np.random.default_rng([self.seed, epoch, index])
        return step * int(chance.integers(last // step + 1))


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
    """Stack tensors ``(..., T)`` to ``(B, ..., max T)``, and give their lengths ``(B,)``."""
    lengths = torch.tensor([tensor.shape[-1] for tensor in tensors])
    stacked = tensors[0].new_zeros(len(tensors), *tensors[0].shape[:-1], int(lengths.max()))
    for row, tensor in zip(stacked, tensors, strict=True):
        row[..., : tensor.shape[-1]] = tensor
    return stacked, lengths
