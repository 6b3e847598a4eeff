"""Writes tar shards of short tones for tests."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import soundfile


def sound(pitch=440, rate=16000, seconds=0.1, kind="WAV", channels=1):
    wave = 0.3 * np.sin(2 * np.pi * pitch * np.arange(round(rate * seconds)) / rate)
    data = io.BytesIO()
    soundfile.write(data, np.stack([wave] * channels, 1), rate, format=kind)
    return data.getvalue()


def write_shard(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
