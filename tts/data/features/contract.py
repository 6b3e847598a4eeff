"""States everything that decides the samples and the mel of a recording."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tts.audio import LogMel, MelConfig, read_wave
from tts.audio.io import LONGEST
from tts.audio.pcm import Waveform, to_float, to_int16
from tts.audio.processing import Processing, to_rate
from tts.core.errors import InputError
from tts.data.features.recordings import Recording

#: Increased whenever the meaning of a prepared folder changes.
PREPARED_FORMAT = 1
# Frames of a mel that are computed at a time, where there are many
_BLOCK = 4096


@dataclass(frozen=True)
class Contract:
    """States what a prepared folder stores of recordings.

    Attributes:
        mel: the mel contract.
        processing: how the samples are changed before the mel is computed.
        complete: store all samples, so that the recordings are not needed any more; otherwise only
            samples that differ from those of the recordings.
    """

    mel: MelConfig
    processing: Processing = field(default_factory=Processing)
    complete: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the contract in plain containers."""
        return {
            "format": PREPARED_FORMAT,
            "mel": self.mel.to_dict(),
            "processing": self.processing.to_dict(),
            "complete": self.complete,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Contract:
        """Return the contract that ``to_dict`` has described.

        Raises:
            InputError: the format is another one, or a value is not legal.
        """
        if data.get("format") != PREPARED_FORMAT:
            raise InputError(f"format {data.get('format')}, this release reads {PREPARED_FORMAT}")
        given = {name: value for name, value in data["processing"].items() if value is not None}
        return cls(MelConfig.from_dict(data["mel"]), Processing(**given), bool(data["complete"]))

    def key(self) -> str:
        """Return 12 hexadecimal digits that are equal for equal contracts."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def differences(self, other: Contract) -> list[str]:
        """Return what differs from another contract: ``["trim_db: 40 here, None there"]``."""
        here, there = self.processing.to_dict(), other.processing.to_dict()
        return self.mel.differences(other.mel) + [
            f"{name}: {here.get(name)} here, {there.get(name)} there"
            for name in here | there
            if here.get(name) != there.get(name)
        ]

    def changes(self, recording: Recording) -> bool:
        """Return whether training reads other samples than the recording has."""
        return self.processing.changes_samples or recording.sample_rate != self.mel.sample_rate

    def samples(self, path: Path, longest: float = LONGEST) -> tuple[Waveform, Recording]:
        """Read a recording as training sees it: its samples ``(T_wave,)``, and its rate and length.

        Samples that are changed or stored are rounded to 16 bits, so that a mel that is computed
        now equals a mel that is computed later from the stored samples.

        Args:
            path: the file.
            longest: duration in seconds above which a recording is refused, and not decoded.

        Raises:
            LongRecordingError: the recording is longer.
            InputError: the file holds no sound, or nothing is left of it.
        """
        samples, rate = read_wave(path, mono=self.processing.mono, longest=longest)
        try:
            return self.processed(samples, rate), Recording(rate, len(samples))
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def processed(self, samples: Waveform, rate: int) -> Waveform:
        """Return the samples of a recording as training sees them, at the rate of the contract.

        Args:
            samples: ``(T_wave,)``, as the recording has them.
            rate: their rate in Hz.

        Raises:
            InputError: nothing is left of the recording.
        """
        is_changed = self.changes(Recording(rate, len(samples)))
        samples = to_rate(samples, rate, self.mel.sample_rate)
        samples = self.processing(samples, self.mel.sample_rate)
        return to_float(to_int16(samples)) if self.complete or is_changed else samples


def compute_mel(samples: Waveform, log_mel: LogMel) -> NDArray[np.float32]:
    """Return the log-mel spectrogram ``(n_mels, T_mel)`` of samples ``(T_wave,)``.

    Raises:
        InputError: there are too few samples.
    """
    config = log_mel.config
    n_frames, hop = config.n_frames(len(samples)), config.hop_length
    if n_frames <= 2 * _BLOCK:
        return np.ascontiguousarray(log_mel(torch.from_numpy(samples))[0].numpy())
    # the transform of an hour would take gigabytes, and distant frames do not influence each other
    margin = config.n_fft // 2 // hop + 2
    mel = np.empty((config.n_mels, n_frames), np.float32)
    for begin in range(0, n_frames, _BLOCK):
        first = max(begin - margin, 0)
        piece = samples[first * hop : (begin + _BLOCK + margin) * hop]
        frames = log_mel(torch.from_numpy(piece))[0, :, begin - first :][:, :_BLOCK]
        mel[:, begin : begin + _BLOCK] = frames.numpy()
    return mel
