"""Hears the recordings of a corpus: their mels, and the pitch of some of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts.audio import LogMel
from tts.audio.pcm import Waveform
from tts.audio.resampling import resampled
from tts.data.corpora.manifest import Utterance
from tts.data.features.contract import Contract, compute_mel
from tts.metrics.pitch import pitch_curve

# Rate in Hz, frame and hop in samples, at which the pitch is measured: the harmonics of a voice
# lie below 4 kHz, and the time that it takes grows with the rate
_PITCH_RATE, _PITCH_FRAME, _PITCH_HOP = 8000, 512, 160


class HeardRecording(NamedTuple):
    """Holds the sums of one recording as training sees it.

    Attributes:
        n_frames: number of mel frames.
        sums: ``(n_mels,)``, the sum of the log-mel over the frames, by band.
        squares: ``(n_mels,)``, the sum of its squares.
        pitch: ``(T,)``, the pitch in Hz each 20 ms, NaN where there is no voice; no values where
            the pitch was not measured.
    """

    n_frames: int
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    pitch: NDArray[np.float64]


class CorpusListener:
    """Hears one recording after the other; it may be called by several threads at once.

    Args:
        contract: the samples and the mel of a training.
        utterances: the utterances of the corpus.
        pitch_clips: number of recordings, evenly spread over the corpus, of which the pitch is
            measured.
    """

    def __init__(
        self, contract: Contract, utterances: Sequence[Utterance], pitch_clips: int
    ) -> None:
        self._contract, self._log_mel = contract, LogMel(contract.mel)
        chosen = np.linspace(0, len(utterances) - 1, min(pitch_clips, len(utterances)))
        self._with_pitch = {utterances[round(place)].id for place in chosen.tolist()}

    def __call__(self, utterance: Utterance, samples: Waveform, rate: int) -> HeardRecording:
        """Hear the samples ``(T_wave,)`` of a recording.

        Raises:
            InputError: there are too few samples for a frame.
        """
        processed = self._contract.processed(samples, rate)
        mel = compute_mel(processed, self._log_mel).astype(np.float64)
        pitch = np.zeros(0)
        if utterance.id in self._with_pitch:
            narrow = resampled(processed, self._contract.mel.sample_rate, _PITCH_RATE)
            pitch = pitch_curve(narrow, _PITCH_RATE, _PITCH_FRAME, _PITCH_HOP)
        return HeardRecording(mel.shape[1], mel.sum(1), np.square(mel).sum(1), pitch)
