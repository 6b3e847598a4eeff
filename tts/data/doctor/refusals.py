"""Checks what a training would refuse for its settings, although each recording can be read.

What a training refuses, and the check that reports it:

* a row that cannot be used: ``rows``; a number of speakers: ``speakers``; a split: ``split``;
* a recording that cannot be read: ``unreadable``, ``channels``, ``rate``, ``silent``;
* a text that cannot be read: ``script``, ``unpronounceable``, ``symbols``;
* a recording without a single frame: ``window``; one that no batch can hold: ``frames``;
* limits of duration that leave nothing to train on: ``bounds``.

A missing package is no fault of the corpus and stops the examination at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tts.core.errors import InputError
from tts.data.corpora.corpus import Corpus
from tts.data.doctor.findings import Finding, utterance_finding
from tts.data.doctor.utterances import ExaminedUtterance
from tts.data.loading.speech_datamodule import SpeechDataModule


def check_refusals(
    cases: Sequence[ExaminedUtterance],
    kept: Sequence[ExaminedUtterance],
    corpus: Corpus,
    datamodule: SpeechDataModule,
) -> Iterator[Finding]:
    """Yield a finding for everything that is named in this module's last two points.

    Args:
        cases: all utterances.
        kept: those that a training may use.
        corpus: the corpus, which can be split.
        datamodule: the settings of the training.
    """
    if datamodule.needs_mels or datamodule.prepared is not None:
        yield from _check_windows(cases, datamodule)
    try:
        split = corpus.split()
    except InputError:
        return  # which is a finding of its own
    training = {utterance.id for utterance in split["train"]}
    if datamodule.frames_per_batch is not None and not datamodule.needs_waves:
        # validation and test use recordings of any duration
        others = [case for case in cases if case.utterance.id not in training]
        trained = [case for case in kept if case.utterance.id in training]
        yield from _check_frames([*trained, *others], datamodule, datamodule.frames_per_batch)
    if not any(case.utterance.id in training for case in kept):
        limits = f"data.min_seconds={datamodule.min_seconds:g}"
        if datamodule.max_seconds is not None:
            limits += f" and data.max_seconds={datamodule.max_seconds:g}"
        what = f"none of {len(training)} training recordings can be used with {limits}"
        yield Finding("bounds", "error", what)


def n_trained_samples(case: ExaminedUtterance, datamodule: SpeechDataModule) -> int:
    """Return the number of samples of a recording that training reads; 0 if it cannot be read."""
    if case.recording is None:
        return 0
    return round(case.recording.trained_seconds * datamodule.mel.sample_rate)


def _check_windows(
    cases: Sequence[ExaminedUtterance], datamodule: SpeechDataModule
) -> Iterator[Finding]:
    shortest = datamodule.mel.n_fft // 2 + 1
    for case in cases:
        n_samples = n_trained_samples(case, datamodule)
        if case.recording is not None and n_samples < shortest:
            what = f"{n_samples} samples, audio.n_fft={datamodule.mel.n_fft} needs {shortest}"
            yield utterance_finding("window", "error", case.utterance, what, -n_samples)


def _check_frames(
    cases: Sequence[ExaminedUtterance], datamodule: SpeechDataModule, budget: int
) -> Iterator[Finding]:
    for case in cases:
        n_frames = datamodule.mel.n_frames(n_trained_samples(case, datamodule))
        if n_frames > budget:
            what = f"{n_frames} frames, data.frames_per_batch={budget}"
            yield utterance_finding("frames", "error", case.utterance, what, n_frames)
