"""Checks of a corpus as a whole: outliers, duplicates, lengths, speakers, the split.

Outliers by the median and the median absolute deviation, which outliers themselves do not move
(Leys et al., 2013, "Detecting outliers"), of logarithms: half as long is as unusual as twice as
long.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tts.core.errors import InputError, listed
from tts.data.corpora.corpus import Corpus
from tts.data.doctor.findings import Finding, utterance_finding
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.utterances import ExaminedUtterance
from tts.data.loading.datamodule import MelWaveDataModule
from tts.data.loading.speech_datamodule import SpeechDataModule

# Of a normal distribution
_MAD_TO_DEVIATION = 1.4826
# A corpus that is more even than this has outliers that nobody would hear
_LEAST_DEVIATION = 0.1
#: Samples of a segment of WaveGlow where the model at hand has none.
SEGMENT = 16000


def robust_deviations(values: Sequence[float]) -> NDArray[np.float64]:
    """How many robust standard deviations each of some positive values is from their median."""
    logs = np.log(np.asarray(values, np.float64))
    distances = logs - np.median(logs)
    spread = _MAD_TO_DEVIATION * float(np.median(np.abs(distances)))
    scaled: NDArray[np.float64] = distances / max(spread, _LEAST_DEVIATION)
    return scaled


def trained_on(
    cases: Iterable[ExaminedUtterance], datamodule: SpeechDataModule
) -> list[ExaminedUtterance]:
    """Cases with sound that ``data.min_seconds`` and ``data.max_seconds`` leave in."""
    longest = float("inf") if datamodule.max_seconds is None else datamodule.max_seconds
    return [
        case
        for case in cases
        if case.sound is not None
        and not case.sound.is_silent
        and datamodule.min_seconds <= case.sound.seconds <= longest
    ]


def check_population(
    cases: Sequence[ExaminedUtterance], datamodule: SpeechDataModule, options: DoctorOptions
) -> Iterator[Finding]:
    """All checks of this module but those of speakers and split."""
    kept = trained_on(cases, datamodule)
    yield from _bounds(cases, kept)
    yield from _durations(kept, options)
    yield from _paces(kept, options)
    yield from _segments(kept, datamodule)
    yield from _same_sounds(cases)
    yield from _same_texts(cases)


def check_speakers(
    cases: Sequence[ExaminedUtterance], corpus: Corpus, wanted: int | None
) -> Iterator[Finding]:
    """Whether there are as many as the configuration says."""
    n_found = max(len(corpus.speakers), 1)
    if wanted not in (None, n_found):
        what = f"data.n_speakers={wanted}, and the corpus has {n_found}"
        yield Finding("speakers", "error", what)


def check_clips_of_speakers(
    cases: Sequence[ExaminedUtterance], corpus: Corpus, options: DoctorOptions
) -> Iterator[Finding]:
    """Speakers of whom there is too little to learn a voice from."""
    if len(corpus.speakers) < 2:
        return
    numbers = Counter(case.utterance.speaker for case in cases)
    for number, name in enumerate(corpus.speakers):
        if numbers[number] < options.speaker_clips:
            what = f"{name!r} has {numbers[number]} recording(s)"
            yield Finding("few", "warning", what, gravity=-numbers[number])


def check_split(corpus: Corpus) -> Iterator[Finding]:
    """Whether there is anything to train on and to validate on."""
    try:
        split = corpus.split()
    except InputError as error:
        yield Finding("split", "error", str(error))
        return
    if not split["val"]:
        what = f"{len(split['train'])} utterances to train on, and none to validate on"
        yield Finding("split", "warning", what)


def _bounds(
    cases: Sequence[ExaminedUtterance], kept: Sequence[ExaminedUtterance]
) -> Iterator[Finding]:
    inside = {case.utterance.id for case in kept}
    for case in cases:
        sound = case.sound
        if sound is not None and not sound.is_silent and case.utterance.id not in inside:
            yield utterance_finding(
                "bounds", "note", case.utterance, f"{sound.seconds:.2f} s", sound.seconds
            )


def _durations(kept: Sequence[ExaminedUtterance], options: DoctorOptions) -> Iterator[Finding]:
    seconds = [(case, case.sound.seconds) for case in kept if case.sound is not None]
    return _outliers("duration", seconds, "{:.2f} s, {:.2f} s is usual", options)


def _paces(kept: Sequence[ExaminedUtterance], options: DoctorOptions) -> Iterator[Finding]:
    paces = [(case, pace) for case in kept if (pace := case.pace) is not None]
    return _outliers("pace", paces, "{:.1f} symbols in a second, {:.1f} are usual", options)


def _outliers(
    check: str,
    measured: Sequence[tuple[ExaminedUtterance, float]],
    wording: str,
    options: DoctorOptions,
) -> Iterator[Finding]:
    """What is far from the others; ``wording`` has places for it and for what is usual."""
    values = [value for _, value in measured]
    if len(values) < options.least:
        return
    usual = float(np.median(values))
    for (case, value), deviation in zip(measured, robust_deviations(values), strict=True):
        if abs(deviation) > options.outlier:
            what = wording.format(value, usual)
            yield utterance_finding(check, "warning", case.utterance, what, abs(deviation))


def _segments(kept: Sequence[ExaminedUtterance], datamodule: SpeechDataModule) -> Iterator[Finding]:
    is_waveglow = isinstance(datamodule, MelWaveDataModule)
    length = datamodule.segment_length if isinstance(datamodule, MelWaveDataModule) else SEGMENT
    shortest = length / datamodule.mel.sample_rate
    for case in kept:
        if case.sound is not None and case.sound.seconds < shortest:
            what = f"{case.sound.seconds:.2f} s, a segment is {shortest:.2f} s"
            severity = "warning" if is_waveglow else "note"
            yield utterance_finding("segment", severity, case.utterance, what, -case.sound.seconds)


def _same_sounds(cases: Sequence[ExaminedUtterance]) -> Iterator[Finding]:
    first: dict[bytes, ExaminedUtterance] = {}
    for case in cases:
        if case.sound is None or case.sound.is_silent:
            continue
        other = first.setdefault(case.sound.digest, case).utterance
        if other is not case.utterance:
            same_text = other.text == case.utterance.text
            severity = "warning" if same_text else "error"
            what = f"the sound of {other.id!r} ({other.where})"
            what += "" if same_text else ", with another text"
            yield utterance_finding("same_sound", severity, case.utterance, what)


def _same_texts(cases: Sequence[ExaminedUtterance]) -> Iterator[Finding]:
    groups: defaultdict[str, list[ExaminedUtterance]] = defaultdict(list)
    for case in cases:
        if case.reading is not None:
            groups[case.utterance.text].append(case)
    for text, group in groups.items():
        if len(group) > 1:
            others = listed([case.utterance.id for case in group[1:]], 3)
            what = f"{text[:40]!r}, as in {others}"
            yield utterance_finding("same_text", "note", group[0].utterance, what, len(group))
