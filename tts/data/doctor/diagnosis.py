"""Holds the result of an examination: the corpus, its utterances and the findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tts.data.doctor.findings import SEVERITIES, Finding, count_severities
from tts.data.doctor.utterances import ExaminedUtterance

_WEIGHTS = dict(zip(SEVERITIES, (100, 10, 1), strict=True))


@dataclass(frozen=True)
class Diagnosis:
    """Holds what the doctor found in a corpus.

    Attributes:
        corpus: name of the corpus.
        cases: its utterances.
        findings: all findings, in no order.
    """

    corpus: str
    cases: Sequence[ExaminedUtterance]
    findings: Sequence[Finding]

    @property
    def hours(self) -> float:
        """Return the total duration of all recordings that can be read, in hours."""
        return sum(case.recording.seconds for case in self.cases if case.recording) / 3600

    @property
    def summary(self) -> str:
        """Return ``"LJ Speech: 13100 utterances, 23.92 hours: 0 errors, 2 warnings, 1 note"``."""
        numbers = count_severities(self.findings).items()
        counts = ", ".join(f"{n} {severity}{'s' * (n != 1)}" for severity, n in numbers)
        return f"{self.corpus}: {len(self.cases)} utterances, {self.hours:.2f} hours: {counts}"

    def exit_status(self, strict: bool = False) -> int:
        """Return 1 if there is an error, or a warning and ``strict`` is set; else 0."""
        number = count_severities(self.findings)
        return int(number["error"] > 0 or (strict and number["warning"] > 0))

    def worst(self, n: int) -> list[tuple[ExaminedUtterance, list[Finding]]]:
        """Return the ``n`` worst readable recordings that have errors or warnings, worst first."""
        by_id: dict[str, list[Finding]] = {}
        for finding in self.findings:
            if finding.id and finding.check != "memory":
                by_id.setdefault(finding.id, []).append(finding)
        candidates = [
            (case, by_id[case.utterance.id])
            for case in self.cases
            if case.recording is not None and case.utterance.id in by_id
        ]
        faulty = [(case, own) for case, own in candidates if {f.severity for f in own} != {"note"}]
        return sorted(faulty, key=lambda pair: -sum(_WEIGHTS[f.severity] for f in pair[1]))[:n]
