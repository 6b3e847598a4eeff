"""Makes speech faster or slower on its log-mel spectrogram, before the vocoder; the pitch stays.

Frame j of the stretched spectrogram shows the moment ``j · speed`` of the original one, by linear
interpolation between its two neighbours. The vocoder then finds the phases for the new frames.
Nothing here needs torch, so that exported networks can use it.

Shapes: ``T`` frames.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tts.core.ranges import Number

#: Legal speeds; 1 leaves the sound as it is.
SPEEDS = Number(float, least=0.25, most=4)


def stretched_length(n_frames: int, speed: float) -> int:
    """Return the number of frames after stretching: all whose moments lie in the original."""
    return math.ceil(n_frames / speed)


def neighbours(
    first: int, last: int, speed: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return what stretched frames are made of.

    Args:
        first: the first stretched frame.
        last: the frame after the last one.
        speed: playing speed.

    Returns:
        ``(last - first,)`` the original frame at or before each stretched frame, and the weight of
        the frame after it; the weight of the frame itself is the rest to 1.
    """
    moments = np.arange(first, last) * float(speed)
    before = np.floor(moments)
    return before.astype(np.int64), (moments - before).astype(np.float32)


def nearest_frames(n_frames: int, speed: float) -> NDArray[np.int64]:
    """Return for each stretched frame the nearest one of ``n_frames`` original frames."""
    before, weight = neighbours(0, stretched_length(n_frames, speed), speed)
    nearest: NDArray[np.int64] = np.minimum(before + (weight >= 0.5), n_frames - 1)
    return nearest


def stretched(mel: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """Return a log-mel spectrogram ``(n_mels, T)`` at another speed, ``(n_mels, T / speed)``."""
    if speed == 1:
        return mel
    n_frames = mel.shape[1]
    before, weight = neighbours(0, stretched_length(n_frames, speed), speed)
    after = np.minimum(before + 1, n_frames - 1)
    result: NDArray[np.float32] = mel[:, before] * (1 - weight) + mel[:, after] * weight
    return result
