"""Defines the two kinds of batches, as named tuples that Lightning moves between devices.

Shapes: ``B`` batch, ``T_text`` symbols, ``T_mel`` frames, ``T_wave`` samples. Lengths are int64.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class TextMelBatch(NamedTuple):
    """Holds utterances for an acoustic model, padded on the right.

    Attributes:
        text: ``(B, T_text)`` symbol ids, padded with 0.
        text_lengths: ``(B,)`` number of symbols of each utterance.
        mel: ``(B, n_mels, T_mel)`` log-mel spectrograms, padded with 0.
        mel_lengths: ``(B,)`` number of frames of each utterance.
        names: utterance ids, for messages and file names.
        skipped: messages about utterances that could not be read; others replace them.
        speakers: ``(B,)`` numbers of the speakers, int64; a single number is that of all.
    """

    text: Tensor
    text_lengths: Tensor
    mel: Tensor
    mel_lengths: Tensor
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    speakers: Tensor = torch.zeros(1, dtype=torch.int64)


class MelWaveBatch(NamedTuple):
    """Holds equally long segments for a vocoder.

    Attributes:
        mel: ``(B, n_mels, T_mel)`` log-mel spectrograms of the segments.
        wave: ``(B, T_wave)`` samples in [-1, 1].
        names: utterance ids, for messages and file names.
        skipped: messages about utterances that could not be read; others replace them.
    """

    mel: Tensor
    wave: Tensor
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()
