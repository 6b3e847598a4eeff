"""``Output``: what is done to speech on its way into a file, decided before it is spoken.

Resampling, then one gain for the whole, then the format: block by block, twice where the gain
depends on what is there, so that an audio book on the disk needs no more memory than a word.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tts import __version__
from tts.audio.encoding import BITS, check_encoding, find_encoding, write_blocks
from tts.audio.loudness import HIGHEST_PEAK, loudness_gain, measured_loudness, require_meter
from tts.audio.pcm import Waveform
from tts.audio.resampling import resampled_blocks
from tts.core.errors import InputError, shortened

#: Legal rates, Hz.
RATES = (1000, 192_000)
#: Characters of a text that are written into its file.
_MOST_TITLE = 200


@dataclass(frozen=True)
class Output:
    """How speech becomes a file; the format is what the name of the file ends in.

    Attributes:
        bits: of a sample: 16 or 24 in WAV and FLAC, 32 (floating point) in WAV; None is 16, and
            right for Ogg and MP3, which have none.
        sample_rate: that the file shall have, Hz; None is that of the voice.
        peak: level of the loudest sample, dB below full scale (-1, say); with ``loudness``, the
            level that it may not exceed.
        loudness: LUFS (ITU-R BS.1770) that the whole is brought to, as far as its peak allows.
        margin: seconds of silence before and after it all. A voice may begin with its first sound,
            which players and recognisers of speech tend to miss.

    Raises:
        InputError: naming the key, its value and what it may be.
    """

    bits: int | None = None
    sample_rate: int | None = None
    peak: float | None = None
    loudness: float | None = None
    margin: float = 0.0

    def __post_init__(self) -> None:
        bits = f"{', '.join(map(str, BITS[:-1]))} or {BITS[-1]} (floating point)"
        self._require("bits", self.bits in BITS, bits)
        self._require("sample_rate", _is_in(self.sample_rate, *RATES, whole=True), _range(*RATES))
        self._require("peak", _is_in(self.peak, -60, 0), _range(-60, 0))
        self._require("loudness", _is_in(self.loudness, -70, 0), _range(-70, 0))
        self._require("margin", _is_in(self.margin, 0, 60), _range(0, 60))

    def check(self, path: str | os.PathLike[str], sample_rate: int | None = None) -> None:
        """Find out before the work whether its result can be written.

        Args:
            path: of the file.
            sample_rate: of the voice, if it is known.

        Raises:
            InputError: a format, bits or a rate that do not go together, or a package is missing.
        """
        find_encoding(path, self.bits)
        if rate := self.sample_rate or sample_rate:
            check_encoding(path, rate, self.bits)
        if self.loudness is not None:
            require_meter()

    def __call__(self, samples: ArrayLike, sample_rate: int) -> tuple[Waveform, int]:
        """Do to ``(T_wave,)`` what would be done on its way into a file; nothing is limited.

        Returns:
            The samples and their rate.
        """
        row = _row(samples)
        blocks = list(self._blocks(row, sample_rate))
        return np.concatenate(blocks), self.sample_rate or sample_rate

    def write(
        self,
        path: str | os.PathLike[str],
        samples: ArrayLike,
        sample_rate: int,
        title: str | None = None,
    ) -> None:
        """Write a file.

        Args:
            path: ends in ``.wav``, ``.flac``, ``.ogg`` or ``.mp3``; its folder exists.
            samples: ``(T_wave,)``, in memory or mapped from the disk.
            sample_rate: of ``samples``, Hz.
            title: what is said, for players that show it.

        Raises:
            InputError: as :meth:`check`; samples that are none, more than the format can hold, or
                a place that cannot be written.
        """
        row = _row(samples, path)
        rate = self.sample_rate or sample_rate
        blocks = self._blocks(row, sample_rate)
        n_samples = round(len(row) * rate / sample_rate) + 2 * round(self.margin * rate)
        tags = {"software": f"tacoglow {__version__}"}
        if title is not None:
            tags["title"] = _one_line(title)
        write_blocks(path, blocks, n_samples, rate, self.bits, tags)

    def _blocks(self, samples: Waveform, rate: int) -> Iterator[Waveform]:
        gain = np.float32(self._gain(samples, rate))
        wanted = self.sample_rate or rate
        silence = np.zeros(round(self.margin * wanted), np.float32)
        parts = (block * gain for block in resampled_blocks(samples, rate, wanted))
        yield from chain([silence], parts, [silence]) if len(silence) else parts

    def _gain(self, samples: Waveform, rate: int) -> float:
        if self.peak is None and self.loudness is None:
            return 1.0
        blocks = resampled_blocks(samples, rate, self.sample_rate or rate)
        peak = max(float(np.abs(block).max(initial=0)) for block in blocks)
        ceiling = HIGHEST_PEAK if self.peak is None else 10 ** (self.peak / 20)
        if self.loudness is not None:
            return loudness_gain(measured_loudness(samples, rate), self.loudness, peak, ceiling)
        return float(ceiling / peak) if peak else 1.0

    def _require(self, name: str, is_legal: bool, legal: str) -> None:
        value = getattr(self, name)
        if value is not None and not is_legal:
            raise InputError(f"{name}={value}: it must be {legal}, or null")


def _is_in(value: Any, least: float, most: float, whole: bool = False) -> bool:
    kinds = (int,) if whole else (int, float)
    return type(value) in kinds and not math.isnan(value) and least <= value <= most


def _range(least: float, most: float) -> str:
    return f"from {least} to {most}"


def _row(samples: ArrayLike, path: str | os.PathLike[str] | None = None) -> Waveform:
    row = np.asanyarray(samples, dtype=np.float32)
    if row.ndim != 1:
        where = "" if path is None else f"{Path(path)}: "
        raise InputError(f"{where}needs one row of samples, got shape {row.shape}")
    return row


def _one_line(text: str) -> str:
    """A text as a title: no line breaks, nothing that cannot be encoded."""
    plain = "".join(c if c.isprintable() else " " for c in text[: 2 * _MOST_TITLE])
    return shortened(" ".join(plain.split()), _MOST_TITLE)
