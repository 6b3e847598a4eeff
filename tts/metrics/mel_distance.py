"""Measures how far a predicted spectrogram is from the recording; their lengths may differ.

It is dynamic time warping (Sakoe and Chiba, 1978) of log-mel frames, as in mel-cepstral distortion
with DTW (Kubichek, 1993), but of the mels themselves. They are what the network is trained on, and
silence, loudness and pitch count. The distance is 0 for the same spectrogram. It says nothing about
the alignment: a perfect diagonal with a blurred spectrogram has a large distance.
"""

from __future__ import annotations

import torch
from torch import Tensor


def mel_distance(mel: Tensor, target: Tensor) -> float:
    """Return the mean absolute difference of log-mels along the best path through both.

    Surplus frames, such as babble, are on the path too. They are compared with the nearest frame in
    time of the other spectrogram, and count.

    Args:
        mel: ``(n_mels, T_mel)`` log-mel spectrogram, free-running output.
        target: ``(n_mels, T_target)`` log-mel spectrogram of the recording.

    Returns:
        The distance in natural log units; infinite if one has no frames or ``mel`` is not finite.
    """
    import librosa

    if not mel.shape[1] or not target.shape[1] or not torch.isfinite(mel).all():
        return float("inf")
    cost = frame_distances(mel, target).numpy()
    _, path = librosa.sequence.dtw(C=cost)
    return float(cost[path[:, 0], path[:, 1]].mean())


def aligned_mel_distance(mel: Tensor, target: Tensor) -> float:
    """Return the mean absolute difference of log-mels frame by frame, as for a vocoder.

    Args:
        mel: ``(n_mels, T_mel)`` log-mel spectrogram.
        target: ``(n_mels, T_target)`` log-mel spectrogram; frames that only one has are ignored.

    Returns:
        The distance in natural log units; infinite if one has no frames or ``mel`` is not finite.
    """
    n = min(mel.shape[1], target.shape[1])
    if not n or not torch.isfinite(mel).all():
        return float("inf")
    return float((mel[:, :n].cpu().double() - target[:, :n].cpu().double()).abs().mean())


def frame_distances(mel: Tensor, target: Tensor) -> Tensor:
    """Return the mean absolute difference between each frame of one and each of the other.

    Args:
        mel: ``(n_mels, T_mel)``.
        target: ``(n_mels, T_target)``.

    Returns:
        ``(T_mel, T_target)``, float64 on the CPU.
    """
    rows, columns = mel.T.cpu().double(), target.T.cpu().double()
    return torch.cdist(rows, columns, p=1) / mel.shape[0]
