"""Measures the pitch of recorded speech by probabilistic YIN (Mauch and Dixon, 2014)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Range of the pitch in Hz.
LOWEST_HZ, HIGHEST_HZ = 65.0, 500.0


def pitch_curve(
    samples: NDArray[np.float32], sample_rate: int, frame_length: int, hop_length: int
) -> NDArray[np.float64]:
    """Return the pitch ``(T,)`` of samples ``(T_wave,)`` in Hz, NaN in frames without a voice.

    Args:
        samples: the samples.
        sample_rate: their rate in Hz.
        frame_length: length of a frame in samples, two periods of the lowest pitch at least.
        hop_length: distance of neighbouring frames in samples.
    """
    import librosa

    pitch, _, _ = librosa.pyin(
        samples,
        fmin=LOWEST_HZ,
        fmax=HIGHEST_HZ,
        sr=sample_rate,
        frame_length=frame_length,
        hop_length=hop_length,
    )
    return np.asarray(pitch, dtype=np.float64)
