"""How far is it from the recording of the same sentence? Spectral envelope and pitch.

Both follow the best path of dynamic time warping through the cepstra. They mean something for the
voice that was recorded only: any other voice is as far as any other sentence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tts.audio import MelConfig
from tts.evaluation.clips import Clip
from tts.evaluation.measures.measure import Figure, FigureValues, PerClip

#: Cepstral coefficients that count: the envelope without its level.
N_COEFFICIENTS = 13
#: Frames this far below the loudest are silence, dB.
SILENCE_DB = -40.0
LOWEST_HZ, HIGHEST_HZ = 65.0, 500.0

FloatArray = NDArray[np.float64]


class Distortion(PerClip):
    """Mel-cepstral distortion (Kubichek, 1993) after time warping, and the error of the pitch.

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
        self._known: dict[str, tuple[FloatArray, FloatArray]] = {}

    def load(self) -> None:
        """Nothing to get ready: librosa is always there."""

    def row(self, clip: Clip) -> FigureValues:
        """Compare one clip with its recording."""
        import librosa

        if clip.reference is None:
            return {}
        rate = self._mel.sample_rate
        if clip.id not in self._known:
            self._known[clip.id] = self._features(clip.reference.at(rate))
        there, pitch_there = self._known[clip.id]
        here, pitch_here = self._features(clip.sound.at(rate))
        if not len(here) or not len(there):
            return {}
        cost = np.sqrt(np.square(here[:, None] - there[None]).sum(-1))
        _, path = librosa.sequence.dtw(C=cost)
        row = {"mcd": 10 / np.log(10) * np.sqrt(2) * float(cost[path[:, 0], path[:, 1]].mean())}
        return row | _pitch_errors(pitch_here[path[:, 0]], pitch_there[path[:, 1]])

    def _features(self, samples: NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
        """Cepstra ``(T, 13)`` and pitch ``(T,)``, NaN where unvoiced, of frames with sound."""
        import librosa
        import torch
        from scipy.fft import dct

        from tts.audio import LogMel

        peak = float(np.abs(samples).max(initial=0.0))
        if len(samples) <= self._mel.n_fft or not peak:
            return np.zeros((0, N_COEFFICIENTS)), np.zeros(0)
        mel = LogMel(self._mel)(torch.from_numpy(samples / np.float32(peak)))[0].double().numpy()
        cepstra = dct(mel, type=2, norm="ortho", axis=0)[1 : N_COEFFICIENTS + 1].T
        pitch, _, _ = librosa.pyin(
            samples,
            fmin=LOWEST_HZ,
            fmax=HIGHEST_HZ,
            sr=self._mel.sample_rate,
            frame_length=self._mel.n_fft,
            hop_length=self._mel.hop_length,
        )
        energy = np.exp(2 * mel).sum(0)
        n = min(len(cepstra), len(pitch))
        heard = (energy > energy.max() * 10 ** (SILENCE_DB / 10))[:n]
        scale = np.sqrt(2 / self._mel.n_mels)
        return scale * cepstra[:n][heard], np.asarray(pitch[:n][heard], dtype=np.float64)


def _pitch_errors(here: FloatArray, there: FloatArray) -> FigureValues:
    voiced_here, voiced_there = np.isfinite(here), np.isfinite(there)
    row = {"voicing_error": float(np.mean(voiced_here != voiced_there))}
    if (both := voiced_here & voiced_there).any():
        row["f0_rmse"] = float(np.sqrt(np.mean(np.square(here[both] - there[both]))))
    return row
