"""Is it the same voice? Cosine of speaker embeddings (Wan et al., 2018, generalised end-to-end)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tts.audio.resampling import WIDEBAND_RATE
from tts.evaluation.clips import Clip
from tts.evaluation.measures.measure import Figure, FigureValues, Scores, import_optional

#: Speech is brought to this level before it is judged, as the encoder was trained: dB full scale.
LEVEL_DB = -30.0


class Similarity:
    """Of the mean embedding of a system's clips to that of the recordings.

    The figure of a clip alone is lower: real clips of one reader have some 0.95.
    """

    name = "similarity"
    figures = (
        Figure("similarity", "similarity", ".2f", "higher", "to the recorded speaker, 1 at most"),
    )
    install = "pip install --no-deps resemblyzer"

    def __init__(self) -> None:
        self._encoder: Any = None
        self._known: dict[str, NDArray[np.float32]] = {}

    def load(self) -> None:
        """Open the encoder; its weights are in the package.

        Raises:
            InputError: the package is not installed.
        """
        if self._encoder is None:
            # webrtcvad is for trimming, which is not asked for, and needs a setuptools of old
            package = import_optional("resemblyzer", self.install, without=["webrtcvad"])
            self._encoder = package.VoiceEncoder("cpu", verbose=False)

    def __call__(self, clips: Sequence[Clip], tick: Callable[[], None]) -> Scores:
        """Compare with the recordings of the same sentences."""
        self.load()
        spoken = [clip for clip in clips if clip.reference is not None]
        if not spoken:
            return Scores([{} for _ in clips], {})
        target = _direction([self._of_recording(clip) for clip in spoken])
        embeddings, rows = [], list[FigureValues]()
        for clip in clips:
            embeddings.append(self._embedding(clip.sound.at(WIDEBAND_RATE)))
            rows.append({"similarity": float(embeddings[-1] @ target)})
            tick()
        return Scores(rows, {"similarity": float(_direction(embeddings) @ target)})

    def _of_recording(self, clip: Clip) -> NDArray[np.float32]:
        """Each recording is the same for all systems."""
        if clip.id not in self._known:
            assert clip.reference is not None
            self._known[clip.id] = self._embedding(clip.reference.at(WIDEBAND_RATE))
        return self._known[clip.id]

    def _embedding(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        level = np.sqrt(np.mean(np.square(samples, dtype=np.float64))) + 1e-9
        scaled = samples * np.float32(10 ** (LEVEL_DB / 20) / level)
        return np.asarray(self._encoder.embed_utterance(scaled), dtype=np.float32)


def _direction(embeddings: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    mean = np.mean(embeddings, axis=0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)
