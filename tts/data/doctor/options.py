"""Holds the options of the doctor: thresholds of the checks, and what the report shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tts.core.ranges import (
    Amount,
    Count,
    CountOrZero,
    Number,
    OptionalPositive,
    Positive,
    Share,
    check_fields,
)


@dataclass(frozen=True)
class DoctorOptions:
    """Holds the section ``doctor`` of the configuration; ``conf/doctor.yaml`` explains each key.

    Attributes:
        output: folder for the page and the JSON file; "{corpus}" in it stands for the name of the
            corpus. None: neither is written.
        strict: whether a warning is enough for exit status 1.
        n_shown: number of findings of each check that the table shows.
        n_clips: number of the worst recordings that the page can play.
        clip_seconds: how many seconds of each of these the page plays.
        silence_db: frames this many dB below the loudest 10 ms of a recording are silence.
        longest_lead: seconds of silence before the speech above which there is a warning.
        longest_tail: the same for the silence after the speech.
        clipped: number of samples in flat tops from which on a recording counts as clipped.
        offset: absolute mean of the samples from which on there is a DC offset.
        faintest: level in dB relative to full scale below which a recording is too quiet.
        band: share of the highest mel frequency up to which a recording must have sound.
        outlier: distance from the median, in robust standard deviations of the logarithm, above
            which a duration or a pace is unusual.
        fastest: letters and digits of the text in a second of speech above which the text cannot
            be that of the recording.
        slowest: the same number below which a part of the text may be missing.
        least: number of utterances from which on the doctor looks for outliers.
        accented: share of texts with accented letters above which the language is in doubt.
        speaker_clips: number of recordings that each speaker should have.
        memory_gb: memory of the device in GB; None: the estimate is a note only.

    Raises:
        InputError: a value is illegal; the message names the key, its value and the legal values.
    """

    output: str | None = "doctor/{corpus}"
    strict: bool = False
    n_shown: CountOrZero = 3
    n_clips: CountOrZero = 10
    clip_seconds: Positive = 12.0
    silence_db: Annotated[float, Number(float, above=0, most=120)] = 40.0
    longest_lead: Amount = 0.5
    longest_tail: Amount = 0.5
    clipped: Count = 10
    offset: Share = 0.01
    faintest: Annotated[float, Number(float, most=0)] = -40.0
    band: Share = 0.75
    outlier: Positive = 6.0
    fastest: Positive = 40.0
    slowest: Amount = 1.5
    least: Count = 20
    accented: Share = 0.1
    speaker_clips: CountOrZero = 20
    memory_gb: OptionalPositive = None

    def __post_init__(self) -> None:
        check_fields(self, "doctor.")
