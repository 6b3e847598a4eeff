"""The two batches that training sees, as named tuples that Lightning moves between devices.

Shapes: ``B`` batch, ``T_text`` symbols, ``T_mel`` frames, ``T_wave`` samples. Lengths are int64.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class TextMelBatch(NamedTuple):
    """Utterances for an acoustic model, padded on the right.

    Attributes:
        text: ``(B, T_text)`` symbol ids, padded with 0.
        text_lengths: ``(B,)`` number of symbols of each utterance.
        mel: ``(B, n_mels, T_mel)`` log-mel spectrograms, padded with 0.
        mel_lengths: ``(B,)`` number of frames of each utterance.
        names: utterance ids, for messages and file names.
        skipped: what was wrong with utterances that others of the batch stand in for.
        speakers: ``(B,)`` numbers of the speakers, int64; a single one stands for all.
    """

    text: Tensor
    text_lengths: Tensor
    mel: Tensor
    mel_lengths: Tensor
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    speakers: Tensor = torch.zeros(1, dtype=torch.int64)


class MelWaveBatch(NamedTuple):
    """Equally long segments for a vocoder.

    Attributes:
        mel: ``(B, n_mels, T_mel)`` log-mel spectrograms of the segments.
        wave: ``(B, T_wave)`` samples in [-1, 1].
        names: utterance ids, for messages and file names.
        skipped: what was wrong with utterances that others of the batch stand in for.
    """

    mel: Tensor
    wave: Tensor
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()
