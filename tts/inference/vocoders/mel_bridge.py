"""Converts spectrograms from one mel contract to another where the conversion is exact.

Two conversions are exact, and any other would be a guess:

* Another sample rate, with equal bands in Hz and with window and hop equal in seconds. Then the
  spectrum of the same sound has bins at the same frequencies. It is a sum over the window, so that
  its magnitude grows with the number of samples, and the logarithms differ by a constant.
* A higher floor, which cuts off lower values.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from tts.audio import MelConfig

#: Converts a log-mel spectrogram ``(..., n_mels, T)``.
Bridge = Callable[[Tensor], Tensor]


def find_bridge(source: MelConfig, target: MelConfig) -> Bridge | None:
    """Return the exact conversion between two contracts, or None if there is none.

    Args:
        source: contract of the given spectrograms.
        target: contract of the wanted spectrograms.
    """
    times = target.sample_rate / source.sample_rate
    lengths = {
        name: getattr(source, name) * times for name in ("n_fft", "hop_length", "win_length")
    }
    if any(value != round(value) for value in lengths.values()):
        return None
    scaled = {name: round(value) for name, value in lengths.items()}
    free = {"sample_rate": target.sample_rate, "log_floor": target.log_floor}
    # Compared as dictionaries: a MelConfig of these fields may be illegal, because the bands may
    # lie above half of the other rate
    if {**source.to_dict(), **scaled, **free} != target.to_dict():
        return None
    # a lower floor would need values that the spectrogram does not contain
    if source.log_floor * times > target.log_floor * (1 + 1e-9):
        return None
    return lambda mel: (mel + math.log(times)).clamp(min=math.log(target.log_floor))
