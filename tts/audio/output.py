"""Turns speech into a sound file, by settings that are checked before speaking (``Output``).

The steps are resampling, one gain for the whole file, and the encoding. All of them work block by
block, so that an audio book on the disk needs no more memory than one word. Where the gain depends
on the samples, the blocks are read twice.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tts import __version__
from tts.audio.encoding import check_encoding, write_blocks
from tts.audio.formats import BITS, format_of
from tts.audio.loudness import HIGHEST_PEAK, loudness_gain, measured_loudness, require_meter
from tts.audio.pcm import Waveform
from tts.audio.resampling import resampled_blocks, resampled_length
from tts.audio.tags import Tags
from tts.core.errors import InputError

#: Lowest and highest legal sample rate, Hz.
RATES = (1000, 192_000)


@dataclass(frozen=True)
class Output:
    """Holds the settings of a sound file; the ending of the file name chooses the format.

    Attributes:
        bits: bits of a sample: 16 or 24 in WAV and FLAC, 32 (floating point) in WAV. None means 16;
            Ogg, Opus and MP3 have no bits and need None.
        sample_rate: rate of the file, Hz; None keeps the rate of the voice, or takes the next
            higher one that the format can have (Opus: 24,000 for a voice of 22,050).
        peak: level of the loudest sample in dB relative to full scale, for instance -1. With
            ``loudness`` it is the level that the loudest sample must not exceed.
        loudness: loudness of the whole file in LUFS (ITU-R BS.1770), as far as its peak allows.
        margin: seconds of silence at the beginning and at the end. A voice may start to speak with
            the first sample, which players and speech recognisers often miss.

    Raises:
        InputError: a value is not legal; the message names the key, the value and the legal values.
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
        """Check, before speech is computed, that the file can be written.

        Args:
            path: name of the file.
            sample_rate: rate of the voice in Hz, if it is known.

        Raises:
            InputError: the format, the bits and the rate do not fit together, or a package is not
                installed.
        """
        sound = format_of(path, self.bits)
        if rate := self.sample_rate or (sample_rate and sound.nearest_rate(sample_rate)):
            check_encoding(path, rate, self.bits)
        if self.loudness is not None:
            require_meter()

    def __call__(self, samples: ArrayLike, sample_rate: int) -> tuple[Waveform, int]:
        """Apply all steps before the encoding to ``(T_wave,)``; samples are not limited.

        Returns:
            The samples and their rate in Hz.
        """
        row, wanted = _row(samples), self.sample_rate or sample_rate
        return np.concatenate(list(self._blocks(row, sample_rate, wanted))), wanted

    def write(
        self,
        path: str | os.PathLike[str],
        samples: ArrayLike,
        sample_rate: int,
        tags: Tags | None = None,
    ) -> None:
        """Write speech to a sound file.

        Args:
            path: a name with one of the endings in :data:`tts.audio.formats.ENDINGS`; its folder
                exists.
            samples: ``(T_wave,)``, in memory or mapped from the disk.
            sample_rate: rate of ``samples``, Hz.
            tags: text fields and chapters, whose times are those of the file. Long fields are
                shortened to a line that players can show.

        Raises:
            InputError: for the reasons of :meth:`check`; or the samples are not finite or too many
                for the format, or the file cannot be written.
        """
        row = _row(samples, path)
        wanted = self.sample_rate or format_of(path, self.bits).nearest_rate(sample_rate)
        blocks = self._blocks(row, sample_rate, wanted)
        n_silent = round(self.margin * wanted)
        n_samples = resampled_length(len(row), sample_rate, wanted) + 2 * n_silent
        tags = replace(tags or Tags(), software=f"tacoglow {__version__}").in_one_line()
        write_blocks(path, blocks, n_samples, wanted, self.bits, tags)

    def _blocks(self, samples: Waveform, rate: int, wanted: int) -> Iterator[Waveform]:
        gain = np.float32(self._gain(samples, rate, wanted))
        silence = np.zeros(round(self.margin * wanted), np.float32)
        parts = (block * gain for block in resampled_blocks(samples, rate, wanted))
        yield from chain([silence], parts, [silence]) if len(silence) else parts

    def _gain(self, samples: Waveform, rate: int, wanted: int) -> float:
        if self.peak is None and self.loudness is None:
            return 1.0
        blocks = resampled_blocks(samples, rate, wanted)
        peak = max(float(np.abs(block).max(initial=0)) for block in blocks)
        ceiling = HIGHEST_PEAK if self.peak is None else 10 ** (self.peak / 20)
        if self.loudness is not None:
            return loudness_gain(measured_loudness(samples, rate), self.loudness, peak, ceiling)
        return float(ceiling / peak) if peak else 1.0

    def _require(self, name: str, is_legal: bool, legal: str) -> None:
        value = getattr(self, name)
        if value is not None and not is_legal:
            raise InputError(f"{name}={value}: it must be {legal}, or null")


def _is_in(value: Any, lowest: float, highest: float, whole: bool = False) -> bool:
    kinds = (int,) if whole else (int, float)
    return type(value) in kinds and not math.isnan(value) and lowest <= value <= highest


def _range(lowest: float, highest: float) -> str:
    return f"from {lowest} to {highest}"


def _row(samples: ArrayLike, path: str | os.PathLike[str] | None = None) -> Waveform:
    row = np.asanyarray(samples, dtype=np.float32)
    if row.ndim != 1:
        where = "" if path is None else f"{Path(path)}: "
        raise InputError(f"{where}needs one row of samples, got shape {row.shape}")
    return row
