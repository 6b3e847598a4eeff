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


def with_speakers(tmp_path, options, names="xyxy"):
    root = tmp_path / "spoken"
    for number, name in enumerate(names):
        wav = root / name / f"{number}.wav"
        write_recording(wav, 0.3 + 0.05 * number, pitch=200 + 10 * number)
        wav.with_suffix(".txt").write_text(f"Words of {number}.")
    layout = ["data=folder", f"data.root={root}", "data.speaker=folder", "data.n_speakers=2"]
    return [*layout, *options[2:]]
