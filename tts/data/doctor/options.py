"""Holds the options of the doctor: thresholds of the checks, and what the report shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DoctorOptions:
    """Holds the section ``doctor`` of the configuration; ``conf/doctor.yaml`` explains each key.

    Attributes:
        output: folder for the page and the JSON file; None: neither is written.
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
        least: number of utterances from which on the doctor looks for outliers.
        accented: share of texts with accented letters above which the language is in doubt.
        speaker_clips: number of recordings that each speaker should have.
        memory_gb: memory of the device in GB; None: the estimate is a note only.
    """

    output: str | None = "doctor"
    strict: bool = False
    n_shown: int = 3
    n_clips: int = 10
    clip_seconds: float = 12.0
    silence_db: float = 40.0
    longest_lead: float = 0.5
    longest_tail: float = 0.5
    clipped: int = 10
    offset: float = 0.01
    faintest: float = -40.0
    band: float = 0.75
    outlier: float = 6.0
    least: int = 20
    accented: float = 0.1
    speaker_clips: int = 20
    memory_gb: float | None = None
