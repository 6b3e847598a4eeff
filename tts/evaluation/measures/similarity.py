"""Measures speaker similarity by the generalised end-to-end encoder of Wan et al. (2018)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tts.audio.resampling import WIDEBAND_RATE
from tts.evaluation.clips import Clip
from tts.evaluation.measures.measure import Figure, FigureValues, Scores, import_optional

#: RMS level of the speech that the encoder was trained with, in dB relative to full scale.
LEVEL_DB = -30.0


class Similarity:
    """Measures the cosine between the mean embeddings of a system's clips and of the recordings.

    A single clip has a lower figure: recorded clips of one reader reach about 0.95.
    """

    name = "similarity"
    figures = (
        Figure("similarity", "similarity", ".2f", "higher", "to the recorded speaker, 1 at most"),
    )
    install = "pip install --no-deps resemblyzer"

    def __init__(self) -> None:
        self._encoder: Any = None
        self._reference_embeddings: dict[str, NDArray[np.float32]] = {}

    def load(self) -> None:
        """Load the encoder, whose weights are in its package.

        Raises:
            InputError: the package is not installed.
        """
        if self._encoder is None:
            # webrtcvad only trims silence, which is not used here, and needs an outdated setuptools
            package = import_optional("resemblyzer", self.install, without=["webrtcvad"])
            self._encoder = package.VoiceEncoder("cpu", verbose=False)

    def __call__(self, clips: Sequence[Clip], tick: Callable[[], None]) -> Scores:
        """Compare the clips with the recordings of the same sentences."""
        self.load()
        recorded = [clip for clip in clips if clip.reference is not None]
        if not recorded:
            return Scores([{} for _ in clips], {})
        target = _direction([self._reference_embedding(clip) for clip in recorded])
        embeddings, rows = [], list[FigureValues]()
        for clip in clips:
            embeddings.append(self._embedding(clip.sound.at(WIDEBAND_RATE)))
            rows.append({"similarity": float(embeddings[-1] @ target)})
            tick()
        return Scores(rows, {"similarity": float(_direction(embeddings) @ target)})

    def _reference_embedding(self, clip: Clip) -> NDArray[np.float32]:
        """Return the embedding of a clip's recording, which is computed once for all systems."""
        if clip.id not in self._reference_embeddings:
            assert clip.reference is not None
            self._reference_embeddings[clip.id] = self._embedding(clip.reference.at(WIDEBAND_RATE))
        return self._reference_embeddings[clip.id]

    def _embedding(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        level = np.sqrt(np.mean(np.square(samples, dtype=np.float64))) + 1e-9
        scaled = samples * np.float32(10 ** (LEVEL_DB / 20) / level)
        return np.asarray(self._encoder.embed_utterance(scaled), dtype=np.float32)


def _direction(embeddings: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    mean = np.mean(embeddings, axis=0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)
