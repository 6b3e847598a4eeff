"""``DoctorOptions``: from where on something is a finding, and what is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DoctorOptions:
    """The section ``doctor`` of the configuration, which explains each.

    Attributes:
        output: folder of the page and of the JSON; None: neither is written.
        strict: whether a warning is enough for exit status 1.
        n_shown: cases of each check in the table.
        n_clips: worst recordings that can be played on the page.
        clip_seconds: how much of each.
        silence_db: what is so far below the loudest 10 ms of a recording is silence.
        longest_lead: seconds of silence before the speech.
        longest_tail: the same after it.
        clipped: samples in flat tops.
        offset: mean of the samples.
        faintest: level in dB below full scale.
        band: share of the highest mel frequency up to which there has to be sound.
        outlier: robust standard deviations on a log scale.
        least: utterances from which on there are outliers.
        accented: share of the texts with letters that are not the symbols'.
        speaker_clips: recordings that a speaker should have.
        memory_gb: of the device; None: the estimate is only told.
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
