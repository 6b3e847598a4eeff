"""Distance of spectrograms that need not be equally long: how far speech is from the recording.

Dynamic time warping (Sakoe and Chiba, 1978) of log-mel frames, as in mel-cepstral distortion with
DTW (Kubichek, 1993), but of the mels themselves: they are what is trained, and silence, loudness
and pitch count. It is 0 for the same spectrogram, and says nothing of alignments: a straight
diagonal that leads to a blur is far from the recording.
"""

from __future__ import annotations

import torch
from torch import Tensor


def mel_distance(mel: Tensor, target: Tensor) -> float:
    """Mean absolute difference of log-mels along the best path through both.

    Frames in surplus, of babble, say, are compared with what is nearest in time in the other one:
    they are on the path, and count.

    Args:
        mel: ``(n_mels, T_mel)``, free-running output.
        target: ``(n_mels, T_target)``, of the recording.

    Returns:
        In units of the log-mels (natural logarithms); infinite if one has no frames or is not
        finite.
    """
    import librosa

    if not mel.shape[1] or not target.shape[1] or not torch.isfinite(mel).all():
        return float("inf")
    cost = frame_distances(mel, target).numpy()
    _, path = librosa.sequence.dtw(C=cost)
    return float(cost[path[:, 0], path[:, 1]].mean())


def aligned_mel_distance(mel: Tensor, target: Tensor) -> float:
    """The same for spectrograms of which each frame has its counterpart, as a vocoder's have.

    Args:
        mel: ``(n_mels, T_mel)``.
        target: ``(n_mels, T_mel)``, or a few frames more or less, which are left out.
    """
    n = min(mel.shape[1], target.shape[1])
    if not n or not torch.isfinite(mel).all():
        return float("inf")
    return float((mel[:, :n].double() - target[:, :n].double()).abs().mean())


def frame_distances(mel: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of each frame of one to each of the other: ``(T_mel, T_target)``."""
    rows, columns = mel.T.double().cpu(), target.T.double().cpu()
    return torch.cdist(rows, columns, p=1) / mel.shape[0]
