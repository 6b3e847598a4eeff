"""Makes one channel of several."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tts.audio.pcm import Waveform
from tts.core.errors import InputError

#: What to do with several channels: average them, or choose the first or the second.
Mono = Literal["mix", "left", "right"]

_PLACES = {"left": 0, "right": 1}


def to_mono(samples: NDArray[np.float32], mono: Mono | None) -> Waveform:
    """Return one channel ``(T_wave,)`` of ``(T_wave, n_channels)``.

    Args:
        samples: sound of one or more channels; a single channel is returned as it is.
        mono: how to get one channel; None refuses several.

    Raises:
        InputError: there are several, and ``mono`` does not say which to use.
    """
    n_channels = samples.shape[1]
    if n_channels == 1:
        return samples[:, 0]
    if mono is None:
        raise InputError(
            f"{n_channels} channels, expected 1; set data.mono=mix (averages them), left or "
            "right (in an evaluation, mono=...)"
        )
    if mono == "mix":
        return np.asarray(samples.mean(axis=1), np.float32)
    return np.ascontiguousarray(samples[:, _PLACES[mono]])
