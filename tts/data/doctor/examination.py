"""Runs all checks of the doctor on a corpus."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tts.data.doctor.corpus_checks import (
    check_clips_of_speakers,
    check_population,
    check_speakers,
    check_split,
    trained_on,
)
from tts.data.doctor.diagnosis import Diagnosis
from tts.data.doctor.findings import Finding
from tts.data.doctor.memory import check_memory
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.recording_checks import check_recording
from tts.data.doctor.recording_stats import muted_log
from tts.data.doctor.refusals import check_refusals
from tts.data.doctor.text_checks import check_accents, check_text
from tts.data.doctor.utterances import ExaminedUtterance, gather_cases
from tts.data.loading.speech_datamodule import SpeechDataModule

# "metadata.csv:12: the fault"
_FAULT_WITH_PLACE = re.compile(r"([^:]+:\d+): (.*)", re.DOTALL)


def examine(
    datamodule: SpeechDataModule,
    options: DoctorOptions,
    *,
    n_speakers: int | None = None,
    network: Any = None,
) -> Diagnosis:
    """Examine a corpus.

    Args:
        datamodule: the data module of the training; its corpus has ``on_error="skip"`` and accepts
            any number of speakers.
        options: the thresholds above which a measurement is a finding.
        n_speakers: number of speakers that the training expects; None: any.
        network: sizes of Tacotron 2 if the training is one of Tacotron 2; else None.

    Raises:
        InputError: there is no corpus to examine.
    """
    corpus = datamodule.corpus
    with muted_log():
        cases = gather_cases(datamodule, options.silence_db)
        findings = [
            *map(_finding_of_row, corpus.faults()),
            *_findings_of_utterances(cases, datamodule, options),
            *check_population(cases, datamodule, options),
            *check_speakers(cases, corpus, n_speakers),
            *check_clips_of_speakers(cases, corpus, options),
            *check_split(corpus),
            *check_refusals(cases, trained_on(cases, datamodule), corpus, datamodule),
            *check_memory(trained_on(cases, datamodule), datamodule, network, options),
        ]
    return Diagnosis(corpus.name, cases, findings)


def _findings_of_utterances(
    cases: Sequence[ExaminedUtterance], datamodule: SpeechDataModule, options: DoctorOptions
) -> Iterator[Finding]:
    tokenizer = getattr(datamodule, "tokenizer", None)
    for case in cases:
        yield from check_recording(case, datamodule, options)
        if tokenizer is not None:
            yield from check_text(case, tokenizer)
    if tokenizer is not None:
        yield from check_accents(cases, tokenizer, options)


def _finding_of_row(fault: str) -> Finding:
    match = _FAULT_WITH_PLACE.fullmatch(fault)
    where, what = match.groups() if match else ("", fault)
    return Finding("rows", "error", what, where)
