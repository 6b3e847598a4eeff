"""Makes a small mel contract and a sound from formulas."""

import numpy as np
import pytest

from tts.audio import MelConfig


@pytest.fixture(scope="session")
def small() -> MelConfig:
    return MelConfig(
        sample_rate=8000, n_fft=256, hop_length=64, win_length=256, n_mels=20, f_max=4000
    )


@pytest.fixture(scope="session")
def voice() -> np.ndarray:
    """Make a second at 22.05 kHz: gliding harmonics that fade in and out, over faint noise."""
    time = np.arange(22050) / 22050
    pitch = 2 * np.pi * np.cumsum(120 + 60 * np.sin(2 * np.pi * 1.5 * time)) / 22050
    harmonics = sum(np.sin(k * pitch) / k for k in range(1, 40))
    noise = 0.002 * np.random.default_rng(0).standard_normal(len(time))
    return (0.3 * harmonics * np.sin(np.pi * time) ** 2 + noise).astype(np.float32)
