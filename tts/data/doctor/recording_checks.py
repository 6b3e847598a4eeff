"""Checks each recording by itself."""

from __future__ import annotations

from collections.abc import Iterator

from tts.audio import MelConfig
from tts.data.corpora.manifest import Utterance
from tts.data.doctor.findings import Finding, utterance_finding
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.recording_stats import RecordingStats
from tts.data.doctor.utterances import ExaminedUtterance
from tts.data.loading.speech_datamodule import SpeechDataModule

# A shorter spectrum is too uncertain to be judged
_LEAST_SPEECH_SECONDS = 0.1


def check_recording(
    case: ExaminedUtterance, datamodule: SpeechDataModule, options: DoctorOptions
) -> Iterator[Finding]:
    """Yield the faults of one recording."""
    utterance, stats = case.utterance, case.recording
    if stats is None:
        check = ("bounds", "note") if case.is_left_out else ("unreadable", "error")
        yield utterance_finding(*check, utterance, case.fault)
        return
    if stats.channels != 1:
        severity = "error" if datamodule.processing.mono is None else "note"
        yield utterance_finding("channels", severity, utterance, f"{stats.channels} channels")
    if stats.rate != datamodule.mel.sample_rate:
        severity = "note" if datamodule.resample else "error"
        what = f"{stats.rate} Hz, expected {datamodule.mel.sample_rate} Hz"
        yield utterance_finding("rate", severity, utterance, what)
    if stats.is_silent:
        what = f"the highest sample is {stats.peak:.1g}"
        yield utterance_finding("silent", "error", utterance, what)
        return
    yield from _check_level(utterance, stats, options)
    if datamodule.processing.trim_db is None:
        yield from _check_ends(utterance, stats, options)
    yield from _check_band(utterance, stats, datamodule.mel, options)


def _check_level(
    utterance: Utterance, stats: RecordingStats, options: DoctorOptions
) -> Iterator[Finding]:
    if stats.n_clipped >= options.clipped:
        what = f"{stats.n_clipped} samples in flat tops at {stats.peak:.2f} of full scale"
        yield utterance_finding("clipping", "warning", utterance, what, stats.n_clipped)
    if abs(stats.offset) >= options.offset:
        what = f"the mean of the samples is {stats.offset:+.3f}"
        yield utterance_finding("offset", "warning", utterance, what, abs(stats.offset))
    if stats.level < options.faintest:
        what = f"{-stats.level:.1f} dB below full scale"
        yield utterance_finding("faint", "warning", utterance, what, -stats.level)


def _check_ends(
    utterance: Utterance, stats: RecordingStats, options: DoctorOptions
) -> Iterator[Finding]:
    if stats.lead > options.longest_lead:
        what = f"{stats.lead:.2f} s of {stats.seconds:.2f} s"
        yield utterance_finding("lead", "warning", utterance, what, stats.lead)
    if stats.tail > options.longest_tail:
        what = f"{stats.tail:.2f} s of {stats.seconds:.2f} s"
        yield utterance_finding("tail", "warning", utterance, what, stats.tail)


def _check_band(
    utterance: Utterance, stats: RecordingStats, mel: MelConfig, options: DoctorOptions
) -> Iterator[Finding]:
    highest = min(mel.f_max or mel.sample_rate / 2, mel.sample_rate / 2)
    if stats.band < options.band * highest and stats.speech_seconds >= _LEAST_SPEECH_SECONDS:
        what = f"ends at {stats.band:.0f} Hz of {highest:.0f} Hz"
        yield utterance_finding("band", "warning", utterance, what, -stats.band)
