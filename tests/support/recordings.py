"""Writes short recordings for tests."""

from pathlib import Path

import numpy as np

from tts.audio import write_wave

RATE = 22050


def write_recording(path: Path, seconds: float = 0.3, rate: int = RATE, pitch: float = 220) -> None:
    """Write a tone of some seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * rate)) / rate
    write_wave(path, 0.5 * np.sin(2 * np.pi * pitch * time), rate)
