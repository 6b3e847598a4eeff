"""Checks a corpus as a whole: outliers, duplicates, lengths, speakers and the split.

Outliers are found by the median and the median absolute deviation of logarithms. Outliers
themselves hardly move these two (Leys et al., 2013, "Detecting outliers"), and with logarithms half
as long is as unusual as twice as long.
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
from tts.data.loading.datamodules import MelWaveDataModule
from tts.data.loading.speech_datamodule import SpeechDataModule

# Standard deviation of a normal distribution over its median absolute deviation
_MAD_TO_DEVIATION = 1.4826
# In a corpus with a smaller spread than this nobody would hear the outliers
_LEAST_DEVIATION = 0.1
#: Length of a segment of WaveGlow in samples, where the model of the training uses no segments.
SEGMENT = 16000


def robust_deviations(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the distance of positive values from their median, in robust standard deviations."""
    logs = np.log(np.asarray(values, np.float64))
    distances = logs - np.median(logs)
    spread = _MAD_TO_DEVIATION * float(np.median(np.abs(distances)))
    scaled: NDArray[np.float64] = distances / max(spread, _LEAST_DEVIATION)
    return scaled


def trained_on(
    cases: Iterable[ExaminedUtterance], datamodule: SpeechDataModule
) -> list[ExaminedUtterance]:
    """Return the audible cases between ``data.min_seconds`` and ``data.max_seconds``."""
    longest = float("inf") if datamodule.max_seconds is None else datamodule.max_seconds
    return [
        case
        for case in cases
        if case.recording is not None
        and not case.recording.is_silent
        and datamodule.min_seconds <= case.recording.trained_seconds <= longest
    ]


def check_population(
    cases: Sequence[ExaminedUtterance], datamodule: SpeechDataModule, options: DoctorOptions
) -> Iterator[Finding]:
    """Yield the findings of this module's checks, except those of speakers and split."""
    kept = trained_on(cases, datamodule)
    yield from _check_bounds(cases, kept)
    yield from _check_durations(kept, options)
    yield from _check_paces(kept, options)
    yield from _check_letters(cases, options)
    yield from _check_segments(kept, datamodule)
    yield from _check_duplicate_recordings(cases)
    yield from _check_duplicate_texts(cases)


def check_speakers(
    cases: Sequence[ExaminedUtterance], corpus: Corpus, wanted: int | None
) -> Iterator[Finding]:
    """Yield a finding if the corpus has another number of speakers than the configuration."""
    n_speakers = max(len(corpus.speakers), 1)
    if wanted not in (None, n_speakers):
        what = f"data.n_speakers={wanted}, and the corpus has {n_speakers}"
        yield Finding("speakers", "error", what)


def check_clips_of_speakers(
    cases: Sequence[ExaminedUtterance], corpus: Corpus, options: DoctorOptions
) -> Iterator[Finding]:
    """Yield a finding for each speaker with too few recordings to learn the voice."""
    if len(corpus.speakers) < 2:
        return
    numbers = Counter(case.utterance.speaker for case in cases)
    for number, name in enumerate(corpus.speakers):
        if numbers[number] < options.speaker_clips:
            what = f"{name!r} has {numbers[number]} recording(s)"
            yield Finding("few", "warning", what, gravity=-numbers[number])


def check_split(corpus: Corpus) -> Iterator[Finding]:
    """Yield a finding if nothing is left to train on or to validate on."""
    try:
        split = corpus.split()
    except InputError as error:
        yield Finding("split", "error", str(error))
        return
    if not split["val"]:
        what = f"{len(split['train'])} utterances to train on, and none to validate on"
        yield Finding("split", "warning", what)


def _check_bounds(
    cases: Sequence[ExaminedUtterance], kept: Sequence[ExaminedUtterance]
) -> Iterator[Finding]:
    kept_ids = {case.utterance.id for case in kept}
    for case in cases:
        stats = case.recording
        if stats is not None and not stats.is_silent and case.utterance.id not in kept_ids:
            what = f"{stats.trained_seconds:.2f} s"
            yield utterance_finding("bounds", "note", case.utterance, what, stats.seconds)


def _check_durations(
    kept: Sequence[ExaminedUtterance], options: DoctorOptions
) -> Iterator[Finding]:
    seconds = [(case, case.recording.seconds) for case in kept if case.recording is not None]
    return _check_outliers("duration", seconds, "{:.2f} s, {:.2f} s is usual", options)


def _check_paces(kept: Sequence[ExaminedUtterance], options: DoctorOptions) -> Iterator[Finding]:
    paces = [(case, pace) for case in kept if (pace := case.pace) is not None]
    return _check_outliers("pace", paces, "{:.1f} symbols in a second, {:.1f} are usual", options)


def _check_letters(cases: Sequence[ExaminedUtterance], options: DoctorOptions) -> Iterator[Finding]:
    """Yield a finding for each text that nobody can speak in the time of its recording."""
    for case in cases:
        stats = case.recording
        n_letters = sum(map(str.isalnum, case.utterance.text))
        # a text without letters has a finding of its own, and a vocoder reads no texts
        if stats is None or case.pace is None or not n_letters:
            continue
        letters = n_letters / stats.speech_seconds
        what = f"{letters:.1f} letters in a second"
        if letters > options.fastest:
            what += f", more than {options.fastest:g}; is it the text of several recordings?"
            yield utterance_finding("letters", "error", case.utterance, what, letters)
        elif letters < options.slowest:
            what += f", less than {options.slowest:g}; is a part of the text missing?"
            yield utterance_finding("letters", "warning", case.utterance, what, 1 / (letters + 1))


def _check_outliers(
    check: str,
    measured: Sequence[tuple[ExaminedUtterance, float]],
    wording: str,
    options: DoctorOptions,
) -> Iterator[Finding]:
    """Yield a finding for each outlier; ``wording`` has places for its value and the median."""
    values = [value for _, value in measured]
    if len(values) < options.least:
        return
    usual = float(np.median(values))
    for (case, value), deviation in zip(measured, robust_deviations(values), strict=True):
        if abs(deviation) > options.outlier:
            what = wording.format(value, usual)
            yield utterance_finding(check, "warning", case.utterance, what, abs(deviation))


def _check_segments(
    kept: Sequence[ExaminedUtterance], datamodule: SpeechDataModule
) -> Iterator[Finding]:
    is_waveglow = isinstance(datamodule, MelWaveDataModule)
    length = datamodule.segment_length if isinstance(datamodule, MelWaveDataModule) else SEGMENT
    shortest = length / datamodule.mel.sample_rate
    for case in kept:
        stats = case.recording
        if stats is not None and stats.trained_seconds < shortest:
            what = f"{stats.trained_seconds:.2f} s, a segment is {shortest:.2f} s"
            severity = "warning" if is_waveglow else "note"
            yield utterance_finding("segment", severity, case.utterance, what, -stats.seconds)


def _check_duplicate_recordings(cases: Sequence[ExaminedUtterance]) -> Iterator[Finding]:
    first: dict[bytes, ExaminedUtterance] = {}
    for case in cases:
        if case.recording is None or case.recording.is_silent:
            continue
        other = first.setdefault(case.recording.digest, case).utterance
        if other is not case.utterance:
            same_text = other.text == case.utterance.text
            severity = "warning" if same_text else "error"
            what = f"the sound of {other.id!r} ({other.where})"
            what += "" if same_text else ", with another text"
            yield utterance_finding("same_sound", severity, case.utterance, what)


def _check_duplicate_texts(cases: Sequence[ExaminedUtterance]) -> Iterator[Finding]:
    groups: defaultdict[str, list[ExaminedUtterance]] = defaultdict(list)
    for case in cases:
        if case.reading is not None:
            groups[case.utterance.text].append(case)
    for text, group in groups.items():
        if len(group) > 1:
            others = listed([case.utterance.id for case in group[1:]], 3)
            what = f"{text[:40]!r}, as in {others}"
            yield utterance_finding("same_text", "note", group[0].utterance, what, len(group))
