"""Writes the page of a diagnosis: findings, histograms, and the worst recordings to listen to.

The page is one file that needs no other: its drawings are SVG, and its sound is FLAC inside the
page, unchanged except for its length. The template escapes every text of the corpus.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from tts.audio import read_wave
from tts.audio.encoding import encode_wave
from tts.core.errors import InputError
from tts.core.page_template import fill_template
from tts.data.doctor.charts import N_BINS, Histogram, histogram, outline
from tts.data.doctor.diagnosis import Diagnosis
from tts.data.doctor.findings import CHECKS, group_findings
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.recording_stats import muted_log
from tts.data.doctor.utterances import ExaminedUtterance

# Findings of each check on the page; the JSON file has all of them
_MOST_FINDINGS = 100
# A group with at most this many findings is open; errors are always open
_MOST_OPEN = {"warning": 10, "note": 3}


def render_diagnosis(diagnosis: Diagnosis, options: DoctorOptions) -> str:
    """Return the page as HTML."""
    return fill_template(
        "tts.data.doctor",
        "page.html",
        diagnosis=diagnosis,
        groups=[
            {
                "severity": severity,
                "check": CHECKS[check],
                "findings": findings,
                "is_open": len(findings) <= _MOST_OPEN.get(severity, len(findings)),
            }
            for (severity, check), findings in group_findings(diagnosis.findings).items()
        ],
        most_findings=_MOST_FINDINGS,
        charts=list(_charts(diagnosis.cases)),
        n_bins=N_BINS,
        clips=[
            {"utterance": case.utterance, "findings": findings, **_sound(case, options)}
            for case, findings in diagnosis.worst(options.n_clips)
        ],
        checks=CHECKS,
        clip_seconds=options.clip_seconds,
    )


def _charts(cases: Sequence[ExaminedUtterance]) -> Iterator[Histogram]:
    audible = [case.recording for case in cases if case.recording and not case.recording.is_silent]
    texts = [case.reading.n_symbols for case in cases if case.reading and case.reading.n_symbols]
    paces = [pace for case in cases if (pace := case.pace) is not None]
    charts: list[tuple[str, str, Sequence[float], bool]] = [
        ("Durations", "s", [stats.seconds for stats in audible], True),
        ("Pace", "symbols in a second of speech", paces, True),
        ("Levels", "dB below full scale (RMS of the speech)", [-s.level for s in audible], False),
        ("Text lengths", "symbols", texts, True),
        ("Silence at the end", "s", [stats.tail for stats in audible], False),
        ("Highest frequency with sound", "Hz", [stats.band for stats in audible], False),
    ]
    return (histogram(*chart) for chart in charts if len(chart[2]))


def _sound(case: ExaminedUtterance, options: DoctorOptions) -> dict[str, Any]:
    """Return the outline of a whole recording, its duration, and its first seconds as FLAC."""
    try:
        with muted_log():
            samples, rate = read_wave(case.utterance.wav, mix_down=True)
    except InputError:  # the file was removed after it was measured
        return {"outline": None}
    beginning = samples[: max(round(options.clip_seconds * rate), 1)]
    return {
        "outline": outline(samples),
        "seconds": len(samples) / rate,
        "is_cut": len(samples) > len(beginning),
        "flac": base64.b64encode(encode_wave("flac", beginning, rate)).decode(),
    }
