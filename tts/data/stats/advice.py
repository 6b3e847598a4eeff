"""Makes options of a training of the statistics of its corpus."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tts.data.doctor.options import DoctorOptions
from tts.data.stats.statistics import CorpusStatistics

#: Share of the frames with a voice that may lie below, and above, the range of the pitch.
PITCH_TAIL = 0.01
#: The range of the pitch is rounded outwards to whole steps of this many Hz.
_PITCH_STEP = 5
#: Share of the recordings that may have long silence at an end.
_MOST_LONG_ENDS = 0.05
# what `data.trim_db` is usually set to, as in the advice of the doctor
_TRIM_DB = 40


def pitch_range(statistics: CorpusStatistics) -> tuple[int, int] | None:
    """Return the range in Hz that holds nearly all of the pitch; None if none was measured."""
    if not len(statistics.pitch):
        return None
    low, high = np.quantile(statistics.pitch, [PITCH_TAIL, 1 - PITCH_TAIL])
    below, above = math.floor(low / _PITCH_STEP), math.ceil(high / _PITCH_STEP)
    return below * _PITCH_STEP, max(above, below + 1) * _PITCH_STEP


def suggested_options(statistics: CorpusStatistics, config: Mapping[str, Any]) -> list[str]:
    """Return options for the training of this corpus, as ``key=value``.

    Only keys that the chosen network and the data have are among them, and options of the data
    that are set already are not.

    Args:
        statistics: the statistics of the corpus.
        config: the resolved configuration.
    """
    network, data = config["model"]["network"], config["data"]
    mel_std = max(statistics.mel_std, 0.01)  # of a corpus without any change it would be 0
    values = {"mel_mean": f"{statistics.mel_mean:.2f}", "mel_std": f"{mel_std:.2f}"}
    if (pitches := pitch_range(statistics)) is not None:
        values |= {"pitch_low": f"{pitches[0]}", "pitch_high": f"{pitches[1]}"}
    options = [f"model.network.{key}={value}" for key, value in values.items() if key in network]
    if data["trim_db"] is None and _has_long_ends(statistics):
        options.append(f"data.trim_db={_TRIM_DB}")
    if not data["resample"] and any(r != statistics.mel.sample_rate for r in statistics.rates):
        options.append("data.resample=true")
    if data["mono"] is None and any(number > 1 for number in statistics.channels):
        options.append("data.mono=mix")
    return options


def _has_long_ends(statistics: CorpusStatistics) -> bool:
    most = DoctorOptions()
    is_long = (statistics.leads > most.longest_lead) | (statistics.tails > most.longest_tail)
    return bool(is_long.mean() > _MOST_LONG_ENDS)
