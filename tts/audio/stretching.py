"""Makes speech faster or slower on its log-mel spectrogram, before the vocoder; the pitch stays.

Frame j of the stretched spectrogram shows the moment ``j · speed`` of the original one. Where
speech gets slower, it is interpolated linearly between two frames. Where speech gets faster, it is
the mean of the ``speed`` frames around its moment, so that no frame is skipped. The vocoder then
finds the phases of the new frames. Nothing here needs torch, as exported networks use it, too.

Shapes: ``T`` frames, ``K`` original frames that take part in a stretched one.
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


def reach(speed: float) -> int:
    """Return how many original frames after its moment a stretched frame depends on, at most."""
    return math.ceil(max(speed, 1.0) / 2 + 0.5)


def sources(first: int, last: int, speed: float) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return what stretched frames are made of.

    Args:
        first: the first stretched frame.
        last: the frame after the last one.
        speed: playing speed.

    Returns:
        ``(K, last - first)`` numbers of original frames, some of which may lie before the first or
        after the last one, and the weights of these frames, whose sum is 1.
    """
    moments, width = np.arange(first, last) * float(speed), max(float(speed), 1.0)
    around = np.arange(-reach(speed), reach(speed) + 1)[:, None]
    frames = np.floor(moments).astype(np.int64) + around
    # an original frame lasts from half a frame before its moment to half a frame after it
    begin = np.maximum(frames - 0.5, moments - width / 2)
    end = np.minimum(frames + 0.5, moments + width / 2)
    weights = np.maximum(end - begin, 0.0) / width
    return frames, weights.astype(np.float32)


def nearest_frames(n_frames: int, speed: float) -> NDArray[np.int64]:
    """Return for each stretched frame the nearest one of ``n_frames`` original frames."""
    moments = np.arange(stretched_length(n_frames, speed)) * float(speed)
    nearest = np.minimum(np.floor(moments + 0.5), n_frames - 1)
    result: NDArray[np.int64] = nearest.astype(np.int64)
    return result


def stretched(mel: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """Return a log-mel spectrogram ``(n_mels, T)`` at another speed, ``(n_mels, T / speed)``."""
    if speed == 1:
        return mel
    n_frames = mel.shape[1]
    frames, weights = sources(0, stretched_length(n_frames, speed), speed)
    inside = frames.clip(0, n_frames - 1)
    result: NDArray[np.float32] = sum(
        (mel[:, frame] * weight for frame, weight in zip(inside, weights, strict=True)),
        np.zeros((len(mel), 1), np.float32),
    )
    return result
