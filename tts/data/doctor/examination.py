"""``examine``: everything that the doctor does, from a corpus to findings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tts.core.errors import InputError
from tts.data.doctor.corpus_checks import (
    check_clips_of_speakers,
    check_population,
    check_speakers,
    check_split,
    trained_on,
)
from tts.data.doctor.findings import SEVERITIES, Finding, count_severities
from tts.data.doctor.memory import check_memory
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.recording_checks import check_recording
from tts.data.doctor.recording_stats import muted_log
from tts.data.doctor.text_checks import check_accents, check_text
from tts.data.doctor.utterances import ExaminedUtterance, gather_cases
from tts.data.features.prepared_corpus import PreparedCorpus
from tts.data.loading.speech_datamodule import SpeechDataModule

# "metadata.csv:12: what is wrong"
_PLACED = re.compile(r"([^:]+:\d+): (.*)", re.DOTALL)
_WEIGHTS = dict(zip(SEVERITIES, (100, 10, 1), strict=True))


@dataclass(frozen=True)
class Examination:
    """A corpus that was examined.

    Attributes:
        corpus: its name.
        cases: its utterances.
        findings: in no order.
    """

    corpus: str
    cases: Sequence[ExaminedUtterance]
    findings: Sequence[Finding]

    @property
    def hours(self) -> float:
        """Of all recordings that can be read."""
        return sum(case.sound.seconds for case in self.cases if case.sound) / 3600

    def status(self, strict: bool = False) -> int:
        """Exit status: 1 if there is an error, or a warning and they count."""
        number = count_severities(self.findings)
        return int(number["error"] > 0 or (strict and number["warning"] > 0))

    def worst(self, n: int) -> list[tuple[ExaminedUtterance, list[Finding]]]:
        """Recordings with errors or warnings that can be heard, the worst first."""
        by_id: dict[str, list[Finding]] = {}
        for finding in self.findings:
            if finding.id and finding.check != "memory":
                by_id.setdefault(finding.id, []).append(finding)
        found = [
            (case, by_id[case.utterance.id])
            for case in self.cases
            if case.sound is not None and case.utterance.id in by_id
        ]
        found = [(case, own) for case, own in found if {f.severity for f in own} != {"note"}]
        return sorted(found, key=lambda pair: -sum(_WEIGHTS[f.severity] for f in pair[1]))[:n]


def examine(
    datamodule: SpeechDataModule,
    options: DoctorOptions,
    *,
    n_speakers: int | None = None,
    network: Any = None,
) -> Examination:
    """Examine a corpus.

    Args:
        datamodule: of the training; its corpus has ``on_error="skip"`` and any number of speakers.
        options: from where on something is a finding.
        n_speakers: that the training expects; None: any.
        network: sizes of Tacotron 2, if that is what is trained.

    Raises:
        InputError: there is no corpus to examine.
    """
    corpus = datamodule.corpus
    if isinstance(corpus, PreparedCorpus):
        raise InputError(
            f"{corpus.root}: a prepared folder has no recordings to listen to; examine the corpus "
            "that it was made of"
        )
    with muted_log():
        corpus.prepare()
        cases = gather_cases(datamodule, options.silence_db)
        findings = [
            *map(_row, corpus.faults()),
            *_of_each(cases, datamodule, options),
            *check_population(cases, datamodule, options),
            *check_speakers(cases, corpus, n_speakers),
            *check_clips_of_speakers(cases, corpus, options),
            *check_split(corpus),
            *check_memory(trained_on(cases, datamodule), datamodule, network, options),
        ]
    return Examination(corpus.name, cases, findings)


def _of_each(
    cases: Sequence[ExaminedUtterance], datamodule: SpeechDataModule, options: DoctorOptions
) -> Iterator[Finding]:
    tokenizer = getattr(datamodule, "tokenizer", None)
    for case in cases:
        yield from check_recording(case, datamodule, options)
        if tokenizer is not None:
            yield from check_text(case, tokenizer)
    if tokenizer is not None:
        yield from check_accents(cases, tokenizer, options)


def _row(fault: str) -> Finding:
    match = _PLACED.fullmatch(fault)
    where, what = match.groups() if match else ("", fault)
    return Finding("rows", "error", what, where)
