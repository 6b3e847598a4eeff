"""Bridges between mel contracts: one spectrogram as another contract would have it, where exact.

The same mel at another rate: with equal bands in Hz, and window and hop equal in seconds, the
spectrum of the same sound has bins at the same frequencies. It is a sum over the window, so its
magnitude grows with the number of samples in it: the logs differ by a constant. A higher floor cuts
off what is below it. Both are exact; anything else would be a guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from tts.audio import MelConfig

Bridge = Callable[[Tensor], Tensor]


def find_bridge(source: MelConfig, target: MelConfig) -> Bridge | None:
    """Give what turns log-mels of one contract into those of another; None if nothing exact does.

    Args:
        source: contract of the spectrograms there are.
        target: contract of those that are needed.
    """
    times = target.sample_rate / source.sample_rate
    at_that_rate = {
        name: getattr(source, name) * times for name in ("n_fft", "hop_length", "win_length")
    }
    if any(value != round(value) for value in at_that_rate.values()):
        return None
    wanted = {name: round(value) for name, value in at_that_rate.items()}
    rest = {"sample_rate": target.sample_rate, "log_floor": target.log_floor}
    # compared as fields: the bands may lie above half of the other rate, which no config allows
    theirs = target.to_dict()
    if any({**source.to_dict(), **wanted, **rest}[name] != theirs[name] for name in theirs):
        return None
    # a floor that is lower there would ask for what is not in the spectrogram
    if source.log_floor * times > target.log_floor * (1 + 1e-9):
        return None
    return lambda mel: (mel + math.log(times)).clamp(min=math.log(target.log_floor))
