"""Limits samples to the range of a sound file, and counts what it changes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tts.audio.pcm import Waveform

_log = logging.getLogger(__name__)


@dataclass
class Limiter:
    """Limits samples to [-1, 1] and counts the samples that it changed.

    Attributes:
        n_samples: number of samples that were outside [-1, 1].
        peak: the largest magnitude among them, or 1.
    """

    n_samples: int = 0
    peak: float = 1.0

    def __call__(self, block: Waveform) -> Waveform:
        """Return a block of samples ``(n,)``, limited to [-1, 1]."""
        n_over = int((np.abs(block) > 1).sum())
        if not n_over:
            return block
        self.n_samples += n_over
        self.peak = max(self.peak, float(np.abs(block).max()))
        return block.clip(-1, 1)

    def log(self, path: Path) -> None:
        """Log how many samples of a file were limited, if there are any."""
        if self.n_samples:
            _log.warning(
                "%s: %d samples up to %.3f were limited to [-1, 1]", path, self.n_samples, self.peak
            )
