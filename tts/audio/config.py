"""Defines the mel contract, ``MelConfig``: every number that decides what a mel spectrogram means.

An acoustic model and a vocoder fit together only when these numbers agree. Therefore every
checkpoint contains the contract, and ``differences`` names what does not agree. The defaults are
those of NVIDIA's Tacotron 2 and WaveGlow at 22.05 kHz. They are close to section 2.1 of the
Tacotron 2 paper (arXiv 1712.05884), which has 12.5 ms frames and a floor of 0.01. The strings and
``power`` have one legal value each. They are written down so that the code refuses another
convention and does not guess.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from tts.core.errors import InputError

_FIXED = {
    "window": "hann",
    "pad_mode": "reflect",
    "mel_scale": "slaney",
    "mel_norm": "slaney",
    "power": 1.0,
}


@dataclass(frozen=True)
class MelConfig:
    """Holds the mel contract: how a log-mel spectrogram is computed from a wave.

    The spectrogram is the logarithm of a mel-weighted magnitude spectrogram.

    Attributes:
        sample_rate: samples per second, Hz.
        n_fft: samples of one Fourier transform.
        hop_length: samples from one frame to the next.
        win_length: samples under the window, at most ``n_fft``.
        n_mels: number of mel bands.
        f_min: lower edge of the lowest band, Hz.
        f_max: upper edge of the highest band, Hz, at most half the sample rate.
        log_floor: magnitudes below it are raised to it before the logarithm.
        window: window of a frame: the periodic Hann window.
        pad_mode: padding of the wave: it is mirrored at both ends, so that frame ``i`` is centred
            on sample ``i * hop_length``.
        mel_scale: Slaney's scale: linear below 1 kHz, logarithmic above.
        mel_norm: Slaney's normalisation: each band is divided by its width in Hz.
        power: exponent of the magnitude: 1 means the magnitude spectrum, not the power spectrum.

    Raises:
        InputError: a value is not legal; the message names the field, its value and the legal
            values.
    """

    sample_rate: int = 22050
    n_fft: int = 1024
    hop_length: int = 256
    win_length: int = 1024
    n_mels: int = 80
    f_min: float = 0.0
    f_max: float = 8000.0
    log_floor: float = 1e-5
    window: Literal["hann"] = "hann"
    pad_mode: Literal["reflect"] = "reflect"
    mel_scale: Literal["slaney"] = "slaney"
    mel_norm: Literal["slaney"] = "slaney"
    power: float = 1.0

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "hop_length", "win_length", "n_mels"):
            value = getattr(self, name)
            _require(type(value) is int and value > 0, name, value, "a whole number above 0")
        for name in ("f_min", "f_max", "log_floor", "power"):
            value = getattr(self, name)
            is_number = isinstance(value, (int, float)) and type(value) is not bool
            _require(is_number and math.isfinite(value), name, value, "a number")
            # 0 and 0.0 must be the same configuration, with the same fingerprint
            object.__setattr__(self, name, float(value))
        self._check_ranges()
        for name, legal in _FIXED.items():
            _require(getattr(self, name) == legal, name, getattr(self, name), f"{legal!r}")

    def _check_ranges(self) -> None:
        _require(self.n_fft % 2 == 0, "n_fft", self.n_fft, "even")
        limits = f"at most n_fft={self.n_fft}"
        _require(self.win_length <= self.n_fft, "win_length", self.win_length, limits)
        limits = f"at most win_length={self.win_length}, or samples are lost between frames"
        _require(self.hop_length <= self.win_length, "hop_length", self.hop_length, limits)
        limits = f"between f_min={self.f_min:g} and half the sample rate, {self.sample_rate / 2:g}"
        _require(self.f_min < self.f_max <= self.sample_rate / 2, "f_max", self.f_max, limits)
        _require(self.f_min >= 0, "f_min", self.f_min, "0 or more")
        _require(self.log_floor > 0, "log_floor", self.log_floor, "above 0")

    @property
    def silence(self) -> float:
        """Return the value of every band in silence: ``log(log_floor)``, -11.51 by default."""
        return math.log(self.log_floor)

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a wave; the first is centred on its first sample."""
        return n_samples // self.hop_length + 1

    def to_dict(self) -> dict[str, Any]:
        """Return the contract as a plain dictionary."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> MelConfig:
        """Build the contract from a dictionary; a missing key takes its default.

        Raises:
            InputError: a key is unknown, or a value is not legal.
        """
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(data) - set(known)):
            raise InputError(f"mel config: unknown key {unknown[0]!r}; known: {', '.join(known)}")
        return cls(**data)

    def fingerprint(self) -> str:
        """Return 12 hexadecimal digits that are equal for equal contracts, on any machine."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def differences(self, other: MelConfig) -> list[str]:
        """List every field that differs: ``["hop_length: 256 here, 200 there"]``."""
        theirs = other.to_dict()
        return [
            f"{name}: {value} here, {theirs[name]} there"
            for name, value in self.to_dict().items()
            if value != theirs[name]
        ]


def _require(is_legal: bool, name: str, value: object, legal: str) -> None:
    if not is_legal:
        raise InputError(f"{name}={value!r}: it must be {legal}")
