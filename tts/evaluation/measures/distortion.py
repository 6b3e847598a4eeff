"""Measures the distance from the recording of the same sentence in spectral envelope and pitch.

Both distances follow the best path of dynamic time warping through the cepstra. They are meaningful
only for the voice that was recorded: another voice is as far away as another sentence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tts.audio import MelConfig
from tts.evaluation.clips import Clip
from tts.evaluation.measures.measure import Figure, FigureValues, PerClip
from tts.metrics.pitch import pitch_curve

#: The first coefficients after the 0th describe the envelope; the 0th is its level.
N_COEFFICIENTS = 13
#: Frames this far below the loudest one are silence, in dB.
SILENCE_DB = -40.0

FloatArray = NDArray[np.float64]


class Distortion(PerClip):
    """Measures mel-cepstral distortion (Kubichek, 1993) after time warping, and pitch errors.

    The cepstrum is the orthonormal cosine transform of natural log-mels, scaled by
    ``sqrt(2 / n_mels)`` to a cosine series; coefficients 1 to 13 of frames that are not silent.
    """

    name = "distortion"
    figures = (
        Figure("mcd", "MCD dB", ".2f", "lower", "mel-cepstral distortion from the recording, dB"),
        Figure("f0_rmse", "F0 Hz", ".0f", "lower", "root mean square error of the pitch, Hz"),
        Figure("voicing_error", "V/UV", ".1%", "lower", "frames voiced in one of the two only"),
    )

    def __init__(self) -> None:
        self._mel = MelConfig()
        self._reference_features: dict[str, tuple[FloatArray, FloatArray]] = {}

    def load(self) -> None:
        """Do nothing, because librosa is always installed."""

    def row(self, clip: Clip) -> FigureValues:
        """Compare one clip with its recording; return no figures if it has none."""
        import librosa

        if clip.reference is None:
            return {}
        rate = self._mel.sample_rate
        if clip.id not in self._reference_features:
            self._reference_features[clip.id] = self._features(clip.reference.at(rate))
        reference, reference_pitch = self._reference_features[clip.id]
        cepstra, pitch = self._features(clip.sound.at(rate))
        if not len(cepstra) or not len(reference):
            return {}
        cost = np.sqrt(np.square(cepstra[:, None] - reference[None]).sum(-1))
        _, path = librosa.sequence.dtw(C=cost)
        row = {"mcd": 10 / np.log(10) * np.sqrt(2) * float(cost[path[:, 0], path[:, 1]].mean())}
        return row | _pitch_errors(pitch[path[:, 0]], reference_pitch[path[:, 1]])

    def _features(self, samples: NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
        """Return the cepstra and the pitch of the frames that are not silent.

        Returns:
            Cepstra ``(T, 13)``, and the pitch ``(T,)`` in Hz, which is NaN in unvoiced frames.
        """
        import torch
        from scipy.fft import dct

        from tts.audio import LogMel

        peak = float(np.abs(samples).max(initial=0.0))
        if len(samples) <= self._mel.n_fft or not peak:
            return np.zeros((0, N_COEFFICIENTS)), np.zeros(0)
        mel = LogMel(self._mel)(torch.from_numpy(samples / np.float32(peak)))[0].double().numpy()
        cepstra = dct(mel, type=2, norm="ortho", axis=0)[1 : N_COEFFICIENTS + 1].T
        frames = self._mel.n_fft, self._mel.hop_length
        pitch = pitch_curve(samples, self._mel.sample_rate, *frames)
        energy = np.exp(2 * mel).sum(0)
        n = min(len(cepstra), len(pitch))
        audible = (energy > energy.max() * 10 ** (SILENCE_DB / 10))[:n]
        scale = np.sqrt(2 / self._mel.n_mels)
        return scale * cepstra[:n][audible], pitch[:n][audible]


def _pitch_errors(pitch: FloatArray, reference: FloatArray) -> FigureValues:
    """Compare two pitch curves ``(T,)`` in Hz of aligned frames, NaN where unvoiced."""
    voiced, reference_voiced = np.isfinite(pitch), np.isfinite(reference)
    row = {"voicing_error": float(np.mean(voiced != reference_voiced))}
    if (both := voiced & reference_voiced).any():
        row["f0_rmse"] = float(np.sqrt(np.mean(np.square(pitch[both] - reference[both]))))
    return row
