"""Datasets and how their items become batches.

``TextMelDataset`` pairs ids with stored mels. ``MelWaveDataset`` cuts a segment from a recording
and computes the mel of just that segment, mirrored at its own ends, as NVIDIA's WaveGlow does.
Which segment comes from a generator of its own, keyed by seed, epoch and index: the number of
workers, the other items and the global generators have no say in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from tts.audio import LogMel, MelConfig
from tts.data.batch import MelWaveBatch, TextMelBatch
from tts.data.manifest import Utterance
from tts.data.mel_store import MelStore
from tts.data.recordings import Recording, read_samples
from tts.data.texts import MixedReading
from tts.errors import InputError

Key = int | tuple[int, int]


class TextMelItem(NamedTuple):
    """One utterance: its id, symbol ids ``(T_text,)`` and mel ``(n_mels, T_mel)``."""

    name: str
    text: Tensor
    mel: Tensor
    skipped: tuple[str, ...] = ()


class MelWaveItem(NamedTuple):
    """One segment: its utterance's id, mel ``(n_mels, T_mel)`` and samples ``(T_wave,)``."""

    name: str
    mel: Tensor
    wave: Tensor
    skipped: tuple[str, ...] = ()


class TextMelDataset(Dataset[TextMelItem]):
    """Utterances for an acoustic model.

    Args:
        names: ids of the utterances.
        texts: symbol ids of each.
        store: their mels.
        reading: gives other symbol ids in every epoch; lengths are still those of ``texts``.
    """

    def __init__(
        self,
        names: Sequence[str],
        texts: Sequence[Sequence[int]],
        store: MelStore,
        reading: MixedReading | None = None,
    ) -> None:
        self.names = list(names)
        self.texts = [torch.tensor(text, dtype=torch.int64) for text in texts]
        self.store = store
        self.reading = reading
        if len(self.names) != len(self.texts):
            raise ValueError(f"{len(self.names)} names but {len(self.texts)} texts")

    @property
    def lengths(self) -> list[int]:
        """Frames of each utterance, for bucketing."""
        return [self.store.n_frames(name) for name in self.names]

    @property
    def text_lengths(self) -> list[int]:
        """Symbols of each utterance."""
        return [len(text) for text in self.texts]

    def stand_ins(self, key: Key) -> Iterator[Key]:
        """The key itself, then what may take its place: what is just shorter, then what is longer.

        A batch that keeps to a budget of frames does so with a shorter utterance in it, too.
        """
        yield key
        epoch, index = _epoch_and_index(key)
        ranked = np.argsort(self.lengths, kind="stable").tolist()
        place = ranked.index(index)
        yield from ((epoch, other) for other in [*ranked[:place][::-1], *ranked[place + 1 :]])

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, key: Key) -> TextMelItem:
        """Read an utterance.

        Args:
            key: ``(epoch, index)``, or the index alone for epoch 0.
        """
        epoch, index = _epoch_and_index(key)
        name, text = self.names[index], self.texts[index]
        if self.reading is not None:
            text = torch.tensor(self.reading(epoch, index), dtype=torch.int64)
        return TextMelItem(name, text, self.store[name])


class MelWaveDataset(Dataset[MelWaveItem]):
    """Segments for a vocoder.

    Args:
        utterances: recordings to cut from.
        recordings: their rates and lengths.
        config: the mel contract; recordings at another rate are resampled.
        segment_length: samples of a segment; shorter recordings are padded with zeros on the
            right.
        seed: of the choice of segments.
        random: draw a segment for each epoch; else the one in the middle, every time.
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        recordings: Mapping[str, Recording],
        config: MelConfig,
        segment_length: int,
        *,
        seed: int = 0,
        random: bool = True,
    ) -> None:
        self.utterances = list(utterances)
        self.recordings = [recordings[utterance.id] for utterance in utterances]
        self.segment_length = segment_length
        self.seed = seed
        self.random = random
        self.log_mel = LogMel(config)

    def __len__(self) -> int:
        return len(self.utterances)

    def stand_ins(self, key: Key) -> Iterator[Key]:
        """The key itself, then what may take its place: the utterances that follow."""
        epoch, index = _epoch_and_index(key)
        return ((epoch, (index + k) % len(self)) for k in range(len(self)))

    def __getitem__(self, key: Key) -> MelWaveItem:
        """Cut a segment.

        Args:
            key: ``(epoch, index)``, or the index alone for epoch 0.
        """
        epoch, index = _epoch_and_index(key)
        wave = torch.from_numpy(self._segment(epoch, index))
        return MelWaveItem(self.utterances[index].id, self.log_mel(wave)[0], wave)

    def _segment(self, epoch: int, index: int) -> NDArray[np.float32]:
        rate = self.log_mel.config.sample_rate
        n_samples = self.recordings[index].n_samples_at(rate)
        start = self._start(epoch, index, max(n_samples - self.segment_length, 0))
        samples = self._read(index, start, rate)
        return np.pad(samples, (0, self.segment_length - len(samples)))

    def _start(self, epoch: int, index: int, last: int) -> int:
        if not self.random:
            return last // 2
        return int(np.random.default_rng([self.seed, epoch, index]).integers(last + 1))

    def _read(self, index: int, start: int, rate: int) -> NDArray[np.float32]:
        path = self.utterances[index].wav
        if self.recordings[index].sample_rate != rate:
            # A resampled segment would differ at its ends from the resampled recording
            return read_samples(path, rate)[start : start + self.segment_length]
        import soundfile

        try:
            samples: NDArray[np.float32]
            samples, _ = soundfile.read(path, self.segment_length, start, dtype="float32")
        except soundfile.SoundFileError as error:
            # soundfile's text begins with the path, which a message has once
            reason = " ".join(str(error).split()).split("': ")[-1]
            if not path.exists():
                reason = "it is gone"
            raise InputError(f"{path}: cannot be read any more ({reason})") from None
        return samples


def _epoch_and_index(key: Key) -> tuple[int, int]:
    return key if isinstance(key, tuple) else (0, key)


def collate_text_mel(items: Sequence[TextMelItem]) -> TextMelBatch:
    """Pad utterances with zeros on the right and stack them."""
    texts, text_lengths = _padded([item.text for item in items])
    mels, mel_lengths = _padded([item.mel for item in items])
    names = tuple(item.name for item in items)
    return TextMelBatch(texts, text_lengths, mels, mel_lengths, names, _skipped(items))


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
