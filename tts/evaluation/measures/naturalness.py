"""Measures naturalness by two networks that were trained on the ratings of listeners.

Neither network knows the text. DistillMOS (Stahl and Gamper, 2025) ranks systems as listeners
would. DNSMOS (Reddy et al., 2022) measures noise more than naturalness: look at it second.
"""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

from tts.audio.resampling import WIDEBAND_RATE
from tts.evaluation.clips import Clip
from tts.evaluation.measures.measure import Figure, FigureValues, PerClip, import_optional


class DistillMos(PerClip):
    """Predicts the mean opinion score of listeners, 1 to 5."""

    name = "distillmos"
    figures = (Figure("distillmos", "DistillMOS", ".2f", "higher", "predicted opinion, 1 to 5"),)
    install = "pip install --no-deps distillmos xls-r-sqa==0.1.0"

    def __init__(self) -> None:
        self._network: Any = None

    def load(self) -> None:
        """Load the network, whose weights are in its package.

        Raises:
            InputError: the package is not installed.
        """
        if self._network is None:
            # only the package's own command needs torchaudio, which PyPI has for CUDA alone
            package = import_optional("distillmos", self.install, without=["torchaudio"])
            with redirect_stdout(io.StringIO()):  # it prints the file that it reads
                self._network = package.ConvTransformerSQAModel().eval()

    def row(self, clip: Clip) -> FigureValues:
        """Judge one clip."""
        import torch

        self.load()
        samples = torch.from_numpy(clip.sound.at(WIDEBAND_RATE))
        with torch.no_grad():
            return {"distillmos": float(self._network(samples[None]))}


class DnsMos(PerClip):
    """Predicts how listeners rate quality and absence of noise in calls, 1 to 5."""

    name = "dnsmos"
    figures = (Figure("dnsmos", "DNSMOS", ".2f", "higher", "quality of a call (noise), 1 to 5"),)
    install = "pip install --no-deps speechmos onnxruntime"

    def __init__(self) -> None:
        self._run: Any = None

    def load(self) -> None:
        """Load the networks, whose weights are in their package.

        Raises:
            InputError: the package is not installed.
        """
        if self._run is None:
            self._run = import_optional("speechmos.dnsmos", self.install).run

    def row(self, clip: Clip) -> FigureValues:
        """Judge one clip."""
        self.load()
        samples = clip.sound.at(WIDEBAND_RATE).clip(-1, 1)
        return {"dnsmos": float(self._run(samples, sr=WIDEBAND_RATE)["ovrl_mos"])}
