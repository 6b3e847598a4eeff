"""Prints the statistics of a corpus, and the options that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tts.core.errors import listed
from tts.data.stats.advice import pitch_range
from tts.data.stats.statistics import CorpusStatistics, FloatArray
from tts.text.symbols import PHONE_PREFIX

#: Symbols that are read less often than this are hardly learned.
RARE = 10
#: Pitch in Hz below which the mel bands do not tell harmonics apart.
_RESOLVED_HZ = 110
_MOST_SHOWN = 12
_WIDTH = 17


def statistics_lines(statistics: CorpusStatistics) -> Iterator[str]:
    """Yield the lines of a report: one for each kind of figure."""
    n, hours = statistics.n_utterances, statistics.hours
    left_out = f"; {statistics.left_out} left out" if statistics.left_out else ""
    yield f"{statistics.corpus}: {n} utterances, {hours:.2f} hours{left_out}"
    deviation = f"deviation {statistics.mel_std:.2f}"
    yield _line("mel", f"mean {statistics.mel_mean:.2f}, {deviation} (natural logarithm)")
    if len(statistics.paces):
        pace, words = map(np.median, (statistics.paces, statistics.words_per_minute))
        spread = _spread(statistics.paces, ".1f")
        rate = f"{pace:.1f} symbols in a second {spread}, {words:.0f} words in a minute"
        yield _line("speaking rate", rate)
    yield _line("pitch", _pitch(statistics))
    level, spread = np.median(statistics.levels), _spread(statistics.levels, ".1f")
    yield _line("level", f"{level:.1f} dB relative to full scale {spread}")
    ends = [
        f"{np.median(values):.2f} s {_spread(values, '.2f')} {where}"
        for where, values in (("before", statistics.leads), ("after", statistics.tails))
    ]
    yield _line("silence", f"{', '.join(ends)} the speech")
    if statistics.symbols:
        yield _line("symbols", _symbols(statistics))
    yield "in brackets: the range of nine tenths of the recordings, or of the frames"


def options_lines(options: Sequence[str], statistics: CorpusStatistics) -> Iterator[str]:
    """Yield the options, which can be pasted into a command, and what to know about them."""
    yield "options of a training with this corpus:"
    yield f"  {' '.join(options)}" if options else "  none; the defaults fit"
    pitches = pitch_range(statistics)
    names_pitch = any("pitch_low" in option for option in options)
    if names_pitch:
        yield "  (the two of the pitch matter only with model.network.pitch_bins above 0)"
    if names_pitch and pitches is not None and pitches[0] < _RESOLVED_HZ:
        yield (
            f"  (below {_RESOLVED_HZ} Hz the mel bands hardly tell the harmonics of a voice "
            "apart: compare a training with model.network.pitch_bins=0)"
        )


def shown_symbols(symbols: Sequence[str]) -> list[str]:
    """Return symbols as people write them: phones in braces, the space in words."""
    return [
        "space" if s == " " else f"{{{s[1:]}}}" if s.startswith(PHONE_PREFIX) and s[1:] else s
        for s in symbols
    ]


def _line(name: str, text: str) -> str:
    return f"{name:<{_WIDTH}}{text}"


def _spread(values: FloatArray, form: str) -> str:
    low, high = np.quantile(values, [0.05, 0.95])
    return f"({low:{form}} to {high:{form}})"


def _pitch(statistics: CorpusStatistics) -> str:
    if np.isnan(statistics.voiced):
        return "not measured (pitch_clips=0)"
    if not len(statistics.pitch):
        return "no frame with a voice was found"
    spread = _spread(statistics.pitch, ".0f")
    share = f"{statistics.voiced:.0%} of the frames have a voice"
    return f"{np.median(statistics.pitch):.0f} Hz {spread}; {share}"


def _symbols(statistics: CorpusStatistics) -> str:
    counts = statistics.symbols
    used = [symbol for symbol, count in counts.items() if count]
    text = f"{len(used)} of {len(counts)} are used"
    rare = sorted((s for s in used if counts[s] < RARE), key=lambda symbol: counts[symbol])
    if rare:
        names = [f"{name} {counts[s]}" for name, s in zip(shown_symbols(rare), rare, strict=True)]
        text += f", {len(rare)} less than {RARE} times: {listed(names, _MOST_SHOWN)}"
    return text
